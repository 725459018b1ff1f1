"""Writing so that a reader, or a later start, never sees half a file."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eyechart.core.errors import EyechartError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; on leaving without an error it is renamed to `path`.

    What is written under the temporary name may be a file or a folder. It is removed if an error, Ctrl-C
    included, ends the block.

    Examples:
        with replacing(Path("table.csv")) as temporary:
            frame.to_csv(temporary)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # the same suffix, because writers choose a format by it
    holder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    temporary, old = holder / path.name, holder / ".old"
    try:
        yield temporary
        if temporary.is_dir() and path.is_dir():
            # a folder cannot replace a folder that is not empty: move the old one out of the way first
            os.rename(path, old)
        os.replace(temporary, path)
    except OSError as error:  # of a full disk the system names no file, and else it may name the temporary one
        full = error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        if full or str(error.filename).startswith(str(holder)):
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        if old.exists() and not path.exists():  # it was interrupted between the two
            os.rename(old, path)
        shutil.rmtree(holder, ignore_errors=True)


def named(*names: str) -> re.Pattern[str]:
    """What matches these names and no others, for `check_replaceable`."""
    return re.compile("|".join(map(re.escape, names)))


def check_replaceable(folder: Path, own: re.Pattern[str], what: str) -> None:
    """Refuse to replace a folder that holds more than the same program left there before.

    Args:
        folder: that is to be replaced; need not be there.
        own: matches the names of what the program leaves.
        what: these are, in words.

    Raises:
        EyechartError: something else lies in the folder, it is a file, or nothing may be written beside it.
    """
    if folder.is_mount():
        raise EyechartError(
            f"to={folder} is where a disk is mounted, which cannot be replaced: type to={folder / 'new'}"
        )
    others = [path.name for path in folder.iterdir() if not own.fullmatch(path.name)] if folder.is_dir() else []
    if others or (folder.exists() and not folder.is_dir()):
        found = f"a folder with {ascii(others[0])[1:-1]}" if others else "a file"
        raise EyechartError(f"expected no folder, or one with {what}, received {found}: type to=NEW")
    _check_place(folder, "to")


def check_file(path: Path, key: str, suffix: str) -> None:
    """Refuse a file that cannot be written, before any work.

    Args:
        path: of the file; what is there is replaced.
        key: by which a person named it.
        suffix: that its name has to have.

    Raises:
        EyechartError: it is a folder, its name does not end in the suffix, or nothing may be written beside it.
    """
    if path.is_dir():
        raise EyechartError(f"{key}={path} is a folder, expected a file: type {key}={path / key}{suffix}")
    if path.suffix.lower() != suffix:
        raise EyechartError(
            f"expected a name that ends in {suffix}, received {key}={path}: type {key}={path.with_suffix(suffix)}"
        )
    _check_place(path, key)


def _check_place(path: Path, key: str) -> None:
    """Raise EyechartError where nothing may be written beside `path`, which need not be there."""
    above = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not above.is_dir():
        raise EyechartError(
            f"{key}={path} lies in {above}, which is a file, expected a folder: type {key}= and another"
        )
    if not os.access(above, os.W_OK | os.X_OK):
        raise EyechartError(f"{key}={path} lies in {above}, which may not be written: type {key}= and another place")


def remove_unfinished(folder: Path) -> None:
    """Remove what `replacing` left in a folder, and in those below it, when a process was killed meanwhile."""
    for holder in folder.rglob(".*.*"):
        if holder.is_dir():
            shutil.rmtree(holder, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
