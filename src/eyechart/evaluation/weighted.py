"""Balanced accuracy and macro F1 as means over images, so that they can be estimated and compared as accuracy is.

Accuracy is the mean over images of 1 where the answer is right and of 0 where it is wrong. The values of this module
are such numbers for the other two scores: their mean over images is the score, and by how much they lie off it within
a class is by how much the images of that class move it. Drawn are images, and how many each class has is held fixed:
the classes are strata.

    balanced accuracy   an image of class c weighs 1 / (classes x images of c), hence exact
    macro F1            F1 of class c is 2 right / (images + predicted), all of c: the influence of an image on it by
                        the delta method (Hampel 1974), exact up to terms of order 1 / images

Classes are those of the score (`ClassCounts`): with images, and for macro F1 also those that a seed predicts.
Intervals and differences are made of these as of accuracy, seeds and images both counted (`rows`): see `Scored`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eyechart.evaluation.rows import Rows, accuracy_scales, row_variances
from eyechart.evaluation.scores import ClassCounts
from eyechart.evaluation.significance import Difference, Estimate, mean_difference, share_interval

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


class Scored:
    """The rows of a board by such a score."""

    def __init__(self, rows: Iterable[Floats], labels: Integers, groups: Integers | None = None) -> None:
        """Read the values of each row; they are not kept.

        Args:
            rows: of each row (seeds, N), of the same images in the same order; the number of seeds may differ.
            labels: (N,).
            groups: (N,), the group of each image; None: images are independent.

        Raises:
            ValueError: a row is empty, or there is not one label for each image.
        """
        each, shares = [], []
        for row in rows:
            _check(labels, row)
            each.append(Rows.of([row], groups))
            shares.append(row.mean(axis=0))
        self._labels, self._groups = labels, groups
        self._shares = np.stack(shares)
        means = np.concatenate([one.means for one in each])
        self._rows = Rows(
            means=means,
            seeds=np.concatenate([one.seeds for one in each]),
            variances=np.concatenate([one.variances for one in each]),
            residuals=np.concatenate([one.residuals for one in each]),
            squares=np.zeros((len(each), len(each))),  # not needed: what images show is weighted, see `variance`
            images=len(labels),
            units=each[0].units,
            scales=accuracy_scales(means, len(labels)),
        )

    def __len__(self) -> int:
        return len(self._shares)

    def estimates(self) -> list[Estimate]:
        """The score of each row with its 95% interval over new seeds and new images.

        It is that of accuracy, of as many images as would have this variance if all weighed the same (Franco et al.
        2019, Comparative study of confidence intervals for proportions in complex sample surveys), with Student's t.
        """
        rows = self._rows
        if self._groups is not None and rows.units < 2:  # one group says nothing of others
            return [Estimate(mean, 0.0, 1.0) for mean in rows.means.tolist()]
        # of a score of 0 or 1 the variance is that of the one image more in each class, and so is its share
        _, n = np.unique(self._labels, return_counts=True)
        shares = rows.means + (0.5 - rows.means) * (1 / (n + 1)).mean()
        over_images = [variance(each, self._labels, 0.5, self._groups) for each in self._shares]
        by_images, images_freedom = np.array(over_images).T
        variances, freedom = row_variances(rows, by_images, images_freedom)
        each_row = zip(rows.means, shares, by_images, variances - by_images, freedom, strict=True)
        return [share_interval(*map(float, each)) for each in each_row]

    def difference(self, i: int, j: int) -> Difference:
        """The score of row `i` minus that of row `j`, for a pair that was named before looking, by Student's t."""
        by_images = variance(self._shares[i] - self._shares[j], self._labels, 1.0, self._groups)
        found = mean_difference(self._rows, i, j, by_images)
        return replace(found, low=max(found.low, -1.0), high=min(found.high, 1.0))


def variance(values: Floats, labels: Integers, more: float, groups: Integers | None = None) -> tuple[float, float]:
    """The variance of a mean over new images of the same number in each class, and its degrees of freedom.

    It is the sum over classes of (n/N)² s²/n, with n images of the class and s² their variance. What a class with few
    images shows of s² is little, and of one image nothing: two of two right are no proof that the third is. So each
    class is given one image more, which lies off by `more` in squares, on the scale of its recall: a class with a
    single image then counts as right half the time, which is the most that it can add.

    Args:
        values: (N,), of one network, a mean over seeds, or the difference of two.
        labels: (N,).
        more: 0.5 for a row, 1 for the difference of two.
        groups: (N,), the group of each image, of which then new ones are drawn; None: images are independent.

    Raises:
        ValueError: there are no images, or not one label for each.
    """
    _check(labels, values[None])
    _, stratum, n = np.unique(labels, return_inverse=True, return_counts=True)
    off = (values - _means(values, stratum)) / len(labels)
    extra = more / len(n) ** 2 / (n + 1) / n
    if groups is not None:
        sums = np.bincount(np.unique(groups, return_inverse=True)[1], off)
        freedom = max(len(sums) - 1, 1)
        return float((sums**2).sum()) * len(sums) / freedom + float(extra.sum()), freedom
    of_class = np.bincount(stratum, off**2) * n / (n + 1) + extra
    total = float(of_class.sum())
    return total, total**2 / float((of_class**2 / (n + 1)).sum())  # Satterthwaite's


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
