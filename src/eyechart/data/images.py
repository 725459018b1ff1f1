"""A data set in memory, as every format hands it over."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eyechart.core.errors import DataError
from eyechart.data.alike import first_alike
from eyechart.data.stratify import joined

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
GROUPS = ("train_groups", "test_groups")  # there where images come in groups
MOST_CLASSES = 5_000
LARGEST_FLOAT = 2**53  # below it a float64 holds every whole number
FEW = 10  # so many missing labels are listed; of more, the number


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
        originals: the label that class 0, 1, ... has in the files, ascending.
        held_back: so many images are a test part that is cut here; 0: the files have one.
        together: whether what is cut here keeps images that are the same pixel by pixel on one side.
        train_groups: the group of each training image, as of its patient, int64, (n,), numbered from 0 in the order in
            which they come; None: there are no groups.
        test_groups: as `train_groups`.
        group_names: the name of group 0, 1, ...
    """

    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.int32]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.int32]
    validation: int = 0
    class_names: tuple[str, ...] = ()
    originals: tuple[int, ...] = ()
    held_back: int = 0
    together: bool = False
    train_groups: npt.NDArray[np.int64] | None = None
    test_groups: npt.NDArray[np.int64] | None = None
    group_names: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        train_images: npt.NDArray[Any],
        train_labels: npt.NDArray[Any],
        test_images: npt.NDArray[Any] | None = None,
        test_labels: npt.NDArray[Any] | None = None,
        *,
        validation: int = 0,
        class_names: Sequence[str] = (),
        held_back: int = 0,
        groups: tuple[Sequence[str], Sequence[str]] | None = None,
    ) -> Images:
        """Bring arrays as they are found in files into the one shape and type that this class promises.

        The different labels of all parts together, in their order, become classes 0, 1, ...

        Args:
            train_images: uint8, (n, height, width) or (n, height, width, channels).
            train_labels: any whole numbers, (n,) or (n, 1).
            test_images: as `train_images`; None: they are among the training images, and yet to be cut.
            test_labels: as `train_labels`.
            validation: as the attribute.
            class_names: as the attribute.
            held_back: as the attribute.
            groups: of the training images and of the test images the names of their groups; None: there are none.

        Raises:
            DataError: an array has another type or shape, or two do not fit together.
        """
        train = _images(train_images, "training"), _labels(train_labels, "training")
        if test_images is None or test_labels is None:
            test = train[0][:0], train[1][:0]
        else:
            test = _images(test_images, "test"), _labels(test_labels, "test")
        for part, (images, labels) in {"training": train, "test": test}.items():
            if len(images) != len(labels):
                raise DataError(f"the {part} part has {len(images)} images but {len(labels)} labels")
        if train[0].shape[1:] != test[0].shape[1:]:
            raise DataError(f"training images are {train[0].shape[1:]}, but test images {test[0].shape[1:]}")
        originals, (train_labels, test_labels) = _numbered([train[1], test[1]])
        names = tuple(class_names)
        found = cls(train[0], train_labels, test[0], test_labels, validation, names, originals, held_back)
        return found if groups is None else found._with_groups(*groups)

    def _with_groups(self, train: Sequence[str], test: Sequence[str]) -> Images:
        number = {name: number for number, name in enumerate(dict.fromkeys([*train, *test]))}
        train_groups, test_groups = (np.array([number[name] for name in part], "<i8") for part in (train, test))
        return dataclasses.replace(self, train_groups=train_groups, test_groups=test_groups, group_names=tuple(number))

    def named(self, class_names: Sequence[str] | None) -> Images:
        """These images with a name for each class.

        Args:
            class_names: of labels 0, 1, ..., where every label is one of these, though some may have no image; else of
                the labels in their order. None: those of the format; where it has none, the labels name the classes.

        Raises:
            DataError: the format names other classes, or there are more or fewer labels than names.
        """
        if self.class_names and class_names and self.class_names != tuple(class_names):
            raise DataError(
                f"expected the classes {', '.join(class_names)}. Received: {', '.join(self.class_names)}; "
                "class_names may be left out, because the subfolders name them"
            )
        if class_names is None:
            return dataclasses.replace(self, class_names=self.class_names or tuple(map(str, self.originals)))
        names = tuple(class_names)
        if self.originals[0] >= 0 and self.originals[-1] < len(names):  # a class without images keeps its place
            return dataclasses.replace(self._with_originals(), class_names=names, originals=tuple(range(len(names))))
        if len(self.originals) != len(names):
            raise DataError(
                f"expected labels 0 to {len(names) - 1} for {len(names)} class names, or {len(names)} different labels."
                f" Received: {in_words(self.originals)}; name as many classes in class_names, or leave it out"
            )
        return dataclasses.replace(self, class_names=names)

    def earlier_digest(self) -> str | None:
        """What `digest` was before labels were numbered; None where they need not be."""
        if numbering(self.originals) is None or not _fit(self.originals):
            return None
        return self._with_originals().digest()

    def _with_originals(self) -> Images:
        """These images with the labels as they are in the files, which must fit into int32."""
        originals = np.array(self.originals, "<i4")
        labels = {name: originals[getattr(self, name)] for name in ("train_labels", "test_labels")}
        return dataclasses.replace(self, **labels)

    def digest(self) -> str:
        """The SHA-256 over name, dtype, shape and bytes of the four arrays: 64 hexadecimal digits.

        It is the identity of the content, however the content was packed. The size of the validation part counts where
        there is one, and so do the group of each image where there are groups, and that copies are kept together where
        they are, because other parts are cut then; the names of classes and groups do not.
        """
        sha256 = hashlib.sha256()
        for name in ARRAYS:
            array = getattr(self, name)
            sha256.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            sha256.update(array.data)
        if self.validation:
            sha256.update(f"validation {self.validation}\n".encode())
        for name in GROUPS:
            if (groups := getattr(self, name)) is not None:
                sha256.update(f"{name} {groups.dtype.str} {groups.shape}\n".encode())
                sha256.update(groups.data)
        if self.together:
            sha256.update(b"copies together\n")
        return sha256.hexdigest()

    def units(self) -> npt.NDArray[np.int64] | None:
        """For each training image the first that must be on its side of every cut, (n,); None: each may be cut off."""
        return joined(first_alike(self.train_images) if self.together else None, self.train_groups)

    def content(self) -> str:
        """The digest that these images have where copies are not kept together and there are no groups."""
        return dataclasses.replace(self, together=False, train_groups=None, test_groups=None).digest()

    def check(self) -> None:
        """Raise a DataError unless there are two or more classes, but not too many, and some images are to train."""
        if self.validation >= len(self.train_labels):
            raise DataError(
                f"expected a validation part that leaves some of {len(self.train_labels)} training images. "
                f"Received: {self.validation}"
            )
        classes = len(self.class_names)
        if classes < 2:
            raise DataError(f"expected labels of two or more classes. Received: {', '.join(self.class_names)}")
        if classes > MOST_CLASSES:
            raise DataError(
                f"expected {MOST_CLASSES:,} classes at most, because mistakes are counted for each two of them. "
                f"Received: {classes:,}; are the labels numbers of images?"
            )


