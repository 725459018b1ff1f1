"""Bytes to arrays: one module per format, each with a function `read` from files to `Images`.

A new format is a module with such a function, a line in `READERS` and a word in `eyechart.data.config.FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from eyechart.data.formats import cifar, digits, idx, npz
from eyechart.data.images import Images
from eyechart.errors import DataError

READERS: dict[str, Callable[[Sequence[Path]], Images]] = {
    "cifar": cifar.read,
    "digits": digits.read,
    "idx": idx.read,
    "npz": npz.read,
}


def decode(format: str, files: Sequence[Path], *, classes: int) -> Images:
    """Read the files of a data set.

    Args:
        format: a key of `READERS`.
        files: the files, in the order of the data set's configuration.
        classes: the number of classes; every label must be below it.

    Raises:
        DataError: a file is truncated, corrupt or of another kind; the message names it.
    """
    try:
        images = READERS[format](files)
        images.check_labels(classes)
    except OSError as error:
        raise DataError(f"cannot read {Path(error.filename or files[0]).name}: {error.strerror or error}") from None
    return images


__all__ = ["READERS", "Images", "decode"]
