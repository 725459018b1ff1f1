"""A test part for data that come without one."""

from __future__ import annotations

import dataclasses

import numpy as np

from eyechart.core.errors import DataError
from eyechart.data.images import Images
from eyechart.data.stratify import best_stretch, stratified_permutation

SIXTH = 6  # as in MNIST: ten test images to sixty training images is a seventh, to fifty a sixth
SEED = 0  # fixed: the test part belongs to the data set, and no run may choose it


def a_sixth(images: int) -> int:
    """How many of so many images are held back where nothing else is said: a sixth, but at least one."""
    return max(1, round(images / SIXTH))


def hold_back(images: Images) -> Images:
    """Cut a stratified test part out of the training images, always in the same way.

    Args:
        images: without a test part, `held_back` says how many are to be one; those of a validation part stay. Of a
            class with one or two images none goes into a sixth that is held back.

    Returns:
        Images whose training part and test part are each in the order in which they came. What may not be divided is
        on one side, and the test part then has about as many images as it should.

    Raises:
        DataError: no image would be left on a side.
    """
    if not images.held_back:
        return images
    fit, units = len(images.train_labels) - images.validation, images.units()
    order = stratified_permutation(images.train_labels[:fit], seed=SEED, units=None if units is None else units[:fit])
    mask = np.zeros(len(images.train_labels), bool)
    mask[order] = best_stretch(order, images.held_back, images.train_labels, units)
    if units is not None:  # the validation part stays as it is, and what goes with it stays with it
        mask &= ~np.isin(units, units[fit:])
    if not mask.any() or mask[:fit].all():
        raise DataError(
            f"expected to hold back about {images.held_back} of {fit} images as test part, but copies and groups may "
            "not be divided, and there are too few; give the data a test part of their own"
        )
    return dataclasses.replace(
        images,
        train_images=images.train_images[~mask],
        train_labels=images.train_labels[~mask],
        test_images=images.train_images[mask],
        test_labels=images.train_labels[mask],
        train_groups=None if images.train_groups is None else images.train_groups[~mask],
        test_groups=None if images.train_groups is None else images.train_groups[mask],
        held_back=int(mask.sum()),
    )
