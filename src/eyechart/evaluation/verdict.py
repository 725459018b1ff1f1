"""What a comparison of two rows comes to, and what it would take to know more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from eyechart.evaluation.multiple import Compared
from eyechart.evaluation.rows import LEVEL
from eyechart.evaluation.significance import Difference

MARGIN = 0.005  # accuracies that lie closer than this are practically the same, unless asked otherwise
MOST_SEEDS = 100  # more of them are not recommended to anybody


class Outcome(StrEnum):
    """Of one row against another."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "practically the same"
    UNKNOWN = "cannot be told yet"
    UNTELLABLE = "cannot be told"


@dataclass(frozen=True)
class Verdict:
    """What a comparison says.

    Attributes:
        outcome: of the first row.
        looks: whether the pair by itself would be told apart, and only among all that were compared is not.
        half: the true difference that such a comparison finds in half of cases.
        most: the one that it finds in four of five.
        more_seeds: of each row, about how many more would bring an answer if the difference is what it seems now; 0
            where there is one; None where even `MOST_SEEDS` would not.
        images_limit: whether ever more seeds would not, because the test images are too few.
    """

    outcome: Outcome
    looks: bool
    half: float
    most: float
    more_seeds: int | None
    images_limit: bool = False


def judge(compared: Compared, margin: float = MARGIN, seeds: tuple[int, int] = (1, 1)) -> Verdict:
    """Say what a comparison comes to.

    Two rows are practically the same where the interval of their difference that misses the truth in 10% of boards (two
    one-sided tests at 5%, Schuirmann 1987; corrected like the difference) lies within ±`margin`.

    Args:
        compared: the two rows.
        margin: of what is practically the same, from 0 to 1.
        seeds: how many each row has.
    """
    found = compared.difference
    half, most = found.found(0.5, compared.level), found.found(0.8, compared.level)
    looks = not compared.apart and found.p_value < LEVEL
    if compared.p_board is None:
        return Verdict(Outcome.UNTELLABLE, False, half, most, None)
    if compared.apart:
        return Verdict(Outcome.BETTER if found.mean > 0 else Outcome.WORSE, False, half, most, 0)
    if abs(found.mean) + found.margin(compared.same_level, margin) < margin:
        return Verdict(Outcome.SAME, looks, half, most, 0)
    more = _more_seeds(compared, margin, seeds)
    endless = found.over_seeds and not _tells(compared, _with_seeds(found, 1e9), margin)
    return Verdict(Outcome.UNKNOWN, looks, half, most, more, endless)


def _more_seeds(compared: Compared, margin: float, seeds: tuple[int, int]) -> int | None:
    found = compared.difference
    now = sum(1 / each for each in seeds)  # V due to seeds is proportional to it, if those of both scatter alike
    if not found.over_seeds:
        return None
    for more in range(1, MOST_SEEDS + 1):
        if _tells(compared, _with_seeds(found, now / sum(1 / (each + more) for each in seeds)), margin):
            return more
    return None


def _tells(compared: Compared, found: Difference, margin: float) -> bool:
    """Whether a difference would bring an answer, among all that were compared."""
    return abs(found.mean) > found.margin(compared.level) or (
        abs(found.mean) + found.margin(compared.same_level, margin) < margin
    )


def _with_seeds(found: Difference, times: float) -> Difference:
    """Divide the variance due to seeds, and multiply its degrees of freedom, by `times`."""
    variance = found.lasting + max(found.error**2 - found.lasting, 0.0) / times
    return replace(found, error=float(np.sqrt(variance)), freedom=found.freedom * times)
