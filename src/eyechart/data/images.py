"""A data set in memory, as every format hands it over."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eyechart.core.errors import DataError

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


@dataclass(frozen=True, eq=False)
class Images:
    """The official training and test part of a data set.

    Attributes:
        train_images: uint8, (n, height, width, channels), C order.
        train_labels: int32, (n,), from 0.
        test_images: as `train_images`, with the same height, width and channels.
        test_labels: as `train_labels`.
        validation: so many of the last training images are the data set's own validation part; 0: it has none.
        class_names: the name of class 0, 1, ...; empty until a format or a configuration names them.
    """

    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.int32]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.int32]
    validation: int = 0
    class_names: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        train_images: npt.NDArray[Any],
        train_labels: npt.NDArray[Any],
        test_images: npt.NDArray[Any],
        test_labels: npt.NDArray[Any],
        *,
        validation: int = 0,
        class_names: Sequence[str] = (),
    ) -> Images:
        """Bring arrays as they are found in files into the one shape and type that this class promises.

        Args:
            train_images: uint8, (n, height, width) or (n, height, width, channels).
            train_labels: any integers, (n,) or (n, 1).
            test_images: as `train_images`.
            test_labels: as `train_labels`.
            validation: as the attribute.
            class_names: as the attribute.

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
        return cls(*train, *test, validation, tuple(class_names))

    def digest(self) -> str:
        """The SHA-256 over name, dtype, shape and bytes of the four arrays: 64 hexadecimal digits.

        It is the identity of the content, however the content was packed. The size of the validation part counts where
        there is one; the names of the classes do not.
        """
        sha256 = hashlib.sha256()
        for name in ARRAYS:
            array = getattr(self, name)
            sha256.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            sha256.update(array.data)
        if self.validation:
            sha256.update(f"validation {self.validation}\n".encode())
        return sha256.hexdigest()

    def check(self) -> None:
        """Raise a DataError unless there are two or more classes, every label is one, and some images are to train."""
        if self.validation >= len(self.train_labels):
            raise DataError(
                f"expected a validation part that leaves some of {len(self.train_labels)} training images. "
                f"Received: {self.validation}"
            )
        classes = len(self.class_names)
        if classes < 2:
            raise DataError(f"expected labels of two or more classes. Received: {', '.join(self.class_names)}")
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
