"""A data set in memory, as every format hands it over."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from eyechart.errors import DataError


@dataclass(frozen=True, eq=False)
class Images:
    """The official training and test part of a data set.

    Attributes:
        train_images: uint8, (n, height, width, channels), C order.
        train_labels: int32, (n,), from 0.
        test_images: as `train_images`, with the same height, width and channels.
        test_labels: as `train_labels`.
    """

    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.int32]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.int32]

    @classmethod
    def of(
        cls,
        train_images: npt.NDArray[Any],
        train_labels: npt.NDArray[Any],
        test_images: npt.NDArray[Any],
        test_labels: npt.NDArray[Any],
    ) -> Images:
        """Bring arrays as they are found in files into the one shape and type that this class promises.

        Args:
            train_images: uint8, (n, height, width) or (n, height, width, channels).
            train_labels: any integers, (n,) or (n, 1).
            test_images: as `train_images`.
            test_labels: as `train_labels`.

        Raises:
            DataError: an array has another type or shape, or two do not fit together.
        """
        train = _images(train_images, "training"), _labels(train_labels, "training")
        test = _images(test_images, "test"), _labels(test_labels, "test")
        for part, (images, labels) in {"training": train, "test": test}.items():
            if len(images) != len(labels):
                raise DataError(f"the {part} part has {len(images)} images but {len(labels)} labels")
        if train[0].shape[1:] != test[0].shape[1:]:
            raise DataError(f"training images are {train[0].shape[1:]}, but test images {test[0].shape[1:]}")
        return cls(*train, *test)

    def digest(self) -> str:
        """The SHA-256 over name, dtype, shape and bytes of the four arrays: 64 hexadecimal digits.

        It is the identity of the content, however the content was packed.
        """
        sha256 = hashlib.sha256()
        for f in fields(self):
            array = getattr(self, f.name)
            sha256.update(f"{f.name} {array.dtype.str} {array.shape}\n".encode())
            sha256.update(array.data)
        return sha256.hexdigest()

    def check_labels(self, classes: int) -> None:
        """Raise a DataError unless every label is one of 0 ... classes - 1."""
        for labels in (self.train_labels, self.test_labels):
            if labels.min() < 0 or labels.max() >= classes:
                raise DataError(
                    f"expected labels 0 to {classes - 1} for {classes} class names. "
                    f"Received: {labels.min()} to {labels.max()}"
                )


def _images(array: npt.NDArray[Any], part: str) -> npt.NDArray[np.uint8]:
    if array.dtype != np.uint8 or array.ndim not in (3, 4) or 0 in array.shape:
        raise DataError(
            f"expected {part} images as uint8 of shape (n, height, width) or (n, height, width, channels). "
            f"Received: {array.dtype} {array.shape}"
        )
    return np.ascontiguousarray(array if array.ndim == 4 else array[..., np.newaxis])


def _labels(array: npt.NDArray[Any], part: str) -> npt.NDArray[np.int32]:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise DataError(f"expected {part} labels as integers of shape (n,). Received: {array.dtype} {array.shape}")
    return np.ascontiguousarray(array, dtype="<i4")
