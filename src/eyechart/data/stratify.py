"""An order of labelled images in which every stretch has the classes in their right proportions, and stretches of it.

Images that must not be divided, as those of one person, are a unit: they lie side by side in the order, and a stretch
has all of them or none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LOOK = 32  # so many of the next units are looked at for one place
PERMUTATION_SEED = 0  # fixed: a split is chosen by a window of the one permutation, not by another permutation


def stratified_permutation(
    labels: npt.NDArray[Any], *, seed: int, units: npt.NDArray[Any] | None = None
) -> npt.NDArray[np.int64]:
    """A seeded permutation of which every contiguous window is balanced over the classes as far as possible.

    Each class is shuffled and then spread evenly over the whole length, so that a window of any length and position
    has, of every class, its share of the whole to within a few images (to within one where all classes are equally
    large). Any stretch can therefore serve as a stratified sample, and stretches side by side as stratified folds.

    Units are spread in the same way, each as one of the class of which it holds the largest share of all images, so
    that what is rare is spread first. Where they have two images or more on average, each place is then given to the
    one of the next few that keeps the classes nearest to their proportions. How well depends on the units.

    Args:
        labels: integers, (n,).
        seed: chooses among such permutations. The same seed gives the same one with every version of NumPy.
        units: (n,), equal where images are to lie side by side; None: each image is a unit.

    Returns:
        int64, (n,), a permutation of 0 ... n - 1.
    """
    classes, sizes = _class_and_size(labels, units)
    # RandomState, because NumPy has frozen its stream for good; default_rng's may change
    shuffled = np.random.RandomState(seed).permutation(len(classes))
    by_class = shuffled[np.argsort(classes[shuffled], kind="stable")]  # the first class in random order, then the next
    before = np.cumsum(sizes[by_class]) - sizes[by_class]
    counts = np.bincount(classes, weights=sizes)
    starts = np.cumsum(counts) - counts
    # the middle of each unit in its class, of which the whole length is 1; equal ones stay in the order of the classes
    position = (before - starts[classes[by_class]] + sizes[by_class] / 2) / counts[classes[by_class]]
    order = by_class[np.argsort(position, kind="stable")].astype(np.int64)
    if units is None:
        return order
    unit = np.unique(units, return_inverse=True)[1]
    if len(unit) >= 2 * len(order):
        order = _balanced(order, unit, labels)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return np.argsort(place[unit], kind="stable").astype(np.int64)


def window(
    order: npt.NDArray[np.int64], start: int, size: int, units: npt.NDArray[Any] | None
) -> npt.NDArray[np.bool_]:
    """Mark a stretch of a stratified permutation, which goes round at its end.

    Args:
        order: images, (m,), a permutation by `stratified_permutation` or the first of one.
        start: where the stretch begins.
        size: so many images; with units about as many.
        units: (n,), as the permutation was made with: a unit is in the stretch whole, if the middle of it is.

    Returns:
        bool, (m,): for each place in `order` whether it is in the stretch. Of stretches that lie side by side, each
        place is in one.
    """
    place = np.arange(len(order))
    if units is not None:
        _, first, unit, count = np.unique(units[order], return_index=True, return_inverse=True, return_counts=True)
        place = (first + (count - 1) // 2)[unit]
    inside: npt.NDArray[np.bool_] = (place - start) % len(order) < size
    return inside


def best_stretch(
    order: npt.NDArray[np.int64], size: int, labels: npt.NDArray[Any], units: npt.NDArray[Any] | None
) -> npt.NDArray[np.bool_]:
    """Mark the stretch of whole units that comes nearest to so many images with the classes in their proportions.

    Args:
        order: images, (m,), as for `window`.
        size: images asked for, from 1 to m - 1.
        labels: integers, (n,).
        units: as for `window`; None: it is the last stretch of this size.

    Returns:
        bool, (m,): for each place in `order` whether it is in the stretch. Where there are two units or more, the
        stretch has one or more and leaves one or more.
    """
    inside = np.zeros(len(order), bool)
    if units is None:
        inside[len(order) - size :] = True
        return inside
    of = units[order]
    edges = np.flatnonzero(np.concatenate([[True], of[1:] != of[:-1], [True]]))
    starts = np.repeat(np.arange(len(edges) - 1), 2)
    above = np.searchsorted(edges, edges[:-1] + size)
    ends = np.stack([above - 1, above], axis=1).ravel().clip(starts + 1, len(edges) - 1)
    off = np.abs(edges[ends] - edges[starts] - size) * len(order)
    for label in np.unique(labels[order]):
        before = np.concatenate([[0], np.cumsum(labels[order] == label)])[edges]
        off += np.abs((before[ends] - before[starts]) * len(order) - size * before[-1])
    off[edges[ends] - edges[starts] == len(order)] = np.iinfo(np.int64).max  # nothing would be left
    best = len(off) - 1 - int(np.argmin(off[::-1]))  # of several the last
    inside[edges[starts[best]] : edges[ends[best]]] = True
    return inside


def joined(*partitions: npt.NDArray[Any] | None) -> npt.NDArray[np.int64] | None:
    """The smallest units that divide no part of several partitions.

    Args:
        partitions: each (n,), equal for images of one part; None: there is no such partition.

    Returns:
        int64, (n,): for each image the first of its unit; None where each image is a unit of its own.
    """
    inverses = [np.unique(partition, return_inverse=True)[1] for partition in partitions if partition is not None]
    if not inverses:
        return None
    unit = np.arange(len(inverses[0]))
    while True:
        before = unit
        for inverse in inverses:
            least = np.full(inverse.max(initial=-1) + 1, len(unit))
            np.minimum.at(least, inverse, unit)
            unit = least[inverse]
        if np.array_equal(before, unit):
            alone = np.array_equal(unit, np.arange(len(unit)))
            return None if alone else unit.astype(np.int64)


def _class_and_size(
    labels: npt.NDArray[Any], units: npt.NDArray[Any] | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each unit, in ascending order, the class that it is spread as, 0 ... K - 1, and its images."""
    classes = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    if units is None:
        return classes, np.ones(len(classes), np.int64)
    unit, sizes = np.unique(units, return_inverse=True, return_counts=True)[1:]
    (of, its), counts = np.unique(np.stack([unit, classes]), axis=1, return_counts=True)
    share = counts / np.bincount(classes)[its]
    best = np.lexsort([its, -share, of])  # by unit, then the largest share, then the lowest class
    return its[best][np.unique(of[best], return_index=True)[1]], sizes.astype(np.int64)


