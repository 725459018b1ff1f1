"""What lies at a path, looked at before it is opened: what is not there is told from what cannot be read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Literal

from eyechart.core.errors import DataError

Kind = Literal["file", "folder", "nothing"]

_ODD = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


def kind_of(path: Path) -> Kind:
    """What lies at a path; links are followed.

    Raises:
        DataError: it cannot be read: a link to nothing or in a circle, a pipe, a socket, a device, or what may not be
            looked at. To open a pipe would wait for ever.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise unreadable(path, error) from None
        if link := _broken_link(path):
            raise DataError(f"{link} is a link to {os.readlink(link)}, which is not there") from None
        return "nothing"
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    raise DataError(f"{path} is a {_ODD.get(stat.S_IFMT(mode), 'thing of another kind')}, expected a file or a folder")


def unreadable(path: Path, error: OSError) -> DataError:
    """What to raise of a file or folder that is there and cannot be read."""
    return DataError(f"{error.filename or path} cannot be read: {error.strerror or error}")


def _broken_link(path: Path) -> Path | None:
    """The link on the way to `path` that leads to nothing; None if there is none."""
    return next((link for link in (path, *path.parents) if os.path.islink(link) and not os.path.exists(link)), None)
