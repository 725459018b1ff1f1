"""Compressed files, and files inside a tar archive, read into memory. Nothing is ever extracted to disk.

A small file can hold, or state, any size: what is unpacked is counted first, and refused in one line where it is more
than a data set may have. A file that is not compressed is as large as it is, and never too large.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import tarfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from eyechart.core.errors import DataError

GZIP = b"\x1f\x8b"
OPENERS: dict[bytes, Callable[[Path], Any]] = {GZIP: gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
MOST = 2 * 10**9  # bytes
CHUNK = 1 << 20  # bytes read at once: no more is unpacked than that
LARGEST = 1 << 22  # bytes that tarfile asks for at once: headers of names state any size, and are read whole


class TooLargeError(DataError):
    """A file unpacks to more than a data set may have."""

    def __init__(self, name: str, most: int):
        super().__init__(
            f"{name} unpacks to more than {most / 10**9:g} GB: where that is meant, type "
            f"++dataset.max_gigabytes={2 * most / 10**9:g}, or write it into the data set's YAML"
        )


def bound(path: Path, most: int) -> int:
    """How many bytes a file may unpack to: `most`, or, where it is larger by itself, its own size."""
    return max(most, path.stat().st_size)


@contextmanager
def opened(path: Path, most: int = MOST) -> Iterator[Any]:
    """Open a file that may be compressed with gzip, and has been read to its end once without being kept.

    What it holds decides, not its name: mirrors and browsers unpack and leave the name, or the reverse.

    Raises:
        DataError: it is compressed, and truncated, corrupt or unpacks to more than `most` bytes.
    """
    with path.open("rb") as file:
        packed = file.read(len(GZIP)) == GZIP
    if packed:
        _check_size(path, bound(path, most))
    with gzip.open(path) if packed else path.open("rb") as content:
        yield content


def unpacked(path: Path, most: int = MOST) -> bytes:
    """The content of a file that may be compressed with gzip; errors as of `opened`."""
    with opened(path, most) as content:
        read: bytes = content.read()
        return read


def _check_size(path: Path, most: int) -> None:
    """Raise DataError unless a file in gzip's format can be read to its end and holds at most so many bytes."""
    size = 0
    try:
        with gzip.open(path) as content:
            while chunk := content.read(CHUNK):
                size += len(chunk)
                if size > most:
                    raise TooLargeError(path.name, most)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DataError(f"{path.name} is truncated or corrupt: {error}") from None


def members(path: Path, wanted: Collection[str], most: int = MOST) -> Iterator[tuple[str, bytes]]:
    """Yield base name and content of the wanted files of a `.tar`, `.tar.gz`, `.tar.bz2` or `.tar.xz`, in its order.

    Raises:
        DataError: the archive is truncated or corrupt, unpacks to more than `most` bytes, or has any member, wanted or
            not, that is a link or a device or whose path leads outside. An archive with such a member was not made by
            those who made the data set.
    """
    most = bound(path, most)
    try:
        with _open_archive(path) as content, _archive(_Bounded(content, path.name, most)) as archive:
            for member in archive:  # in one pass: going back in a compressed file means reading it from the start
                _check(member, path.name)
                if member.size > most:  # a sparse one takes no room in the archive for its zeros
                    raise TooLargeError(path.name, most)
                base = PurePosixPath(member.name).name
                if member.isfile() and base in wanted and (file := archive.extractfile(member)):
                    yield base, b"".join(iter(lambda: file.read(CHUNK), b""))
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError, UnicodeDecodeError, ValueError) as error:
        raise DataError(f"{path.name} is truncated or corrupt: {' '.join(str(error).split())}") from None


def _archive(content: Any) -> tarfile.TarFile:
    return tarfile.open(fileobj=content, mode="r:")


def _open_archive(path: Path) -> Any:
    with path.open("rb") as file:
        begin = file.read(max(map(len, OPENERS)))
    return next((open_(path) for mark, open_ in OPENERS.items() if begin.startswith(mark)), None) or path.open("rb")


class _Bounded:
    """An unpacked archive as `tarfile` reads it: not beyond `most` bytes, and never much at once."""

    def __init__(self, content: IO[bytes], name: str, most: int):
        self._content, self._name, self._most = content, name, most
        self.tell = content.tell

    def read(self, size: int) -> bytes:
        if size > LARGEST:
            raise DataError(f"{self._name} is refused: a header in it states {size:,} bytes")
        found = self._content.read(size)
        self._check(self._content.tell())
        return found

    def seek(self, position: int) -> int:
        self._check(position)
        return self._content.seek(position)

    def _check(self, position: int) -> None:
        if position > self._most:
            raise TooLargeError(self._name, self._most)


def _check(member: tarfile.TarInfo, archive: str) -> None:
    if not (member.isfile() or member.isdir()):
        raise DataError(f"{archive} is refused: its member {member.name!a} is a link or a device, not a file")
    for path in (PurePosixPath(member.name), PureWindowsPath(member.name)):
        if path.anchor or ".." in path.parts:
            raise DataError(f"{archive} is refused: its member {member.name!a} leads outside of the archive")
