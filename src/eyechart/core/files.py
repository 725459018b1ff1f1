"""Writing so that a reader, or a later start, never sees half a file."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from eyechart.core.errors import EyechartError

HOLDER = re.compile(r"\..+\.[a-z0-9_]{8}", re.DOTALL)  # as `tempfile` names it
HELD = ".eyechart-held"  # in a holder: locked by the process that writes there
REPLACED = ".eyechart-replaced"  # in a holder: what lay where the new is to lie
DAY = 86400.0  # seconds


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; on leaving without an error the file there is renamed to `path`.

    It is removed if an error, Ctrl-C included, ends the block. A folder is neither replaced nor made: see
    `eyechart.core.folders`.

    Examples:
        with replacing(Path("table.csv")) as temporary:
            frame.to_csv(temporary)
    """
    with holding(path) as holder:
        temporary = holder / path.name  # the same suffix, because writers choose a format by it
        yield temporary
        if temporary.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(temporary))
        os.replace(temporary, path)


@contextmanager
def holding(path: Path) -> Iterator[Path]:
    """Give a hidden folder beside `path` that is this process's own, in which what is to be `path` is written.

    It is removed at the end. What killed processes left there of this kind is removed first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(path.parent)
    start = path.with_name(f".{path.name}.")
    try:
        holder = Path(tempfile.mkdtemp(prefix=start.name, dir=path.parent))
        try:
            with _held(holder):
                try:
                    yield holder
                finally:
                    _bring_back(holder, path)
        finally:
            shutil.rmtree(holder, ignore_errors=True)
    except OSError as error:
        # of a full disk the system names no file, or the temporary one, at times after that which was copied
        full = error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        if full or any(str(name).startswith(str(start)) for name in (error.filename, error.filename2)):
            error.filename, error.filename2 = str(path), None
        raise


@contextmanager
def _held(holder: Path) -> Iterator[None]:
    """Lock a holder, so that `remove_abandoned` knows that its process lives: the system frees it when that ends."""
    lock = os.open(holder / HELD, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        with suppress(OSError):  # where a file system locks nothing, nothing is ever taken for abandoned
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.write(lock, _this_machine())
        yield
    finally:
        os.close(lock)


def remove_abandoned(folder: Path) -> None:
    """Remove the holders in a folder whose processes were killed on this machine; put back what one had moved away.

    A holder is what `holding` made, and nothing else that has such a name. One that a living process holds stays, and
    so does one of another machine, of which not every file system tells whether it is held.
    """
    names: list[str] = []
    with suppress(OSError), os.scandir(folder) as entries:
        names += [entry.name for entry in entries if HOLDER.fullmatch(entry.name)]
    for name in names:
        with suppress(OSError):  # it is no holder, it is held, or it is gone by now
            _remove_holder(folder / name)


def _remove_holder(holder: Path) -> None:
    """Remove a holder of this machine, or raise OSError where it is held or is none."""
    lock = os.open(holder / HELD, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.read(lock, 1024) != _this_machine():
            return
        _bring_back(holder, holder.with_name(holder.name[1:].rpartition(".")[0]))
    finally:
        os.close(lock)
    shutil.rmtree(holder, ignore_errors=True)


def _this_machine() -> bytes:
    return f"eyechart on {socket.gethostname()}\n".encode()


def _bring_back(holder: Path, path: Path) -> None:
    """Move back what was moved out of the way, where nothing has come in its place."""
    if os.path.lexists(holder / REPLACED) and not os.path.lexists(path):
        os.rename(holder / REPLACED, path)


def check_file(path: Path, key: str, suffix: str, own: bytes) -> None:
    """Refuse a file that cannot be written, or that is a person's, before any work.

    Args:
        path: of the file.
        key: by which a person named it.
        suffix: that its name has to have.
        own: stands in every file that the same program wrote, and is to replace.

    Raises:
        EyechartError: it is a folder or another program's, its name does not end in the suffix, links lead in a
            circle, or nothing may be written beside it.
    """
    if path.is_dir():
        raise EyechartError(f"{key}={path} is a folder, expected a file: type {key}={path / key}{suffix}")
    if path.suffix.lower() != suffix:
        raise EyechartError(
            f"expected a name that ends in {suffix}, received {key}={path}: type {key}={path.with_suffix(suffix)}"
        )
    target = behind_links(path)
    if target.exists() and not (target.is_file() and _holds(target, own)):
        raise EyechartError(
            f"expected no file, or one that was written for {key}= before, received {path}, which is another: "
            f"type {key}=NEW{suffix}"
        )
    check_place(target, key)


def _holds(file: Path, own: bytes) -> bool:
    """Whether `own` stands in a file, or nothing does."""
    content = file.read_bytes()
    return own in content or not content


def behind_links(path: Path) -> Path:
    """The absolute path that `path` means where links are followed; it need not be there.

    Raises:
        EyechartError: links lead in a circle.
    """
    found = Path(os.path.realpath(path))
    if found.is_symlink():
        raise EyechartError(f"{path} is a link that leads in a circle: remove it, or type another name")
    return found


def check_place(path: Path, key: str) -> None:
    """Raise EyechartError where nothing may be written beside `path`, which need not be there."""
    above = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not above.is_dir():
        raise EyechartError(
            f"{key}={path} lies in {above}, which is a file, expected a folder: type {key}= and another"
        )
    if not os.access(above, os.W_OK | os.X_OK):
        raise EyechartError(f"{key}={path} lies in {above}, which may not be written: type {key}= and another place")


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left of `replacing` in a state folder, and in those below it.

    All there is this project's, and written in moments. So what an earlier version made, which held nothing, is removed
    too, and what another machine has not touched for a day.
    """
    for holder in [path for path in folder.rglob(".*.*") if HOLDER.fullmatch(path.name) and path.is_dir()]:
        remove_abandoned(holder.parent)
        with suppress(OSError):
            held = (holder / HELD).exists() and time.time() - holder.stat().st_mtime < DAY
            if any(holder.iterdir()) and not held:
                shutil.rmtree(holder, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
