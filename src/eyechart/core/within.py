"""Where a path leads that a file names: a journal, a manifest, what somebody else has sent. It is not to be trusted."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from eyechart.core.errors import EyechartError


class PathError(EyechartError):
    """A path that a file names leads where nothing is to be read or written for it."""


def relative(name: object) -> PurePosixPath:
    """A path that a file names, if it leads down from wherever it begins, going by its text alone.

    Raises:
        PathError: it is no text, empty or absolute, or goes up.
    """
    path = PurePosixPath(name) if isinstance(name, str) and "\0" not in name else PurePosixPath()
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise PathError(f"expected a path below a folder, without '..', received {name!r:.200}")
    return path


def plain(name: object) -> str:
    """A name that a file gives to one file or folder.

    Raises:
        PathError: it is no text, empty, or a path.
    """
    path = relative(name)
    if str(path) != name or len(path.parts) > 1:
        raise PathError(f"expected a name without '/', received {name!r:.200}")
    return str(path)


def within(folder: Path, name: object) -> Path:
    """Where a path lies that a file names, whether there is something or not.

    This is the only way from such a path to one that is opened.

    Args:
        folder: that it may not leave.
        name: the path, as the file has it.

    Raises:
        PathError: it leads out of the folder: by its text, or by a symlink that it, or a folder above it, is.
    """
    path, base = folder / relative(name), os.path.realpath(folder)
    if os.path.commonpath([base, os.path.realpath(path)]) != base:
        raise PathError(f"expected a path within {folder}, received {name!r:.200}, a link that leads out of it")
    return path
