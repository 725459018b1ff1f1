"""Balanced accuracy and macro F1 as means over images, so that they can be estimated and compared as accuracy is.

Accuracy is the mean over images of 1 where the answer is right and of 0 where it is wrong. The values of this module
are such numbers for the other two scores: their mean over images is the score, and by how much they lie off it within
a class is by how much the images of that class move it. Drawn are images, and how many each class has is held fixed:
the classes are strata.

    balanced accuracy   an image of class c weighs 1 / (classes x images of c), hence exact
    macro F1            F1 of class c is 2 right / (images + predicted), all of c: the influence of an image on it by
                        the delta method (Hampel 1974), exact up to terms of order 1 / images

Classes are those of the score (`ClassCounts`): with images, and for macro F1 also those that a seed predicts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eyechart.evaluation.scores import ClassCounts

Integers = NDArray[np.integer]
Floats = NDArray[np.float64]


def balanced_accuracy(labels: Integers, predictions: Integers, classes: int) -> Floats:
    """For each image a value whose mean over images is the balanced accuracy.

    Args:
        labels: (N,), from 0 to `classes` - 1.
        predictions: (seeds, N), likewise.
        classes: K.

    Returns:
        float64 (seeds, N).

    Raises:
        ValueError: there are no images, or not one label for each.
    """
    _check(labels, predictions)
    support = np.bincount(labels, minlength=classes)
    weights = 1 / (np.count_nonzero(support) * support[labels])
    rows = []
    for row in predictions:
        score = ClassCounts.of(labels, row, classes).balanced_accuracy
        rows.append(_centred((row == labels) * weights, labels, score))
    return np.stack(rows)


def macro_f1(labels: Integers, predictions: Integers, classes: int) -> Floats:
    """For each image a value whose mean over images is the macro F1; otherwise as `balanced_accuracy`."""
    _check(labels, predictions)
    rows = []
    for row in predictions:
        counts = ClassCounts.of(labels, row, classes)
        both = counts.support + counts.predicted
        f1 = 2 * counts.right / np.maximum(both, 1)
        moved = (2 * (row == labels) - f1[row]) / both[row] / np.count_nonzero(both)
        rows.append(_centred(moved, labels, counts.macro_f1))
    return np.stack(rows)


def variance(values: Floats, labels: Integers, more: float) -> tuple[float, float]:
    """The variance of a mean over new images of the same number in each class, and its degrees of freedom.

    It is the sum over classes of (n/N)² s²/n, with n images of the class and s² their variance. What a class with few
    images shows of s² is little, and of one image nothing: two of two right are no proof that the third is. So each
    class is given one image more, which lies off by `more` in squares, on the scale of its recall: a class with a
    single image then counts as right half the time, which is the most that it can add. On 19 simulated test parts with
    classes of 1 to 5,000 images (recall 0.5 to 0.999) intervals of the balanced accuracy made of this miss the truth
    in 0 to 8% of cases, and in up to 100% without that image.

    Args:
        values: (N,), of one network, a mean over seeds, or the difference of two.
        labels: (N,).
        more: 0.5 for a row, 1 for the difference of two.

    Raises:
        ValueError: there are no images, or not one label for each.
    """
    _check(labels, values[None])
    _, stratum, n = np.unique(labels, return_inverse=True, return_counts=True)
    squares = np.bincount(stratum, (values - _means(values, stratum)) ** 2) / len(labels) ** 2 * n**2
    parts = (squares + more / len(n) ** 2) / (n + 1) / n
    total = float(parts.sum())
    return total, total**2 / float((parts**2 / (n + 1)).sum())  # Satterthwaite's


def _check(labels: Integers, rows: NDArray[np.generic]) -> None:
    if labels.ndim != 1 or rows.ndim != 2 or rows.shape[1] != len(labels) or not rows.size:
        raise ValueError(f"Expected labels (N,) and (seeds, N), not empty. Received: {labels.shape} and {rows.shape}")


def _centred(moved: Floats, labels: Integers, score: float) -> Floats:
    """The score plus by how much each image moves it more than others of its class do."""
    return score + len(labels) * (moved - _means(moved, labels))


def _means(values: Floats, labels: Integers) -> Floats:
    """For each image the mean over those of its class: (N,)."""
    counts = np.maximum(np.bincount(labels), 1)
    means: Floats = (np.bincount(labels, values) / counts)[labels]
    return means
