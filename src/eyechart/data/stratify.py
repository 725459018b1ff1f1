"""An order of labelled things in which every stretch has the classes in their right proportions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

PERMUTATION_SEED = 0  # fixed: a split is chosen by a window of the one permutation, not by another permutation


def stratified_permutation(labels: npt.NDArray[Any], *, seed: int) -> npt.NDArray[np.int64]:
    """A seeded permutation of which every contiguous window is balanced over the classes as far as possible.

    Each class is shuffled and then spread evenly over the whole length, so that a window of any length and position
    has, of every class, its share of the whole to within a few images (to within one where all classes are equally
    large). Any stretch can therefore serve as a stratified sample, and stretches side by side as stratified folds.

    Args:
        labels: integers, (n,).
        seed: chooses among such permutations. The same seed gives the same one with every version of NumPy.

    Returns:
        int64, (n,), a permutation of 0 ... n - 1.
    """
    # RandomState, because NumPy has frozen its stream for good; default_rng's may change
    shuffled = np.random.RandomState(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]  # the first class in random order, then the next
    counts = np.unique(labels, return_counts=True)[1]
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    # the middle of the rank-th of count equal steps; equal positions stay in the order of the classes
    position = (rank + 0.5) / np.repeat(counts, counts)
    return by_class[np.argsort(position, kind="stable")].astype(np.int64)
