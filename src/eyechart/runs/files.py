"""The files of a run or a scan: found by the names that a journal has of them, and whole.

Size and SHA-256 of each stand in a table, under its path: `files` of the journal's last record and, for those that are
copied elsewhere, of `run.json`, which goes with them. Whoever reads a file asks for it here, and so has it checked.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from eyechart.core.errors import TO_HAVE_AGAIN, EyechartError
from eyechart.core.within import PathError, relative, within
from eyechart.runs.journal import BrokenJournal, JournalState

SETTLED = 2.0  # seconds: a file that was written less long ago may be written again without another time

Table = dict[str, dict[str, Any]]


class BrokenFile(EyechartError):
    """A file does not hold what was written to it."""


def file_of(folder: Path, name: object) -> Path:
    """A file of a run or a scan, which is there and whole.

    Args:
        folder: of its journal.
        name: its path from there on, as a journal has it.

    Raises:
        PathError: it leads out of the folder, or to what is no file.
        FileNotFoundError: there is none.
        BrokenFile: it is not what the journal says. One that the journal says nothing of, as those of earlier
            versions, is taken as it is.
    """
    known: Mapping[str, Any] = {}
    with suppress(BrokenJournal):  # it is told of where the journal is needed
        known = JournalState.read(folder).checksums
    return checked(folder, name, known)


def checked(folder: Path, name: object, known: Mapping[str, Any], again: str = TO_HAVE_AGAIN) -> Path:
    """The same of any folder and table; `again` is what to do to have a damaged file again."""
    path = within(folder, name)
    if not path.is_file():
        if path.exists():
            raise PathError(f"expected a file within {folder}, received {name!r:.200}, which is none")
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    expected = known.get(str(relative(name)))
    if expected is not None and (found := checksum(path)) != expected:
        raise BrokenFile(
            f"{path} is damaged: expected {_in_words(expected)}, as when it was written, received {_in_words(found)}: "
            f"{again}"
        )
    return path


def checksums(folder: Path, below: str = "") -> Table:
    """The table of the files in a folder.

    Args:
        folder: from which the paths in the table lead.
        below: only files in this folder below it.
    """
    files = [path for path in sorted((folder / below).rglob("*")) if path.is_file() and not path.is_symlink()]
    names = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: checksum(path) for name, path in names.items() if "/." not in f"/{name}"}  # half written


def checksum(path: Path) -> dict[str, Any]:
    """Size in bytes and SHA-256 of a file, which is read again only where its size or time has changed."""
    file = path.stat()
    settled = abs(time.time() - file.st_mtime) > SETTLED
    digest = (_sha256 if settled else _sha256.__wrapped__)(path, file.st_size, file.st_mtime_ns)
    return {"size": file.st_size, "sha256": digest}


@functools.lru_cache(maxsize=16384)
def _sha256(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _in_words(entry: Any) -> str:
    with suppress(LookupError, TypeError, ValueError):
        return f"{entry['size']:,} bytes (SHA-256 {entry['sha256'][:12]})"
    return f"{entry!r:.80}"
