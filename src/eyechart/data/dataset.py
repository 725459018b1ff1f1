"""A prepared data set and its parts: all that the rest of Eyechart sees of the data.

A part is a slice: positions in an array on disk. So every split, small sample or fold of a cross-validation costs no
second copy, and none of them is baked into the prepared data.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyechart.core import paths
from eyechart.core.errors import DataError, nearest
from eyechart.data.alike import TOGETHER, first_alike
from eyechart.data.integrity import check_arrays
from eyechart.data.stratify import PERMUTATION_SEED, joined, stratified_permutation, window

DESCRIPTION = "dataset.json"
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels", "permutation")
COPIES = "copies"  # an array that is there where images occur more than once
DEFAULT_FRACTION = 0.1  # held back of a data set without a validation part of its own, where nothing is said
FIRST = "first"
LIMIT_ORDERS = ("stratified", FIRST)  # in which a limit takes test images

# by digest, `Dataset.first_alike` of what an earlier version prepared
_counted: dict[str, npt.NDArray[np.int64] | None] = {}


@dataclass(frozen=True, eq=False)
class Slice:
    """Some images of one data set, in order.

    Attributes:
        images: all images of the official part that this is a slice of: uint8, (n, height, width, channels), usually
            a read-only memory map. Those that belong to the slice are `images[indices]`.
        labels: the labels of the slice, int32, (len,).
        indices: the positions of the slice in `images`, int64, (len,), ascending.
        groups: the group of each image, as of its patient, int64, (len,); None: the data set has none.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, positions: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Read the images at some positions of this slice: uint8, (positions, height, width, channels)."""
        read: npt.NDArray[np.uint8] = np.take(self.images, self.indices[positions], axis=0)
        return read

    def load(self) -> npt.NDArray[np.uint8]:
        """Read this slice's images into memory: uint8, (len, height, width, channels), C order, writable."""
        return np.take(np.asarray(self.images), self.indices, axis=0)


@dataclass(frozen=True, eq=False)
class Splits:
    """The three parts of one experiment: fit on `train`, choose by `validation`, report on `test`."""

    train: Slice
    validation: Slice | None
    test: Slice


