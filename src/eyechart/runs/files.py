"""The files of a run or a scan, by the names that its journal has of them."""

from __future__ import annotations

from pathlib import Path

from eyechart.core.within import PathError, within


def file_of(folder: Path, name: object) -> Path:
    """A file that a journal names.

    Args:
        folder: of the journal.
        name: as the journal has it: from there on.

    Raises:
        PathError: it leads out of the folder, or to what is no file.
        FileNotFoundError: there is none.
    """
    path = within(folder, name)
    if not path.is_file():
        if path.exists():
            raise PathError(f"expected a file within {folder}, received {name!r:.200}, which is none")
        raise FileNotFoundError(2, "No such file", str(folder / str(name)))
    return path
