"""Seeds whose training failed: which of a row stayed near chance, and how often others may where none has."""

from __future__ import annotations

from collections.abc import Sequence

from eyechart.evaluation.scores import ClassCounts, interval

APART = 0.001  # the level of the interval of a seed that is told apart from the others: of many, few are by luck


def near_chance(seeds: Sequence[ClassCounts]) -> list[int]:
    """The positions of the seeds of a row that stayed near chance, while others did not.

    The 95% interval of such a seed's test accuracy does not lie above the share of the largest class, and its 99.9%
    interval lies below the mean of the other seeds. Where no seed is above chance, none is a failure among others.
    """
    above = [_above_chance(one) for one in seeds]
    if all(above) or not any(above):
        return []
    right, images = [int(one.right.sum()) for one in seeds], int(seeds[0].support.sum())
    others = [(sum(right) - one) / (len(seeds) - 1) / images for one in right]
    return [at for at, one in enumerate(right) if not above[at] and interval(one, images, APART)[1] < others[at]]


def all_above_chance(seeds: Sequence[ClassCounts]) -> bool:
    """Whether the 95% interval of each seed's test accuracy lies above the share of the largest class."""
    return all(map(_above_chance, seeds))


def _above_chance(seed: ClassCounts) -> bool:
    low, _ = interval(int(seed.right.sum()), int(seed.support.sum()))
    return low > seed.largest[1]


def most_failures(seeds: int, level: float = 0.05) -> float:
    """The share of trainings that may fail though none of so many did: its exact one-sided limit, at 95% by default."""
    return float(1 - level ** (1 / seeds))
