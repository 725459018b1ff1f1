"""Error bars, and whether one row of a leaderboard is really better than another.

A row was trained with S seeds, and every network is tested on the same N images: `correct`, bool (S, N), images in
the same order in every row. What is estimated is the accuracy to expect of new seeds on new images. Both sources of
chance must be carried (Bouthillier et al. 2021, Accounting for variance in machine learning benchmarks), as in studies
where several readers judge the same cases (Obuchowski & Rockette 1995; Hillis 2007). Here seeds are the readers,
nested in their row, and test images are the cases, shared by all rows:

    images     the variance over images of the mean over seeds, divided by N
    seeds      for each row, the variance over seeds of the accuracy, divided by S
    residual   for each row, seeds that disagree about single images: it is part of both, and counted once
    V          images + max(seeds - residual, 0)

An interval is the mean ± t·√V, with Satterthwaite's degrees of freedom (1946), though no fewer than the lesser of its
parts has: a part that comes out near 0 by chance would leave next to none. On simulated boards with five seeds
(tests/evaluation/test_significance.py) a pair of equal rows gives false alarms in 2 to 5% of cases and a board of four
equal rows in 1 to 4%, whichever source dominates. With two seeds that dominate it is 6% on such a board: use more.
Two simpler ways were measured first. To count the residual twice gives 1 to 4% for a pair and finds fewer differences.
To subtract it from the images instead gives 4 to 5%, but 7 to 10% on a board with two seeds.

The same is done with counts, such as the false alarms on each of N canvases: `estimate_mean` and
`difference_of_means`. On simulated skewed counts of 20 canvases (tests/evaluation/test_counts.py) a pair of equal rows
gives false alarms in 0 to 6% of cases, and an interval misses the truth in 0 to 8%; with one seed, where one canvas in
five has a count, in 11%.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyechart.evaluation.paired import mcnemar, tango

LEVEL = 0.05


@dataclass(frozen=True)
class Estimate:
    """A mean, such as an accuracy, with its 95% interval. With one seed it speaks of that trained network only."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """One row's mean minus another's, such as of accuracies: its 95% interval, and the p-value of no difference.

    `over_seeds` is False where a side has one seed: it then speaks of these trained networks only, on new images.
    """

    mean: float
    low: float
    high: float
    p_value: float
    over_seeds: bool

    @property
    def p_in_words(self) -> str:
        """`p = 0.013`, or `p < 0.0001`."""
        return "p < 0.0001" if self.p_value < 0.0001 else f"p = {self.p_value:.2g}"


def estimate(correct: NDArray[np.bool_]) -> Estimate:
    """The accuracy of a row with its 95% interval over new seeds and new images.

    With one seed it is Wilson's interval (1927). With more, two right and two wrong images are added before the
    interval is taken, as Agresti & Coull (1998) do for one proportion: without them, five perfect networks would have
    an interval without width, and rows near 100% one that misses the truth in up to 18% of cases.

    Args:
        correct: bool (seeds, images).

    Raises:
        ValueError: not bool, not two axes, or empty.
    """
    row, mean = _Row.of(correct), float(correct.mean())
    if row.seeds == 1:
        from scipy.stats import binomtest

        low, high = binomtest(int(correct.sum()), correct.size).proportion_ci(
            confidence_level=1 - LEVEL, method="wilson"
        )
        return Estimate(mean, float(low), float(high))
    images = np.append(row.images, [0, 0, 1, 1])
    error, freedom = _error(images.var() / (len(images) - 1), len(images) - 1, row.beyond, row.own, row.seeds)
    centre, margin = float(images.mean()), _quantile(freedom) * float(error)
    return Estimate(mean, max(centre - margin, 0.0), min(centre + margin, 1.0))


def difference(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> Difference:
    """Accuracy of `a` minus `b`, with its 95% interval and two-sided p-value, for one pair chosen beforehand.

    The p-value is below 0.05 exactly where the interval leaves out 0. Where a side has one seed, nothing is known
    about seeds and only images count. With one seed on both sides it is McNemar's exact test and Tango's interval
    (`evaluation.paired`), which can disagree near p = 0.05.

    Args:
        a: bool (seeds, images).
        b: bool (seeds, images), the same images in the same order; the number of seeds may differ.

    Raises:
        ValueError: not bool, not two axes, empty, or not the same number of images.
    """
    row, other = _Row.of(a), _Row.of(b)
    _check_images([row, other])
    return _difference(row, other)


def estimate_mean(counts: NDArray[np.number]) -> Estimate:
    """The mean of counts with its 95% interval over new seeds and new images.

    Args:
        counts: (seeds, images), two images or more.

    Raises:
        ValueError: not two axes, or fewer images.
    """
    row = _Row.of_counts(counts)
    error, freedom = _error_of_mean(row.images, row.beyond, row.own, row.seeds)
    mean, margin = float(row.images.mean()), _quantile(freedom) * error
    return Estimate(mean, mean - margin, mean + margin)


def difference_of_means(a: NDArray[np.number], b: NDArray[np.number]) -> Difference:
    """The mean of `a` minus that of `b`, with its 95% interval and two-sided p-value, for one pair chosen beforehand.

    Where a side has one seed, nothing is known about seeds and only images count.

    Args:
        a: counts (seeds, images), two images or more.
        b: the same of the same images in the same order; the number of seeds may differ.

    Raises:
        ValueError: not two axes, fewer images, or not the same number of them.
    """
    from scipy.special import stdtr

    row, other = _Row.of_counts(a), _Row.of_counts(b)
    _check_images([row, other])
    images, over_seeds = row.images - other.images, min(row.seeds, other.seeds) > 1
    beyond, own = (row.beyond + other.beyond, row.own + other.own) if over_seeds else (0.0, 0.0)
    error, freedom = _error_of_mean(images, beyond, own, min(row.seeds, other.seeds))
    mean, margin = float(images.mean()), _quantile(freedom) * error
    p_value = float(2 * stdtr(freedom, -abs(mean) / error))
    return Difference(mean, mean - margin, mean + margin, p_value, over_seeds)


def adjust(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """P-values corrected for their number by Holm's method (1979): float64, in the order given.

    To call those below 0.05 real is then wrong about any of them in 5% of cases at most.
    """
    if len(p_values) < 2:  # nothing to correct, and the import takes a second
        return np.array(p_values, dtype=np.float64)
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(p_values, method="holm")[1], dtype=np.float64)


def indistinguishable(rows: Sequence[NDArray[np.bool_]], best: int) -> tuple[list[bool], list[Difference]]:
    """Which rows of a leaderboard cannot be told apart from row `best`, at 5% for the whole board.

    Args:
        rows: for each row bool (seeds, images), the same images in the same order.
        best: the position of the best row.

    Returns:
        For each row whether it cannot be told apart (True for `best` itself), and the `Difference` best minus row.
        The p-value is adjusted for the board; the interval is that of the pair by itself.

    Raises:
        ValueError: no such row, or what `difference` raises.
    """
    if not 0 <= best < len(rows):
        raise ValueError(f"Expected the position of one of {len(rows)} rows. Received: {best}")
    # All pairs, though only those with the best are shown: which row is best was seen in the same data, and the best
    # of many equal rows looks good against each of them. To correct for the k-1 pairs shown forgets that choice: four
    # equal rows then give up to 8% false alarms. Every pair that the choice could have shown has to be counted.
    known = [_Row.of(row) for row in rows]
    _check_images(known)
    p_values = np.zeros((len(rows), len(rows)))
    p_values[np.triu_indices(len(rows), 1)] = adjust(_p_values(known))
    p_values += p_values.T
    to_best = []
    for i, row in enumerate(known):
        if i == best:
            to_best.append(Difference(0.0, 0.0, 0.0, 1.0, row.seeds > 1))
        else:
            to_best.append(replace(_difference(known[best], row), p_value=float(p_values[best, i])))
    return [one.p_value >= LEVEL for one in to_best], to_best


@dataclass(frozen=True)
class _Row:
    """What is needed of a row, so that a board reads each one once."""

    images: NDArray[np.float64]  # (N,): for each image the share of the seeds that are right
    seeds: int
    variance: float  # of the row's mean, as its seeds show it; 0 with one seed
    residual: float  # the part of it that comes from disagreement about single images

    @classmethod
    def of(cls, correct: NDArray[np.bool_]) -> _Row:
        if correct.ndim != 2 or correct.dtype != np.bool_ or not correct.size:
            raise ValueError(f"Expected bool (seeds, images), not empty. Received: {correct.dtype} {correct.shape}")
        return cls._of(correct)

    @classmethod
    def of_counts(cls, counts: NDArray[np.number]) -> _Row:
        if counts.ndim != 2 or not len(counts) or counts.shape[1] < 2:
            raise ValueError(f"Expected counts (seeds, images), two images or more. Received: {counts.shape}")
        return cls._of(counts)

    @classmethod
    def _of(cls, values: NDArray[Any]) -> _Row:
        (seeds, count), others = values.shape, max(len(values) - 1, 1)
        residual = float(values.var(axis=0).mean()) / others / count
        return cls(values.mean(axis=0), seeds, float(values.mean(axis=1).var()) / others, residual)

    @property
    def beyond(self) -> float:
        """What seeds add to the variance beyond what the images show of them already."""
        return self.variance - self.residual

    @property
    def own(self) -> float:
        """How uncertain that is, for Satterthwaite's degrees of freedom."""
        return self.variance**2 / max(self.seeds - 1, 1)


