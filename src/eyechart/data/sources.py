"""Getting the bytes of one file from one place: a folder, an installed package, or a web server."""

from __future__ import annotations

import http.client
import importlib.util
import math
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from eyechart.core import terminal
from eyechart.core.errors import DataError
from eyechart.data.on_disk import Kind, kind_of, unreadable

CHUNK = 1 << 18  # bytes read and written at once
SLOWEST = 1024  # bytes per second; a download that is slower for its first `timeout` seconds is given up
PACKAGE = "package:"


class NotThereError(Exception):
    """The place can be read, and does not hold the file."""


class UnreachableError(Exception):
    """The place is not there or does not answer, so that asking it for other files is of no use."""


def is_url(place: str) -> bool:
    """Whether a place is a web server's."""
    return place.startswith(("http://", "https://"))


def may_exist(place: str) -> bool:
    """Whether it is worth asking a place: a folder must exist, a web server is not asked beforehand."""
    try:
        return is_url(place) or kind_of(Path(os.path.expanduser(place))) == "folder"
    except DataError:  # to be told of when it is asked
        return True


def below(place: str, name: str) -> str:
    """The place or file `name` within a place."""
    return f"{place.rstrip('/')}/{name}"


def find_folder(place: str, name: str) -> Path:
    """The folder `name` within a place on this machine.

    Raises:
        NotThereError: the place does not hold the folder, or is a web server, of which no list can be had.
        UnreachableError: there is no such place.
        DataError: what lies there is no folder, or cannot be read.
    """
    if is_url(place):
        raise NotThereError(f"{name}: a folder cannot be had from a web server")
    folder = _folder(place)
    _check(folder, "folder", UnreachableError("no such folder"))
    _check(folder / name, "folder", NotThereError(f"no {name}"))
    return folder / name


def get(place: str, file: str, destination: Path, *, timeout: float, most: float = math.inf) -> Path:
    """Copy a file from a place into a folder, under its own name.

    A file that is named with `.gz` is also taken without, and the reverse; archives are not.

    Args:
        place: a folder (`~` is the home), `package:<package>/<folder>`, or an http(s) URL of a folder.
        file: the file's name there, possibly with folders in it.
        destination: the folder to write into; it need not exist.
        timeout: seconds a web server may be silent.
        most: bytes that a web server may send.

    Returns:
        The file written.

    Raises:
        NotThereError: the place does not hold the file.
        UnreachableError: there is no such place, or it does not answer.
        DataError: the file is there, and is none, cannot be read, is too large or did not come to its end.
        OSError: the destination cannot be written, for example because the disk is full.
    """
    try:
        return _get(place, file, destination, timeout, most)
    except NotThereError:
        if file.endswith((".tar.gz", ".tar.xz", ".npz")):
            raise
        other = file.removesuffix(".gz") if file.endswith(".gz") else f"{file}.gz"
        try:
            return _get(place, other, destination, timeout, most)
        except NotThereError:
            pass
        raise


def _get(place: str, file: str, destination: Path, timeout: float, most: float) -> Path:
    chunks = _download(place, file, timeout, most) if is_url(place) else _read(_folder(place), file)
    try:
        first = next(chunks, b"")  # asks the place, so that nothing is created for a file that is not there
        target = destination / file
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as output:
            output.write(first)
            for chunk in chunks:
                output.write(chunk)
    finally:
        chunks.close()
    return target


def _folder(place: str) -> Path:
    if not place.startswith(PACKAGE):
        return Path(os.path.expanduser(place)).absolute()
    package, _, folder = place.removeprefix(PACKAGE).partition("/")
    try:
        spec = importlib.util.find_spec(package)  # finds the package without the seconds of importing it
    except (ImportError, ValueError):  # of a name that none can have
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise UnreachableError(f"no package {package} installed")
    return Path(spec.submodule_search_locations[0]) / folder


def _read(folder: Path, file: str) -> Generator[bytes, None, None]:
    path = folder / file
    _check(folder, "folder", UnreachableError("no such folder"))
    _check(path, "file", NotThereError(f"no {file}"))
    try:
        with path.open("rb") as source:
            while chunk := source.read(CHUNK):
                yield chunk
    except OSError as error:
        raise unreadable(path, error) from None


def _check(path: Path, expected: Kind, absent: Exception) -> None:
    """Raise `absent` where nothing lies at `path`, and DataError where it is not what is expected."""
    found = kind_of(path)
    if found == "nothing":
        raise absent
    if found != expected:
        raise DataError(f"{path} is a {found}, expected a {expected}")


def _download(place: str, file: str, timeout: float, most: float) -> Generator[bytes, None, None]:
    url = below(place, urllib.parse.quote(file))
    received = 0
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "eyechart"})  # some refuse Python's own name
        with urllib.request.urlopen(request, timeout=timeout) as response:
            size = int(response.headers.get("Content-Length") or 0)
            start = time.monotonic()
            with progress(url, size) as advance:
                while chunk := response.read1(CHUNK):
                    received += len(chunk)
                    if max(received, size) > most:
                        raise DataError(
                            f"{file} is larger than {most / 10**9:g} GB: where that is meant, type "
                            f"++dataset.max_gigabytes={2 * most / 10**9:g}"
                        )
                    advance(len(chunk))
                    yield chunk
                    # a server that sends a byte now and then never runs into the time-out of a single read
                    if (seconds := time.monotonic() - start) > timeout and received / seconds < SLOWEST:
                        raise UnreachableError(f"{file}: slower than {SLOWEST} bytes per second")
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (403, 404, 410):  # object stores answer 403 for what they do not hold
            raise NotThereError(f"{file}: HTTP {error.code}") from None
        raise UnreachableError(f"{file}: HTTP {error.code}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, TimeoutError):
            raise UnreachableError(f"{file}: no answer within {timeout:g} seconds") from None
        raise UnreachableError(f"{file}: {getattr(reason, 'strerror', None) or reason}") from None
    if received < size:
        raise DataError(f"{file} is truncated: the download ended after {received} of {size} bytes")


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show on stderr how a download of `total` bytes (0: unknown) gets on: a bar on a terminal, else one line."""
    if not sys.stderr.isatty():
        print(f"downloading {label}" + (f" ({total / 1e6:.1f} MB)" if total else ""), file=sys.stderr)
        yield lambda count: None
        return
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with terminal.bar(*columns) as bar:
        task = bar.add_task(label.rpartition("/")[2], total=total or None)
        yield lambda count: bar.update(task, advance=count)
