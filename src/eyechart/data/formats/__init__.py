"""Bytes to arrays: one module per format, each with a function `read` from files to `Images`.

A new format is a module with such a function, a line in `READERS` and a word in `eyechart.data.config.FORMATS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eyechart.core.errors import DataError
from eyechart.data.config import FormConfig
from eyechart.data.formats import cifar, csv, digits, folder, idx, mnist_pkl, npz
from eyechart.data.formats.archives import MOST
from eyechart.data.formats.holdout import hold_back
from eyechart.data.images import Images

READERS: dict[str, Callable[..., Images]] = {
    "cifar": cifar.read,
    "csv": csv.read,
    "digits": digits.read,
    "folder": folder.read,
    "idx": idx.read,
    "mnist_pkl": mnist_pkl.read,
    "npz": npz.read,
}


def decode(
    form: FormConfig,
    files: Sequence[Path],
    class_names: Sequence[str] | None,
    most: int = MOST,
    *,
    together: bool = False,
) -> Images:
    """Read the files of a data set.

    Args:
        form: says the format, and what the files do not say themselves.
        files: the files, in the order of the data set's configuration.
        class_names: as `Images.named` takes them.
        most: bytes that a file may unpack to, where it is not larger by itself.
        together: whether what is cut keeps images that are the same pixel by pixel on one side.

    Returns:
        Images of which the classes have names, with a test part.

    Raises:
        DataError: a file is truncated, corrupt, too large or of another kind; the message names it. Or the files name
            other classes or another validation part than the configuration.
    """
    options: dict[str, Any] = {"group": form.group} if form.format in ("csv", "folder") else {}
    if form.format == "folder":
        options |= {"image_size": form.image_size, "channels": form.channels}
    try:
        images = READERS[form.format](files, most, **options)
        images = hold_back(dataclasses.replace(images, together=together))
    except OSError as error:
        raise DataError(f"cannot read {Path(error.filename or files[0]).name}: {error.strerror or error}") from None
    if form.validation and images.validation not in (0, form.validation):
        raise DataError(f"expected a validation part of {form.validation}. Received: {images.validation}")
    images = dataclasses.replace(images.named(class_names), validation=images.validation or form.validation)
    images.check()
    return images


__all__ = ["READERS", "Images", "decode"]