def _check_images(rows: Sequence[_Row]) -> None:
    for row in rows:
        if len(row.images) != len(rows[0].images):
            raise ValueError(f"Expected rows of the same images. Received: {len(rows[0].images)} and {len(row.images)}")


def _difference(a: _Row, b: _Row) -> Difference:
    from scipy.special import stdtr  # as in scipy.stats.t, which takes a hundred times longer for one number

    if a.seeds == b.seeds == 1:
        images = a.images - b.images
        wins, losses = int((images > 0).sum()), int((images < 0).sum())
        low, high = tango(wins, losses, len(images))
        return Difference(float(images.mean()), low, high, mcnemar(wins, losses), False)
    mean, error, freedom = _mean_and_error(a, b)
    margin, p_value = _quantile(freedom) * error, float(2 * stdtr(freedom, -abs(mean) / error))
    return Difference(mean, max(mean - margin, -1.0), min(mean + margin, 1.0), p_value, min(a.seeds, b.seeds) > 1)


def _p_values(rows: Sequence[_Row]) -> NDArray[np.float64]:
    """`_p_value` of all pairs, in the order of `triu_indices`; at once, because a thousand rows have half a million."""
    from scipy.special import bdtr, stdtr

    i, j = np.triu_indices(len(rows), 1)
    images, count = np.stack([row.images for row in rows]), len(rows[0].images)
    sums, products = images.sum(axis=1), images @ images.T
    first, second, both = sums[i], sums[j], products[i, j]
    seeds = np.array([row.seeds for row in rows])
    over_seeds = (seeds[i] > 1) & (seeds[j] > 1)

    mean = (first - second) / count
    squares = products[i, i] + products[j, j] - 2 * both - count * mean**2 + 1  # of the differences, as in one pair
    beyond, own = (
        np.where(over_seeds, values[i] + values[j], 0.0)
        for values in (np.array([row.beyond for row in rows]), np.array([row.own for row in rows]))
    )
    error, freedom = _error(squares / count / (count + 1), count, beyond, own, np.minimum(seeds[i], seeds[j]))
    p_values: NDArray[np.float64] = 2 * stdtr(freedom, -np.abs(mean) / error)

    alone = (seeds[i] == 1) & (seeds[j] == 1)
    wins, losses = ((one - both)[alone].round().astype(np.int64) for one in (first, second))
    p_values[alone] = np.minimum(1.0, 2 * bdtr(np.minimum(wins, losses), wins + losses, 0.5))
    return p_values


