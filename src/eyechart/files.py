"""Writing so that a reader, or a later start, never sees half a file."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


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
    temporary = holder / path.name
    try:
        yield temporary
        if temporary.is_dir() and path.is_dir():
            # a folder cannot replace a folder that is not empty: move the old one out of the way first
            os.rename(path, holder / ".old")
        os.replace(temporary, path)
    finally:
        shutil.rmtree(holder, ignore_errors=True)


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