@dataclass(frozen=True, eq=False)
class Dataset:
    """A prepared data set; `open_dataset` makes one.

    Attributes:
        name: as in `conf/dataset`.
        class_names: the name of class 0, 1, ...
        image_shape: height, width, channels.
        digest: SHA-256 of the content, 64 hexadecimal digits.
        mean: of the training images, per channel, in pixel values from 0 to 255.
        std: standard deviation, likewise.
        counts: number of images in "train" and "test"; "train" includes the data set's own validation part.
        class_counts: number of images of each class in "train" and "test".
        own_validation: so many of the last training images are the data set's own validation part; 0: it has none.
        made_of: name and digest of the data set whose images were laid over photographs to make this one; None: these
            are images as they were found.
        originals: the label that class 0, 1, ... has in the files; empty: 0, 1, ...
        settings: what decided its pixels and labels (`eyechart.data.settings`); None: an earlier version prepared it,
            which did not record them.
        together: whether what is cut here keeps images that are the same pixel by pixel on one side.
        test_held_back: whether the test part was cut when the data set was prepared, and not brought by its files.
        without_copies: whether it is known that no image occurs twice.
        content: the digest that these arrays have where copies are not kept together and there are no groups.
        group_names: the name of group 0, 1, ..., as of a patient; empty: each image is independent of the others.
    """

    name: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    digest: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    counts: Mapping[str, int]
    class_counts: Mapping[str, tuple[int, ...]]
    own_validation: int
    made_of: tuple[str, str] | None
    originals: tuple[int, ...]
    settings: Mapping[str, Any] | None
    together: bool
    test_held_back: bool
    without_copies: bool
    content: str
    group_names: tuple[str, ...]
    _arrays: Mapping[str, npt.NDArray[Any]] = field(repr=False)

    @functools.cached_property
    def first_alike(self) -> npt.NDArray[np.int64] | None:
        """For each image, those to train and then those to test, the first that is the same pixel by pixel.

        None where no image occurs twice. Where an earlier version prepared the data set, all images are read for it.
        """
        if self.without_copies:
            return None
        if COPIES in self._arrays:
            return self._arrays[COPIES]
        if self.digest not in _counted:  # once for all jobs of a sweep
            first = first_alike(self._arrays["train_images"], self._arrays["test_images"])
            _counted[self.digest] = None if np.array_equal(first, np.arange(len(first))) else first
        return _counted[self.digest]

    @functools.cached_property
    def _units(self) -> npt.NDArray[np.int64] | None:
        """For each image to train the first that must be on its side of a cut, (n,); None: each may be cut off."""
        copies = self.first_alike if self.together else None
        return joined(None if copies is None else copies[: self.counts["train"]], self._arrays.get("train_groups"))

    def split(
        self,
        *,
        validation_fraction: float | None = None,
        split_seed: int = 0,
        limit: tuple[int | None, int | None] = (None, None),
        limit_order: str = "stratified",
    ) -> Splits:
        """Take the data set's own validation part, or cut one out of the training set.

        What is cut, and what a limit leaves, is stratified; the data set's own parts are as they are.

        Args:
            validation_fraction: None: the data set's own validation part, whole, or a tenth where it has none. From 0
                (no validation part) to below 1: so large a share of the training set, its own part included.
            split_seed: which part of the training set: the windows 0, 1, 2, ... of the stratified permutation lie side
                by side and go round. With a fraction of 0.1 the seeds 0 to 9 are the folds of a cross-validation.
                Must be 0 where the data set's own part is taken: there is only one.
            limit: at most so many training images (the first of the stratified permutation, before a validation
                part is cut from them), and at most so many test images.
            limit_order: which test images a limit takes: "stratified", the first of a stratified permutation that
                follows from their labels alone; "first", those that come first in the data set, as in earlier versions.

        Raises:
            ValueError: the fraction is not in [0, 1), the seed negative, a limit below 1, or the order unknown.
            DataError: no image would be left for training or for validation, or a split seed is given to choose from
                one validation part.
        """
        if validation_fraction is not None and not 0 <= validation_fraction < 1:
            raise ValueError(f"validation_fraction must be at least 0 and below 1. Received: {validation_fraction}")
        if split_seed < 0:
            raise ValueError(f"split_seed must be 0 or greater. Received: {split_seed}")
        if any(number is not None and number < 1 for number in limit):
            raise ValueError(f"limit must be two numbers of images, each at least 1 or None. Received: {limit}")
        test = self._slice("test", self._test_indices(limit[1], limit_order))
        permutation = self._arrays["permutation"]
        if validation_fraction is None and self.own_validation:
            if split_seed:
                raise DataError(
                    f"trainer.split_seed={split_seed} chooses among validation parts, but '{self.name}' has one of its "
                    "own; type trainer.split_seed=0, or cut another one: trainer.validation_fraction=0.1"
                )
            first = self.counts["train"] - self.own_validation
            return Splits(
                train=self._slice("train", permutation[permutation < first][: limit[0]]),
                validation=self._slice("train", np.arange(first, self.counts["train"])),
                test=test,
            )
        if validation_fraction is None:
            validation_fraction = DEFAULT_FRACTION
        permutation = permutation[: limit[0]]
        total = len(permutation)
        size = round(validation_fraction * total)
        if validation_fraction > 0 and not 1 <= size < total:
            raise DataError(
                f"validation_fraction={validation_fraction} of {total} training images of '{self.name}' leaves "
                f"{total - size} for training and {size} for validation; choose another fraction or a larger limit"
            )
        held = window(permutation, split_seed * size, size, self._units)
        if size and not 0 < held.sum() < total:
            raise DataError(
                f"validation_fraction={validation_fraction} with split_seed={split_seed} leaves "
                f"{total - held.sum()} images of '{self.name}' for training and {held.sum()} for validation, because "
                "copies and groups are not divided; choose a larger fraction, or another split_seed"
            )
        return Splits(
            train=self._slice("train", permutation[~held]),
            validation=self._slice("train", permutation[held]) if size else None,
            test=test,
        )

    def _test_indices(self, limit: int | None, order: str) -> npt.NDArray[np.int64]:
        """The test images that a limit leaves; nothing of it is kept in the prepared folder, which may be old."""
        if order not in LIMIT_ORDERS:
            raise ValueError(f"limit_order must be one of {', '.join(LIMIT_ORDERS)}. Received: {order}")
        if limit is None or order == FIRST:
            return np.arange(self.counts["test"])[:limit]
        return stratified_permutation(self._arrays["test_labels"], seed=PERMUTATION_SEED)[:limit]

    def _slice(self, part: str, indices: npt.NDArray[Any]) -> Slice:
        indices = np.sort(indices).astype(np.int64)
        groups = self._arrays.get(f"{part}_groups")
        return Slice(
            self._arrays[f"{part}_images"],
            self._arrays[f"{part}_labels"][indices],
            indices,
            None if groups is None else groups[indices],
        )


@dataclass(frozen=True)
class Names:
    """What a person calls a data set and its classes, and may change without another content.

    Attributes:
        name: of its prepared folder.
        class_names: in the order of the classes.
    """

    name: str
    class_names: tuple[str, ...]


def names_of(digest: str | None, name: str = "") -> Names | None:
    """What the data with this digest are called as they are prepared now; None where they are not prepared.

    Args:
        digest: of their content; None: nothing is known of it, and so nothing is found.
        name: what they were called, preferred where data sets of several names have this content.
    """
    files = paths.all_prepared().glob(f"*/{DESCRIPTION}") if digest else ()
    for file in sorted(files, key=lambda file: (file.parent.name != name, file)):
        try:
            description = json.loads(file.read_text(encoding="utf-8"))
            if description["digest"] == digest:
                return Names(file.parent.name, tuple(map(str, description["class_names"])))
        except (OSError, ValueError, LookupError, TypeError):  # it is damaged, and told of when it is opened
            continue
    return None