def _images(array: npt.NDArray[Any], part: str) -> npt.NDArray[np.uint8]:
    if array.dtype != np.uint8 or array.ndim not in (3, 4) or 0 in array.shape:
        raise DataError(
            f"expected {part} images as uint8 of shape (n, height, width) or (n, height, width, channels). "
            f"Received: {array.dtype} {array.shape}"
        )
    return np.ascontiguousarray(array if array.ndim == 4 else array[..., np.newaxis])


def _labels(array: npt.NDArray[Any], part: str) -> npt.NDArray[Any]:
    """The labels as integers, (n,)."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind == "f" and (np.abs(array) < LARGEST_FLOAT).all() and (array == np.rint(array)).all():
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise DataError(f"expected {part} labels as integers of shape (n,). Received: {array.dtype} {array.shape}")
    return array


def _numbered(parts: Sequence[npt.NDArray[Any]]) -> tuple[tuple[int, ...], list[npt.NDArray[np.int32]]]:
    """The different labels of all parts, ascending, and for each part their positions among these: int32, (n,)."""
    found = [np.unique(labels, return_inverse=True) for labels in parts]
    originals = tuple(sorted({label for values, _ in found for label in values.tolist()}))
    class_of = {label: number for number, label in enumerate(originals)}
    return originals, [
        np.array([class_of[label] for label in values.tolist()], "<i4")[inverse] for values, inverse in found
    ]


def _fit(originals: Sequence[int]) -> bool:
    bounds = np.iinfo(np.int32)
    return bounds.min <= originals[0] and originals[-1] <= bounds.max


def numbering(originals: Sequence[int]) -> str | None:
    """How classes were made of labels, in words; None where the labels are 0, 1, ... without gaps."""
    if tuple(originals) == tuple(range(len(originals))):
        return None
    return (
        f"{in_words(originals)}, are classes 0 to {len(originals) - 1} in this order; earlier versions took labels as "
        "they are, so the digest of the data is another than theirs"
    )


def in_words(labels: Sequence[int]) -> str:
    """Ascending labels in words, with the gaps between them.

    Examples:
        >>> in_words((1, 2, 4))
        '3 different labels, 1 to 4, none of them 3'
    """
    first, last = labels[0], labels[-1]
    lacking = last - first + 1 - len(labels)
    text = f"{len(labels)} different labels, {first} to {last}"
    if not lacking:
        return text
    if lacking > FEW:
        return f"{text}, with {lacking} numbers between them that are none"
    return f"{text}, none of them {', '.join(str(n) for n in range(first, last) if n not in set(labels))}"