def _mean_and_error(a: _Row, b: _Row) -> tuple[float, float, float]:
    """The difference, √V and its degrees of freedom, where not both sides have one seed."""
    count = len(a.images)
    images = a.images - b.images
    # One image more, on which they differ wholly: that no image told them apart is no proof that none could. Bonett &
    # Price (2012) add two for single networks; here one is enough, and among a thousand images hardly felt.
    squares = float(images.var()) * count + 1
    beyond, own = (a.beyond + b.beyond, a.own + b.own) if min(a.seeds, b.seeds) > 1 else (0.0, 0.0)
    error, freedom = _error(squares / count / (count + 1), count, beyond, own, min(a.seeds, b.seeds))
    return float(images.mean()), float(error), float(freedom)


def _error(images: Any, freedom: int, beyond: Any, own: Any, seeds: Any) -> tuple[Any, Any]:
    """√V of the module's docstring and its degrees of freedom: of one pair, or of arrays of them.

    Args:
        images: the variance due to images.
        freedom: the degrees of freedom of that.
        beyond: seeds minus residual, summed over the rows.
        own: what the rows' seeds add to the uncertainty of V.
        seeds: of the row that has the fewest.
    """
    variance = images + np.maximum(beyond, 0.0)
    least = np.minimum(np.maximum(seeds - 1, 1), freedom)
    return variance**0.5, np.maximum(variance**2 / (images**2 / freedom + own), least)


def _error_of_mean(images: NDArray[np.float64], beyond: float, own: float, seeds: int) -> tuple[float, float]:
    """The same for the mean of counts, with one image more that has one more than the others, as in `_mean_and_error`.

    No false alarm on any canvas is no proof that there can be none.
    """
    count = len(images)
    error, freedom = _error((float(images.var()) * count + 1) / count / (count + 1), count, beyond, own, seeds)
    return float(error), float(freedom)


def _quantile(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - LEVEL / 2))
