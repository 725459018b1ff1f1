"""Pairs of rows as a comparison leaves them, made from their mean and error."""

from __future__ import annotations

from scipy import stats

from eyechart.evaluation.multiple import Compared
from eyechart.evaluation.significance import Difference


def differing(
    mean: float, error: float, freedom: float = 20.0, lasting: float = 0.0, *, over_seeds: bool = True
) -> Difference:
    """A difference with everything that follows from its mean and error."""
    margin = float(stats.t.ppf(0.975, freedom)) * error
    p_value = float(2 * stats.t.sf(abs(mean) / error, freedom))
    return Difference(mean, mean - margin, mean + margin, p_value, over_seeds, error, freedom, lasting)


def alone(found: Difference) -> Compared:
    """The pair as it was named before anyone looked."""
    return Compared(found, found.p_value, 0.05, 0.1)
