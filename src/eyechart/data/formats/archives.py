"""Compressed files, and files inside a tar archive, read into memory. Nothing is ever extracted to disk."""

from __future__ import annotations

import gzip
import lzma
import struct
import tarfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from eyechart.core.errors import DataError

GZIP = b"\x1f\x8b"


def unpacked(path: Path) -> bytes:
    """Read a file that may be compressed with gzip.

    What it holds decides, not its name: mirrors and browsers unpack and leave the name, or the reverse.

    Raises:
        DataError: it is compressed, and truncated or corrupt.
    """
    content = path.read_bytes()
    if not content.startswith(GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DataError(f"{path.name} is truncated or corrupt: {error}") from None


def members(path: Path, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield base name and content of the wanted files of a `.tar`, `.tar.gz`, `.tar.bz2` or `.tar.xz`, in its order.

    Raises:
        DataError: the archive is truncated or corrupt, or has any member, wanted or not, that is a link or a device or
            whose path leads outside. An archive with such a member was not made by those who made the data set.
    """
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:  # in one pass: going back in a compressed file means reading it from the start
                _check(member, path.name)
                base = PurePosixPath(member.name).name
                if member.isfile() and base in wanted and (file := archive.extractfile(member)):
                    yield base, file.read()
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError, UnicodeDecodeError, ValueError) as error:
        raise DataError(f"{path.name} is truncated or corrupt: {' '.join(str(error).split())}") from None


def _check(member: tarfile.TarInfo, archive: str) -> None:
    if not (member.isfile() or member.isdir()):
        raise DataError(f"{archive} is refused: its member {member.name!a} is a link or a device, not a file")
    for path in (PurePosixPath(member.name), PureWindowsPath(member.name)):
        if path.anchor or ".." in path.parts:
            raise DataError(f"{archive} is refused: its member {member.name!a} leads outside of the archive")
