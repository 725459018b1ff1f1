"""`mnist.pkl`, as the deep learning tutorials handed it around: MNIST, pickled by Python 2, with a part for validation.

It is a tuple of three parts, to train, to validate and to test (50,000, 10,000 and 10,000 images), and each part a pair
of images, float32 (n, 784), and labels, int64 (n,). A pixel is its byte divided by 256, which float32 holds exactly, so
that 256 times the pixel is the byte again. It is not 255 times: the largest pixel is 0.99609375.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyechart.core.errors import DataError
from eyechart.data.formats.archives import MOST, unpacked
from eyechart.data.formats.pickles import read_pickle
from eyechart.data.formats.squares import squares
from eyechart.data.images import Images

FACTOR = 256
PARTS = ("training", "validation", "test")


def read(files: Sequence[Path], most: int = MOST) -> Images:
    """Read the one file, compressed with gzip or not."""
    if len(files) != 1:
        raise DataError(f"format mnist_pkl takes 1 file. Received: {len(files)}")
    name = files[0].name
    parts = read_pickle(unpacked(files[0], most), name, tuple)
    if len(parts) != len(PARTS):
        raise DataError(f"{name}: expected three parts, to train, to validate and to test. Received: {len(parts)}")
    train, validation, test = (_part(part, f"{name}, {word} part") for part, word in zip(parts, PARTS, strict=True))
    if train[0].shape[1:] != validation[0].shape[1:]:
        raise DataError(
            f"{name}: training images are {train[0].shape[1:]}, but those to validate {validation[0].shape[1:]}"
        )
    images, labels = (np.concatenate(pair) for pair in zip(train, validation, strict=True))
    return Images.of(images, labels, *test, validation=len(validation[1]))


def _part(part: Any, name: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any]]:
    images, labels = part if isinstance(part, tuple | list) and len(part) == 2 else (None, None)
    if not isinstance(images, np.ndarray) or images.dtype != np.float32 or images.ndim != 2:
        raise DataError(f"{name}: expected a pair of images, float32 (n, pixels), and labels")
    if not isinstance(labels, np.ndarray) or labels.shape != images.shape[:1]:
        raise DataError(f"{name}: expected as many labels as images, {len(images)}")
    if not images.size or not (images.min() >= 0 and images.max() < 1):  # nor is it where there is a NaN
        raise DataError(f"{name}: expected pixels from 0 to below 1")
    scaled = images * FACTOR
    bytes_ = scaled.astype(np.uint8)
    if not np.array_equal(bytes_, scaled):
        raise DataError(f"{name}: expected every pixel to be a byte divided by {FACTOR}, which these are not")
    return squares(bytes_, name), labels
