"""Images that a person names: single files, folders and patterns; and reading them one after the other."""

from __future__ import annotations

import glob
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyechart.core.errors import DataError
from eyechart.data.formats.folder import SUFFIXES, read_image, reason


def check_channels(channels: int, what: str) -> None:
    """Raise DataError where photographs, which are gray or in colour, have no such number of channels for `what`."""
    if channels not in (1, 3):
        raise DataError(
            f"expected {what} of 1 or 3 channels, as photographs have, received {channels} channels: "
            "name a network or a data set of gray or colour images"
        )


def find_images(words: Sequence[str]) -> list[Path]:
    """The files that are meant, each once, sorted by their paths.

    Args:
        words: each a file of any name; a folder, whose images and those in all folders below it are meant; or a
            pattern with `*`, `?`, `[ab]` or `**` (any folders) of such files and folders. What is hidden is meant only
            where it is named. `~` is the home folder.

    Raises:
        DataError: there is no word, or one stands for no file.
        OSError: a folder cannot be read.
    """
    if not words:
        raise DataError("expected images, received none: type images= and a file, a folder or a pattern")
    found: set[Path] = set()
    for word in words:
        path = Path(word).expanduser()
        named = [path] if path.exists() else [Path(match) for match in glob.glob(str(path), recursive=True)]
        if not named:
            raise DataError(
                f"expected images that are there, received '{word}', which nothing in {Path.cwd()} matches: type "
                f"images= and a file, a folder or, in quotes, a pattern such as 'photos/*.png'"
            )
        files = {file for place in named for file in (_below(place) if place.is_dir() else [place])}
        if not files:
            raise DataError(f"there is no image in '{word}': expected names that end in {', '.join(SUFFIXES)}")
        found |= files
    return sorted(found)


def read(files: Iterable[Path], size: tuple[int, int], channels: int) -> Iterator[tuple[Path, NDArray[np.uint8] | str]]:
    """Each file with its image, as `read_image` gives it, or with what is wrong with it in a few words."""
    for file in files:
        yield file, _read(file, size, channels)


def read_whole(file: Path, channels: int) -> NDArray[np.uint8] | str:
    """One file's image in its own size, (height, width, channels), or what is wrong with it in a few words."""
    return _read(file, None, channels)


def _read(file: Path, size: tuple[int, int] | None, channels: int) -> NDArray[np.uint8] | str:
    from PIL import Image

    if not file.is_file():  # opening a pipe would wait for ever
        return "no file"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about remarks in a file that do not concern its pixels
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return read_image(file, size, channels)
        except Exception as error:  # a corrupt image can end in nearly any
            return reason(error)


def _below(folder: Path) -> Iterator[Path]:
    """Every image in a folder and in those below it."""
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in names if not name.startswith(".") and name.lower().endswith(SUFFIXES))


def _raise(error: OSError) -> None:
    raise error
