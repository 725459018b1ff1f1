"""Is a network not worse than another, by more than a margin? That no difference was found does not show it.

Of two single networks on the same images, the lower end of the 95% interval of their difference has to lie above the
margin below 0 (Piaggio et al. 2012, Reporting of noninferiority and equivalence randomized trials). So a network that
is worse by the margin passes in about 2.5% of cases, and few images show little: most of them cannot show it at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from eyechart.evaluation.paired import FEWEST_GROUPS, group_sums, mcnemar, of_groups, sign_flips, tango
from eyechart.evaluation.rows import LEVEL, quantile

POWER = 0.8  # of the number of images that is named as needed


@dataclass(frozen=True)
class NonInferiority:
    """What the test images say of one network against another.

    Attributes:
        mean: the one's accuracy minus the other's, as a share.
        low: of its 95% interval.
        high: likewise.
        p_value: of no difference, two-sided.
        margin: as a share, how much worse is bearable.
        images: how many.
        groups: how many groups they come in; None where each is for itself.
        needed: about how many images would show it in four of five cases, if the two are equally good; None where that
            is not more than there are, or no number would.
    """

    mean: float
    low: float
    high: float
    p_value: float
    margin: float
    images: int
    groups: int | None
    needed: int | None

    @property
    def too_few_groups(self) -> bool:
        """Whether the images come in so few groups that nothing can be told."""
        return self.groups is not None and self.groups < FEWEST_GROUPS

    @property
    def better(self) -> bool:
        """Whether it is shown to be better."""
        return self.mean > 0 and self.p_value < LEVEL and not self.too_few_groups

    @property
    def worse(self) -> bool:
        """Whether it is shown to be worse, be it within the margin or not."""
        return self.mean < 0 and self.p_value < LEVEL and not self.too_few_groups

    @property
    def shown(self) -> bool:
        """Whether it is shown not to be worse by more than the margin; what is better needs no margin."""
        return self.better or (self.low > -self.margin and not self.too_few_groups)


def not_worse(
    one: NDArray[np.bool_], other: NDArray[np.bool_], margin: float, groups: NDArray[np.int64] | None = None
) -> NonInferiority:
    """Hold one network against another on the same images.

    Args:
        one: bool (images,), which of them it classified right.
        other: the same of the other network, in the same order.
        margin: as a share, 0 to 1.
        groups: int (images,), which group each image belongs to; None: every image is for itself.
    """
    values = one.astype(np.int64) - other
    images, mean = len(values), float(values.mean())
    if groups is None:
        wins, losses = int((values > 0).sum()), int((values < 0).sum())
        low, high = tango(wins, losses, images)
        # one image more that differs: that none did is no proof that none can
        p_value, error, count = mcnemar(wins, losses), (wins + losses + 1) ** 0.5 / images, None
    else:
        sums, _ = group_sums(values, groups)
        p_value, count = sign_flips(sums), len(sums)
        low, high = of_groups(values, groups) if count > 1 else (-1.0, 1.0)
        error = (high - low) / 2 / quantile(count - 1) if count > 1 else 1.0
    return NonInferiority(mean, low, high, p_value, margin, images, count, _needed(images, error, margin))


def _needed(images: int, error: float, margin: float) -> int | None:
    """How many images would show that equal networks are not worse, by the difference's standard error on these."""
    from scipy.special import ndtri

    if not margin:
        return None
    needed = images * ((ndtri(1 - LEVEL / 2) + ndtri(POWER)) * error / margin) ** 2
    return ceil(needed) if needed > images else None
