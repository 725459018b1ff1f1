"""A test part for data that come without one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eyechart.data.stratify import stratified_permutation

Part = tuple[npt.NDArray[np.uint8], npt.NDArray[Any]]  # images and their labels

SIXTH = 6  # as in MNIST: ten test images to sixty training images is a seventh, to fifty a sixth
SEED = 0  # fixed: the test part belongs to the data set, and no run may choose it


def hold_back(images: npt.NDArray[np.uint8], labels: npt.NDArray[Any], *, size: int | None = None) -> tuple[Part, Part]:
    """Divide images, always in the same way, into a training part and a stratified test part.

    Args:
        images: uint8, (n, ...), two or more.
        labels: integers, (n,). Of a class with one or two images none goes into a sixth that is held back.
        size: of the test part; a sixth, but at least one image, unless told.

    Returns:
        The training part and the test part, each in the order in which the images came.
    """
    size = max(1, round(len(labels) / SIXTH)) if size is None else size
    order = stratified_permutation(labels, seed=SEED)
    train, test = np.sort(order[:-size]), np.sort(order[-size:])
    return (images[train], labels[train]), (images[test], labels[test])
