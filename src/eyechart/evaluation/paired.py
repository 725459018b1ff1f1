"""Two single networks on the same images: whether one is really better, and by how much.

Nothing is known about other seeds then: only the images count. What they say of the pair are the images on which
exactly one network is right: `wins` of the first, `losses` to the second.

Of independent images, `mcnemar` gives the exact p-value of no difference (1947) and `tango` the interval of the
difference, by the score method (Tango 1998, Equivalence test and confidence interval for the difference in proportions
for the paired-sample design). Fagerland, Lydersen & Laake (2014) compare it with others and recommend it. The two can
disagree about 0, but only near p = 0.05, where the exact test is the more cautious one.

Of images that come in groups, such as several of one patient, only whole groups are independent. `sign_flips` gives the
p-value and `of_groups` the interval.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from eyechart.evaluation.rows import Rows, quantile

FEWEST_GROUPS = 10  # whose sums can tell anything
ENUMERATED = 14  # groups: 2^14 sign flips are all tried, more are drawn
DRAWN = 9999
AT_ONCE = 1_000_000  # signs


def mcnemar(wins: int, losses: int) -> float:
    """The exact two-sided p-value of no difference: of the images that tell them apart, each wins half if equal.

    Args:
        wins: images on which only the first network is right.
        losses: those on which only the second is.
    """
    from scipy.special import bdtr  # as in scipy.stats.binomtest, which takes a hundred times longer

    return min(1.0, float(2 * bdtr(min(wins, losses), wins + losses, 0.5)))


def tango(wins: int, losses: int, images: int, level: float = 0.05) -> tuple[float, float]:
    """The score interval of the difference of the two networks' accuracies, first minus second.

    It holds every difference that the score test does not reject, so it has a width also where no image told them
    apart, and never goes beyond -1 or 1.

    Args:
        wins: images on which only the first network is right.
        losses: those on which only the second is.
        images: all of them.
        level: how often the interval may miss, 0 to 1.

    Raises:
        ValueError: no images, or more wins and losses than images.
    """
    if not images or min(wins, losses) < 0 or wins + losses > images:
        raise ValueError(f"Expected wins and losses among the images. Received: {wins}, {losses} of {images}")
    return -_highest(losses, wins, images, level), _highest(wins, losses, images, level)


def _highest(wins: int, losses: int, images: int, level: float) -> float:
    """The upper end of the interval."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    z, mean = float(ndtri(1 - level / 2)), (wins - losses) / images
    # where the equation has 0 at the mean too, its solution is known
    if wins == images:
        return 1.0
    if losses == images:
        return (z**2 - images) / (z**2 + images)
    if not wins + losses:
        return z**2 / (z**2 + images)

    def excess(difference: float) -> float:
        # the images lost that are most likely if this were the true difference
        half = losses + wins - (2 * images - wins + losses) * difference
        root = sqrt(half**2 + 8 * images * losses * difference * (1 - difference))
        lost = (root + half) / (4 * images)
        variance = images * (2 * lost + difference * (1 - difference))
        return images * (difference - mean) - z * sqrt(max(variance, 0.0))

    return float(brentq(excess, mean, 1.0, xtol=1e-13))


def group_sums(values: NDArray[np.number], groups: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum what is known of each image over the images of its group.

    Args:
        values: (images,), such as the one network's right answers minus the other's.
        groups: int (images,), which group each image belongs to.

    Returns:
        The sums, float64 (groups,), and the number of images, int64 (groups,), in ascending order of the groups.
    """
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.bincount(group, weights=values).astype(np.float64)
    return sums, sizes.astype(np.int64)


def sign_flips(sums: NDArray[np.floating]) -> float:
    """The two-sided p-value of no difference between two networks on groups of images.

    If there is none, each group could as well have said the opposite. The p-value is the share of all ways to flip the
    signs of whole groups that lead to a total at least as large. Beyond 14 groups that differ, 9,999 ways are drawn,
    the same ones each time. With fewer than six groups it cannot come below 0.05.

    Args:
        sums: (groups,), each group's sum of differences.
    """
    sizes = np.sort(np.abs(sums[sums != 0]))  # the order of the groups and the sides are nothing
    if not len(sizes):
        return 1.0
    reached = abs(float(sums.sum())) - 1e-9 * float(
        sizes.sum()
    )  # sums of fractions are equal but for their last digits
    if len(sizes) <= ENUMERATED:
        ways = np.arange(2 ** len(sizes))[:, None] >> np.arange(len(sizes)) & 1
        return float((np.abs((2 * ways - 1) @ sizes) >= reached).mean())
    rng, extreme = np.random.default_rng(1998), 0
    step = max(AT_ONCE // len(sizes), 1)
    for start in range(0, DRAWN, step):
        signs = 2 * rng.integers(0, 2, (min(step, DRAWN - start), len(sizes)), dtype=np.int8) - 1
        extreme += int((np.abs(signs @ sizes) >= reached).sum())
    return (extreme + 1) / (DRAWN + 1)


def of_groups(values: NDArray[np.number], groups: NDArray[np.int64], level: float = 0.05) -> tuple[float, float]:
    """The interval of the mean of `values` over images of which only whole groups are independent.

    It is Student's t on the sums of the groups, with one degree of freedom fewer than there are groups. One image more
    on which the networks differ wholly keeps it from having no width where they differ on none. A larger group counts
    for more, as it does in the mean.

    Args:
        values: (images,), such as the one network's right answers minus the other's.
        groups: int (images,), which group each image belongs to, two groups or more.
        level: how often the interval may miss, 0 to 1.

    Returns:
        Both ends. They are not cut off where the values end.

    Raises:
        ValueError: there is only one group, or no image.
    """
    rows = Rows.of([values[None]], groups)
    if rows.units < 2:
        raise ValueError(f"Expected two groups or more. Received: {rows.units}")
    mean = float(rows.means[0])
    margin = quantile(rows.freedom, level) * float(rows.over_images(rows.squares[0, 0], 1.0)) ** 0.5
    return mean - margin, mean + margin
