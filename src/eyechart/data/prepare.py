"""From the raw files of a data set to the arrays that a training maps into memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyechart.core import paths
from eyechart.core.files import write_json
from eyechart.core.folders import Kind, check_folder, replacing_folder, says
from eyechart.data.alike import first_alike
from eyechart.data.backgrounds import over_backgrounds
from eyechart.data.config import DatasetConfig
from eyechart.data.dataset import ARRAYS, COPIES, DESCRIPTION, Dataset, open_dataset
from eyechart.data.fetch import form_of, read_raw
from eyechart.data.images import GROUPS, numbering
from eyechart.data.samples import draw_samples
from eyechart.data.settings import settings_of
from eyechart.data.stratify import PERMUTATION_SEED, joined, stratified_permutation

PICTURE = "samples.png"
CHUNK = 2048  # images at once, where a wider type would otherwise need several times the data set's memory


def _earlier(folder: Path) -> tuple[str, ...]:
    names = (*(f"{name}.npy" for name in ARRAYS), DESCRIPTION, PICTURE)  # of a time when there were no others
    return names if says(folder / DESCRIPTION, "name", "digest") else ()


PREPARED = Kind("preprocess", "", _earlier)


def prepare(dataset: DatasetConfig) -> Dataset:
    """Write arrays, description and a picture of samples to the prepared folder, whole or not at all.

    The same content, found in the same form, gives the same bytes, file by file.

    Args:
        dataset: a data set that has been fetched.

    Returns:
        The data set as `open_dataset` gives it.

    Raises:
        DataError: it has not been fetched, or the fetched files are damaged.
        EyechartError: something else lies in the prepared folder.
    """
    check_folder(paths.prepared(dataset.name), PREPARED)
    images = read_raw(dataset)
    otherwise_cut = images.together or images.train_groups is not None
    digest, made_of = images.digest() if otherwise_cut else dataset.sha256 or images.digest(), None
    if dataset.background is not None:
        made_of = {"name": dataset.background.of, "digest": digest}
        images = over_backgrounds(images, dataset.background)
        digest = images.digest()
    copies = first_alike(images.train_images, images.test_images)
    alike = int((copies != np.arange(len(copies))).sum())
    units = joined(copies[: len(images.train_labels)] if images.together else None, images.train_groups)
    permutation = stratified_permutation(images.train_labels, seed=PERMUTATION_SEED, units=units)
    mean, std = channel_statistics(images.train_images)
    class_names = list(images.class_names)
    parts = {"train": images.train_labels, "test": images.test_labels}
    description: dict[str, Any] = {
        "name": dataset.name,
        "class_names": class_names,
        "image_shape": list(images.train_images.shape[1:]),
        "counts": {part: len(labels) for part, labels in parts.items()},
        "class_counts": {
            part: np.bincount(labels, minlength=len(class_names)).tolist() for part, labels in parts.items()
        },
        "mean": mean,
        "std": std,
        "digest": digest,
        "settings": settings_of(form_of(dataset), dataset),
        COPIES: {"images": alike, "held_back": images.held_back},
    }
    # left out where there is none: what was prepared before there were any stays the same
    if otherwise_cut:
        description["content"] = images.content()
    if images.train_groups is not None:
        description["group_names"] = list(images.group_names)
    if images.validation:
        description["own_validation"] = images.validation
    if numbering(images.originals):
        description["labels"] = list(images.originals)
    if made_of:
        description["made_of"] = made_of
    with replacing_folder(paths.prepared(dataset.name), PREPARED) as folder:
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", permutation if name == "permutation" else getattr(images, name))
        for name in GROUPS if images.train_groups is not None else ():
            np.save(folder / f"{name}.npy", getattr(images, name))
        if alike:
            np.save(folder / f"{COPIES}.npy", copies)
        draw_samples(
            folder / PICTURE,
            images=images.train_images,
            labels=images.train_labels,
            order=permutation,
            class_names=class_names,
        )
        write_json(folder / DESCRIPTION, description)
    return open_dataset(dataset.name)


def channel_statistics(images: npt.NDArray[np.uint8]) -> tuple[list[float], list[float]]:
    """Mean and (population) standard deviation of every channel, in pixel values from 0 to 255.

    The sums are of integers, hence exact: neither chunks nor machines make a difference.

    Args:
        images: uint8, (n, height, width, channels).
    """
    first: npt.NDArray[Any] = np.zeros(images.shape[-1], np.int64)
    second: npt.NDArray[Any] = np.zeros(images.shape[-1], np.int64)
    for start in range(0, len(images), CHUNK):
        chunk = images[start : start + CHUNK].astype(np.int32)
        first += chunk.sum(axis=(0, 1, 2), dtype=np.int64)
        second += np.square(chunk).sum(axis=(0, 1, 2), dtype=np.int64)
    count = images[..., 0].size
    # count * second - first^2 exceeds 64 bits, Python's integers do not
    variances = [(count * int(b) - int(a) ** 2) / count**2 for a, b in zip(first, second, strict=True)]
    return [int(a) / count for a in first], [variance**0.5 for variance in variances]
