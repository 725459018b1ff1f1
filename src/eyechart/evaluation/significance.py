"""Error bars, and whether one of two rows is really better: for rows and pairs that were chosen beforehand.

`rows` holds what is known of the rows of a board, and how both sources of chance, seeds and images, are put together.
From that the interval of a difference is the mean ± t·√V, and that of a row `share_interval`. Two single networks have
the tests for two single networks (`paired`). What is picked after looking is the concern of `multiple`: which row of a
board is best.

How often all this is wrong was measured on simulated boards that it was not tuned on, and stands in docs/sweeps.md;
`benchmarks/comparisons.py` measures it again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyechart.evaluation.paired import mcnemar, sign_flips, tango
from eyechart.evaluation.rows import LEVEL, Rows, quantile, row_variances, spread, student, with_two_more

FARTHER = 1.5  # how many times farther apart than they show seeds may lie, if a share nearer to 50% is true
TELLING = 6  # images that tell two networks apart, all for the same one: p is 1/32


@dataclass(frozen=True)
class Estimate:
    """A mean, such as an accuracy, with its 95% interval. With one seed it speaks of that trained network only."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """One row's mean minus another's, such as of accuracies: for a pair that was named before anyone looked.

    Attributes:
        mean: the difference.
        low: of its 95% interval.
        high: likewise.
        p_value: of no difference, two-sided.
        over_seeds: False where a side has one seed: it then speaks of these trained networks only, on new images.
        error: its standard error, √V.
        freedom: the degrees of freedom of that.
        lasting: the part of V that stays with ever more seeds.
        units: the images, or groups of them, that were asked; 0 where what is averaged is no share of right answers.
    """

    mean: float
    low: float
    high: float
    p_value: float
    over_seeds: bool
    error: float
    freedom: float
    lasting: float
    units: int = 0

    def __neg__(self) -> Difference:
        """The same with the sides exchanged."""
        return replace(self, mean=-self.mean, low=-self.high, high=-self.low)

    def margin(self, level: float, truth: float = 0.0) -> float:
        """Half the width of the interval that misses the truth in a share `level` of cases.

        If the true difference is not 0, at least as large a share of the images tells the rows apart, whatever these
        images have shown: with its `truth` V is no less than truth (1 - truth) / N, as in tests by the score.
        """
        least = truth * (1 - truth) / self.units if self.units else 0.0
        return quantile(self.freedom, level) * max(self.error, float(least**0.5))

    def found(self, share: float, level: float = LEVEL) -> float:
        """The true difference that is found in a share of cases by who tests at `level`, by noncentral t.

        V is no less than `margin` says. Of single networks `TELLING` images have to tell them apart, or McNemar's test
        cannot come below 5%.
        """
        from scipy.special import nctdtrinc

        far = float(nctdtrinc(self.freedom, 1 - share, quantile(self.freedom, level)))
        least = far**2 / (self.units + far**2) if self.units else 0.0  # X = far √(X (1 - X) / N)
        if self.units and not self.over_seeds:
            least = max(least, min(TELLING * (1 + max(share - 0.5, 0.0)) / self.units, 1.0))
        return max(far * self.error, least)


def p_in_words(p_value: float, least: float = 0.0001) -> str:
    """`p = 0.013`, or `p < 0.0001` for what is below the least that could be said."""
    return f"p < {least:g}" if p_value < least else f"p = {p_value:.2g}"


def estimate(correct: NDArray[np.bool_], groups: NDArray[np.integer] | None = None) -> Estimate:
    """The accuracy of a row by itself, with its 95% interval over new seeds and new images.

    Args:
        correct: bool (seeds, images).
        groups: (images,), the group of each image; None: images are independent.

    Raises:
        ValueError: not bool, not two axes, or empty.
    """
    _check(correct)
    return estimates(Rows.of([correct], groups))[0]


def estimates(rows: Rows) -> list[Estimate]:
    """The accuracy of each row of a board with its 95% interval, by the spread over seeds that the board shows.

    It is `share_interval` with the variance over images of two right and two wrong images more: five perfect networks
    are no proof that none can err. Of one network on independent images, where nothing but the share is estimated, that
    is the interval of Wilson (1927).
    """
    if rows.groups is not None and rows.units < 2:  # one group says nothing of others
        return [Estimate(mean, 0.0, 1.0) for mean in rows.means.tolist()]
    shares, by_images = with_two_more(rows.means, rows.images), rows.accuracy_variances()
    variances, freedom = row_variances(rows, by_images, rows.freedom)
    if rows.groups is None:  # of one network the share says the variance: it is not estimated
        freedom = np.where(rows.seeds == 1, np.inf, freedom)
    each_row = zip(rows.means, shares, by_images, variances - by_images, freedom, strict=True)
    return [share_interval(*map(float, each)) for each in each_row]


def share_interval(mean: float, share: float, by_images: float, by_seeds: float, freedom: float) -> Estimate:
    """Find the 95% interval of a share of right answers: all true shares p that the mean does not refute.

    p is refuted where |mean - p| > t·√V(p). V is what it would be if p were true: V(p) = by_images·r + by_seeds·r²,
    where r = p (1 - p) / (share (1 - share)). The first part is that of Wilson (1927), the second as if seeds lay
    equally far apart on the scale of logits; there r counts as no less than 1 and no more than `FARTHER`. So the
    interval of a row above 50% goes farther down, to where networks are that failed and were not among its seeds: of
    real ones of which one in twelve fails, mean ± t·√V missed the truth in 7 to 9%.

    The p that are not refuted are one interval: with r or r² alone there is one end on each side, and `FARTHER` and 1
    leave the common part or the union of such intervals.

    Args:
        mean: the share that was found.
        share: near it, strictly between 0 and 1.
        by_images: the variance due to images, if `share` is true.
        by_seeds: the variance due to seeds that `by_images` does not have too.
        freedom: the degrees of freedom of both together.
    """
    from scipy.optimize import brentq

    far, inside = quantile(freedom), min(max(mean, 1e-9), 1 - 1e-9)  # without seeds a mean of 0 or 1 is a root itself

    def refuted(p: float) -> float:
        """Return a number above 0 where p is refuted."""
        r = p * (1 - p) / (share * (1 - share))
        return (mean - p) ** 2 - far**2 * (by_images * r + by_seeds * min(max(r, 1.0), FARTHER) ** 2)

    low, high = (brentq(refuted, end, inside, xtol=1e-12) if refuted(end) > 0 else end for end in (0.0, 1.0))
    return Estimate(mean, float(low), float(high))


def difference(a: NDArray[np.bool_], b: NDArray[np.bool_], groups: NDArray[np.integer] | None = None) -> Difference:
    """Accuracy of `a` minus `b`, for a pair by itself.

    Args:
        a: bool (seeds, images).
        b: bool (seeds, images), the same images in the same order; the number of seeds may differ.
        groups: (images,), the group of each image; None: images are independent.

    Raises:
        ValueError: not bool, not two axes, empty, or not the same number of images.
    """
    for row in (a, b):
        _check(row)
    return difference_in(Rows.of([a, b], groups), 0, 1)


def difference_in(rows: Rows, i: int, j: int) -> Difference:
    """The accuracy of row `i` of a board minus that of row `j`, by the spread over seeds that the board shows.

    With one seed on both sides the p-value is that of the exact test of McNemar (1947), or of sign flips where images
    come in groups, and the interval that of Tango (1998), or Student's t over groups. These two answer a little
    differently, so that near p = 0.05 the one may leave out 0 where the other does not. With more seeds the p-value is
    below 0.05 exactly where the interval leaves out 0.
    """
    found = replace(mean_difference(rows, i, j), units=rows.units)
    if max(rows.seeds[i], rows.seeds[j]) > 1:
        return replace(found, low=max(found.low, -1.0), high=min(found.high, 1.0))
    if rows.groups is not None and rows.sizes is not None:
        flips = sign_flips(np.rint(rows.groups[:, i] - rows.groups[:, j] + rows.sizes * found.mean))
        return replace(found, low=max(found.low, -1.0), high=min(found.high, 1.0), p_value=flips)
    both = float(rows.squares[i, j]) + rows.images * float(rows.means[i] * rows.means[j])
    wins, losses = (round(rows.images * float(rows.means[k]) - both) for k in (i, j))
    low, high = tango(wins, losses, rows.images)
    return replace(found, low=low, high=high, p_value=mcnemar(wins, losses))


def mean_difference(rows: Rows, i: int, j: int, over_images: tuple[float, float] | None = None) -> Difference:
    """Subtract the mean of row `j` of a board from that of row `i`, whatever is averaged, by Student's t.

    Args:
        rows: of the board.
        i: position of a row.
        j: of another one.
        over_images: the variance of the difference over images, and its degrees of freedom; None: as the rows show it.
    """
    mean = float(rows.means[i] - rows.means[j])
    shown, seeds, residual, freedom = (
        float(each[0]) for each in parts(rows, rows.variances, np.array([i]), np.array([j]))
    )
    by_images, images_freedom = over_images or (shown, rows.freedom)
    variance, degrees = map(float, student(by_images, images_freedom, seeds, residual, freedom))
    margin, over_seeds = quantile(degrees) * variance**0.5, bool(min(rows.seeds[i], rows.seeds[j]) > 1)
    p_value, lasting = float(two_sided(mean, variance, degrees)), max(by_images - residual, 0.0)
    return Difference(mean, mean - margin, mean + margin, p_value, over_seeds, variance**0.5, degrees, lasting)


def mean_estimates(rows: Rows) -> list[Estimate]:
    """The mean of each row of a board with its 95% interval, whatever is averaged, such as a count on each image.

    One image more that has one more than the others is added: nothing on any image is no proof that there can be none.
    """
    variances, freedom = row_variances(rows, rows.over_images(rows.squares.diagonal(), 1.0), rows.freedom)
    found = []
    for mean, variance, degrees in np.stack([rows.means, variances, freedom], axis=1).tolist():
        margin = quantile(degrees) * variance**0.5
        found.append(Estimate(mean, mean - margin, mean + margin))
    return found


def parts(rows: Rows, variances: NDArray[np.float64], i: Any, j: Any) -> tuple[Any, Any, Any, Any]:
    """What `student` needs of differences of rows, but for the degrees of freedom of what images show.

    Args:
        rows: of the board.
        variances: as `rows.variances`, or of simulated boards, (..., k).
        i: positions of rows, an integer array.
        j: the same of the others; broadcast against `i`.

    Returns:
        The variances due to images, those due to seeds, the residuals that both have, and the degrees of freedom of
        seeds by Welch (1947), at most those of the whole board; seeds count where both rows have several.
    """
    used, free, _ = spread(rows, variances)
    each = used / rows.seeds
    diagonal = np.diagonal(rows.squares)
    by_images = rows.over_images(diagonal[i] + diagonal[j] - 2 * rows.squares[i, j], 1.0)
    over_seeds = (rows.seeds[i] > 1) & (rows.seeds[j] > 1)
    left, right = (_take(each, k) for k in (i, j))
    seeds = np.where(over_seeds, left + right, 0.0)
    residual = np.where(over_seeds, rows.residuals[i] / rows.seeds[i] + rows.residuals[j] / rows.seeds[j], 0.0)
    own = left**2 / np.maximum(free[i], 1) + right**2 / np.maximum(free[j], 1)
    freedom = np.minimum((left + right) ** 2 / np.maximum(own, 1e-300), np.maximum(rows.seeds - 1, 0).sum())
    return by_images, seeds, residual, freedom


def two_sided(mean: Any, variance: Any, freedom: Any) -> Any:
    """The two-sided p-values of Student's t."""
    from scipy.special import stdtr  # as scipy.stats.t, which takes a hundred times longer for one number

    return 2 * stdtr(freedom, -np.abs(mean) / variance**0.5)


def _take(values: NDArray[np.float64], positions: NDArray[np.integer]) -> NDArray[np.float64]:
    """The values (..., k) of rows at (..., n) positions."""
    if values.ndim == 1 or positions.ndim == 1:
        return values[..., positions]
    return np.take_along_axis(values, positions, axis=-1)


def _check(correct: NDArray[np.bool_]) -> None:
    if correct.ndim != 2 or correct.dtype != np.bool_ or not correct.size:
        raise ValueError(f"Expected bool (seeds, images), not empty. Received: {correct.dtype} {correct.shape}")