def _balanced(
    order: npt.NDArray[np.int64], unit: npt.NDArray[np.int64], labels: npt.NDArray[Any]
) -> npt.NDArray[np.int64]:
    """Units in an order near to `order` in which every stretch from the beginning has the classes in proportion.

    Args:
        order: the units, a permutation of 0 ... u - 1.
        unit: of each image, (n,).
        labels: of each image, (n,).
    """
    classes = np.unique(labels, return_inverse=True)[1]
    counts = np.zeros((len(order), classes.max() + 1))
    np.add.at(counts, (unit, classes), 1)
    share = counts.sum(axis=0) / len(labels)
    # of each class what a unit has too much, so that a few images of a rare class count as many of a common one
    too_many = (counts - counts.sum(axis=1, keepdims=True) * share) / np.sqrt(share)
    excess = np.rint(1024 * too_many).astype(np.int64)  # whole numbers have the same sums on every machine
    so_far, found, near = np.zeros(len(share), np.int64), [], order[:LOOK]
    for coming in range(LOOK, LOOK + len(order)):
        best = int(np.argmin(np.square(so_far + excess[near]).sum(axis=1)))
        found.append(near[best])
        so_far += excess[near[best]]
        near = np.concatenate([np.delete(near, best), order[coming : coming + 1]])
    return np.array(found)
