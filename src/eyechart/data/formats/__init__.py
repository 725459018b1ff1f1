"""Bytes to arrays: one module per format, each with a function `read` from files to `Images`.

A new format is a module with such a function, a line in `READERS` and a word in `eyechart.data.config.FORMATS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from eyechart.core.errors import DataError
from eyechart.data.config import FormConfig
from eyechart.data.formats import cifar, csv, digits, folder, idx, mnist_pkl, npz
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


def decode(form: FormConfig, files: Sequence[Path], class_names: Sequence[str] | None) -> Images:
    """Read the files of a data set.

    Args:
        form: says the format, and what the files do not say themselves.
        files: the files, in the order of the data set's configuration.
        class_names: of class 0, 1, ...; None: the files name them, or else they are called by their numbers.

    Returns:
        Images of which the classes have names and every label has a class.

    Raises:
        DataError: a file is truncated, corrupt or of another kind; the message names it. Or the files name other
            classes or another validation part than the configuration.
    """
    options = {"image_size": form.image_size, "channels": form.channels} if form.format == "folder" else {}
    try:
        images = READERS[form.format](files, **options)
    except OSError as error:
        raise DataError(f"cannot read {Path(error.filename or files[0]).name}: {error.strerror or error}") from None
    if images.class_names and class_names and images.class_names != tuple(class_names):
        raise DataError(
            f"expected the classes {', '.join(class_names)}. Received: {', '.join(images.class_names)}; "
            "class_names may be left out, because the subfolders name them"
        )
    names = class_names or images.class_names or tuple(str(number) for number in range(images.train_labels.max() + 1))
    if form.validation and images.validation not in (0, form.validation):
        raise DataError(f"expected a validation part of {form.validation}. Received: {images.validation}")
    images = dataclasses.replace(images, class_names=tuple(names), validation=images.validation or form.validation)
    images.check()
    return images


__all__ = ["READERS", "Images", "decode"]
