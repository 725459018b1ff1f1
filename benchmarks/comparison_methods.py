"""Methods that answer who is better, on the statistics of rows, and were tried before the one in use.

A method is a function of one board, as `comparison_cache.one` gives it, to a `Result`. All methods of this file take
the variance of a difference as images + max(seeds - residual, 0), and differ in what they take for the variance over
seeds of each row, and for its degrees of freedom. They know nothing of groups and of classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, polygamma, psi, stdtr, stdtrit
from scipy.stats import chi2

Floats = NDArray[Any]
Board = dict[str, Any]


@dataclass(frozen=True)
class Result:
    """What a method says of one board of k rows.

    Attributes:
        p_values: (k,) of the first row against each, corrected for the board; of two rows that of this pair.
        intervals: (k, 2) of each row's accuracy.
        difference: (2,) of two rows, the first minus the second; None on a board.
        all_pairs: (k, k) p-values of any pair, corrected for all; None if the method gives none.
    """

    p_values: Floats
    intervals: Floats
    difference: Floats | None = None
    all_pairs: Floats | None = None


Variances = Callable[[Floats, Floats], tuple[Floats, Floats]]


def own(variances: Floats, freedom: Floats) -> tuple[Floats, Floats]:
    """Each row's own variance over seeds: what Eyechart did at first."""
    return variances, freedom


def pooled(variances: Floats, freedom: Floats) -> tuple[Floats, Floats]:
    """One variance for all rows."""
    pool = (variances * freedom).sum() / freedom.sum()
    return np.full(len(variances), pool), np.full(len(variances), freedom.sum())


def greater(variances: Floats, freedom: Floats) -> tuple[Floats, Floats]:
    """A row's own, but at least the median over the board, each by the median of its chi-square."""
    return np.maximum(variances, np.median(variances / (chi2.median(freedom) / freedom))), freedom


def shrunken(variances: Floats, freedom: Floats) -> tuple[Floats, Floats]:
    """Moderated as in limma (Smyth 2004): a scaled inverse chi-square as prior, fitted by moments of the logarithm."""
    logs = np.log(np.maximum(variances, 1e-6 * variances.mean() + 1e-300))
    each = logs - psi(freedom / 2) + np.log(freedom / 2)
    excess = each.var(ddof=1) - polygamma(1, freedom / 2).mean() if len(each) > 1 else 0.0
    if excess <= 0:
        return np.full(len(logs), np.exp(each.mean())), np.full(len(logs), freedom.sum())
    prior = 2 * _trigamma_inverse(excess)
    level = np.exp(each.mean() + psi(prior / 2) - np.log(prior / 2))
    return (prior * level + freedom * variances) / (prior + freedom), np.minimum(prior + freedom, freedom.sum())


def _trigamma_inverse(value: float) -> float:
    x = 0.5 + 1 / value
    for _ in range(50):  # Newton's method on 1 / trigamma, which is nearly linear
        found = polygamma(1, x)
        x += found * (1 - found / value) / polygamma(2, x)
    return float(x)


def holm(choose: Variances) -> Callable[[Board], Result]:
    """A t test of each pair with Satterthwaite's degrees of freedom, and Holm's correction over all pairs."""

    def method(board: Board) -> Result:
        first, rows = int(board["first"]), len(board["means"])
        freedom = np.maximum(board["seeds"] - 1, 1)
        variances, freedom = choose(board["variances"], freedom)
        error, parts = _errors(board, variances / board["seeds"], freedom)
        i, j = np.triu_indices(rows, 1)
        means = board["means"][i] - board["means"][j]
        p_values = 2 * stdtr(parts, -np.abs(means) / error)
        alone = (board["seeds"][i] == 1) & (board["seeds"][j] == 1)
        wins, losses = ((board["means"][one] - board["products"][i, j]) * board["images"] for one in (i, j))
        fewest, both = np.round(np.minimum(wins, losses)), np.round(wins + losses)
        p_values = np.where(alone, np.minimum(1, 2 * bdtr(fewest, both, 0.5)), p_values)
        pairs = np.ones((rows, rows))
        pairs[i, j] = pairs[j, i] = _adjust(p_values)
        margin = stdtrit(parts, 0.975) * error
        difference = np.clip([means[0] - margin[0], means[0] + margin[0]], -1, 1) if rows == 2 else None
        return Result(pairs[first], _intervals(board, variances / board["seeds"], freedom), difference, pairs)

    return method


def _errors(board: Board, variances: Floats, freedom: Floats) -> tuple[Floats, Floats]:
    """√V and its degrees of freedom, of all pairs in the order of `triu_indices`. Variances are those of means."""
    i, j = np.triu_indices(len(variances), 1)
    products, count, seeds = board["products"], board["images"], board["seeds"]
    squares = products[i, i] + products[j, j] - 2 * products[i, j] - (board["means"][i] - board["means"][j]) ** 2
    images = (squares * count + 1) / count / (count + 1)  # one image more, on which they differ wholly
    over_seeds = (seeds[i] > 1) & (seeds[j] > 1)
    beyond, uncertain = variances - board["residuals"] / seeds, variances**2 / freedom
    beyond, uncertain = (np.where(over_seeds, part[i] + part[j], 0.0) for part in (beyond, uncertain))
    return _satterthwaite(images, count, beyond, uncertain, np.minimum(freedom[i], freedom[j]))


def _intervals(board: Board, variances: Floats, freedom: Floats) -> Floats:
    """The 95% interval of each row, two right and two wrong images added; Wilson's of one seed."""
    count, means = board["images"], board["means"]
    total, centre = count + 4, (count * means + 2) / (count + 4)
    images = ((count * board["products"].diagonal() + 2) / total - centre**2) / (total - 1)
    beyond = variances - board["residuals"] / board["seeds"]
    error, degrees = _satterthwaite(images, total - 1, beyond, variances**2 / freedom, freedom)
    found = centre + np.array([[-1], [1]]) * stdtrit(degrees, 0.975) * error
    z = 1.959964
    middle, half = (means + z**2 / count / 2), z * np.sqrt(means * (1 - means) / count + z**2 / count**2 / 4)
    wilson = (middle + np.array([[-1], [1]]) * half) / (1 + z**2 / count)
    return np.clip(np.where(board["seeds"] == 1, wilson, found), 0, 1).T


def _satterthwaite(
    images: Floats, count: int, beyond: Floats, uncertain: Floats, least: Floats
) -> tuple[Floats, Floats]:
    variance = images + np.maximum(beyond, 0.0)
    degrees = variance**2 / (images**2 / count + uncertain)
    return np.sqrt(variance), np.maximum(degrees, np.minimum(least, count))


def _adjust(p_values: Floats) -> Floats:
    """By Holm's method, as `significance.adjust`, which takes longer for a few numbers."""
    order = np.argsort(p_values)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * np.arange(len(order), 0, -1)), 1)
    return adjusted


TRIED: dict[str, Callable[[Board], Result]] = {
    "own": holm(own),
    "pooled": holm(pooled),
    "greater": holm(greater),
    "shrunken": holm(shrunken),
}