def open_dataset(name: str, digest: str | None = None) -> Dataset:
    """Open a prepared data set. The images stay on disk until they are used.

    Args:
        name: as in `conf/dataset`.
        digest: of the content that is meant. Where a data set of another name has it and that of this name does not,
            the other is opened: it was renamed. Where none has it, the data set of this name is opened all the same.

    Raises:
        DataError: it is not prepared, or its folder is damaged: the arrays are not those of its digest, for example.
    """
    name = names.name if (names := names_of(digest, name)) else name
    folder = paths.prepared(name)
    if not (folder / DESCRIPTION).is_file():
        others = [path.parent.name for path in folder.parent.glob(f"*/{DESCRIPTION}")]
        raise DataError(
            f"data set '{name}' is not prepared (expected it in {folder}).{nearest(name, others)} To prepare it, type: "
            f"dvc repro, or python pipelines/fetch.py dataset={name} && python pipelines/preprocess.py dataset={name}"
        )
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        arrays = _open_arrays(folder, description)
        return Dataset(
            name=description["name"],
            class_names=tuple(description["class_names"]),
            image_shape=tuple(description["image_shape"]),
            digest=description["digest"],
            mean=tuple(description["mean"]),
            std=tuple(description["std"]),
            counts=dict(description["counts"]),
            class_counts={part: tuple(counts) for part, counts in description["class_counts"].items()},
            own_validation=int(description.get("own_validation", 0)),
            made_of=(made_of["name"], made_of["digest"]) if (made_of := description.get("made_of")) else None,
            originals=tuple(description.get("labels", ())),
            settings=dict(settings) if (settings := description.get("settings")) is not None else None,
            **_of_cutting(description),
            _arrays=arrays,
        )
    except KeyError as error:
        reason = f"{DESCRIPTION} has no {error}"
    except FileNotFoundError as error:
        reason = f"{Path(error.filename).name} is missing"
    except (OSError, ValueError, TypeError, AttributeError, EOFError) as error:  # what json and numpy.load raise
        reason = " ".join(str(error).split())
    raise DataError(
        f"{folder} is damaged: {reason}; type: python pipelines/preprocess.py dataset={name}, "
        f"or with DVC: dvc repro -f preprocess"
    )


def as_found(dataset: Dataset) -> Dataset:
    """The data set itself, or the one that it was made of, whose images are as they were found.

    Raises:
        DataError: that one is not prepared, or has other content.
    """
    if dataset.made_of is None:
        return dataset
    name, digest = dataset.made_of
    try:
        found = open_dataset(name, digest)
    except DataError as error:
        raise DataError(f"'{dataset.name}' was made of '{name}', whose images are needed: {error}") from None
    if found.digest != digest:
        raise DataError(
            f"expected '{name}' as '{dataset.name}' was made of it (digest {digest[:12]}), received other content "
            f"({found.digest[:12]}): type python pipelines/fetch.py dataset={name}, then preprocess.py with the same"
        )
    return found


def _of_cutting(description: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of how the parts were cut and of copies in them."""
    settings = description.get("settings") or {}
    counted = description.get(COPIES)
    # where an earlier version did not count: the files of these formats may have brought a test part or not
    maybe = settings.get("format") in ("csv", "digits", "folder")
    return {
        "together": settings.get("copies") == TOGETHER,
        "test_held_back": maybe if counted is None else bool(counted["held_back"]),
        "without_copies": counted is not None and not counted["images"],
        "content": description.get("content", description["digest"]),
        "group_names": tuple(description.get("group_names", ())),
    }


def _open_arrays(folder: Path, description: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    counts, shape = description["counts"], tuple(description["image_shape"])
    expected = {
        "train_images": (np.uint8, (counts["train"], *shape)),
        "train_labels": (np.int32, (counts["train"],)),
        "test_images": (np.uint8, (counts["test"], *shape)),
        "test_labels": (np.int32, (counts["test"],)),
        "permutation": (np.int64, (counts["train"],)),
    }
    if description.get(COPIES, {}).get("images"):
        expected[COPIES] = (np.int64, (counts["train"] + counts["test"],))
    if description.get("group_names"):
        expected |= {f"{part}_groups": (np.int64, (counts[part],)) for part in ("train", "test")}
    arrays = {}
    for name in expected:
        # images are too many to read ahead of use; what is small is read, so that no file stays open for it
        array = np.load(folder / f"{name}.npy", mmap_mode="r" if name.endswith("images") else None)
        if (array.dtype, array.shape) != expected[name]:
            dtype, size = expected[name]
            raise ValueError(f"{name}.npy: expected {np.dtype(dtype)} {size}. Received: {array.dtype} {array.shape}")
        arrays[name] = array
    together = description.get("settings", {}).get("copies") == TOGETHER
    check_arrays(folder, arrays, description["digest"], int(description.get("own_validation", 0)), together)
    classes = len(description["class_names"])
    for name in ("train_labels", "test_labels"):
        least, most = arrays[name].min(), arrays[name].max()
        if least < 0 or most >= classes:
            raise ValueError(f"{name}.npy: expected labels from 0 to {classes - 1}. Received: {least} to {most}")
    return arrays
