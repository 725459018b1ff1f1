"""Does a network know how sure it may be? Reliability, the expected calibration error, and what chance does to them.

Guo, Pleiss, Sun & Weinberger, "On Calibration of Modern Neural Networks" (ICML 2017): the probability of the predicted
class is the network's confidence. Images are sorted into bins of equal width by it. A network is calibrated where in
each bin the share of right answers is the mean confidence; the expected calibration error is by how much these two
differ, as a mean over the images.

On few images the answers of a calibrated network have an error, too. How large it is by chance alone is simulated
(Bröcker & Smith 2007, Increasing the reliability of reliability diagrams): answers of the same confidences, each of
which is right with that probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15  # as in the paper
LEVEL = 0.05
DRAWS = 500
AT_ONCE = 4_000_000  # answers of one network


@dataclass(frozen=True, eq=False)
class Reliability:
    """Bins of equal width over the confidence from 0 to 1; a bin is above its lower edge, up to its upper one.

    Attributes:
        images: int64 (bins,), how many images lie in each.
        confidence: float64 (bins,), the mean confidence of each; NaN in a bin without images.
        accuracy: float64 (bins,), the share of right answers; likewise.
    """

    images: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """How sure the networks of a row are, beside how sure they may be. Each is a mean over the networks.

    Attributes:
        error: the expected calibration error.
        gap: mean confidence minus accuracy.
        error_by_chance: the error that calibrated networks have on as many images, in the mean.
        most_error: the most that chance alone gives. In 95% of cases it gives neither more error nor more gap.
        most_gap: likewise, in either direction.
        too_sure: whether bins in which they are too sure add up to more than chance gives in 95% of cases.
        too_unsure: whether those in which they are not sure enough do.
    """

    error: float
    gap: float
    error_by_chance: float
    most_error: float
    most_gap: float
    too_sure: bool
    too_unsure: bool

    @property
    def beyond_chance(self) -> bool:
        """Whether the networks are not calibrated."""
        return self.error > self.most_error or abs(self.gap) > self.most_gap

    @property
    def in_words(self) -> str:
        """What is wrong with them, if anything is beyond chance."""
        if not self.beyond_chance:
            return "about right"
        over, under = self.too_sure, self.too_unsure
        if abs(self.gap) > self.most_gap:
            over, under = over or self.gap > 0, under or self.gap < 0
        if over == under:  # if neither, both together
            return "too sure on some answers, not sure enough on others"
        return "too sure" if over else "not sure enough"


def reliability(confidence: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = BINS) -> Reliability:
    """How often answers of each confidence are right.

    Args:
        confidence: (n,), the probability of the predicted class, 0 to 1.
        correct: bool (n,), whether that class is the label.
        bins: how many.

    Raises:
        ValueError: there is not one of each for each image.
    """
    if confidence.ndim != 1 or confidence.shape != correct.shape:
        raise ValueError(f"Expected confidence (n,) and correct (n,). Received: {confidence.shape}, {correct.shape}")
    values = confidence.astype(np.float64)
    bin_of = _bin_of(values, bins)
    images = np.bincount(bin_of, minlength=bins).astype(np.int64)
    with np.errstate(invalid="ignore"):
        return Reliability(
            images=images,
            confidence=np.bincount(bin_of, weights=values, minlength=bins) / images,
            accuracy=np.bincount(bin_of, weights=correct.astype(np.float64), minlength=bins) / images,
        )


def _bin_of(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """The number of each confidence's bin."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)  # rounding may give more than 1


def expected_calibration_error(found: Reliability) -> float:
    """The mean over the images of |accuracy - confidence| of their bin, 0 to 1; NaN without images."""
    if not found.images.sum():
        return float("nan")
    filled = found.images > 0
    gaps = np.abs(found.accuracy[filled] - found.confidence[filled])
    return float(np.average(gaps, weights=found.images[filled]))


def calibration(confidence: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = BINS) -> Calibration:
    """Hold how sure the networks of a row are against what chance gives calibrated ones; the same answer each time.

    In a draw, an image is as hard for one network as for another: a network is right where its confidence is above the
    image's number between 0 and 1. Seeds of one row agree about most images, and to draw them for themselves would make
    their mean look more certain than it is.

    Args:
        confidence: (networks, images), the probability of the predicted class, 0 to 1.
        correct: bool (networks, images), whether that class is the label.
        bins: how many, for the error.

    Raises:
        ValueError: there is not one of each for each image, or there are no images.
    """
    if confidence.ndim != 2 or confidence.shape != correct.shape or not confidence.size:
        raise ValueError(
            f"Expected confidence and correct (networks, images). Received: {confidence.shape}, {correct.shape}"
        )
    images = confidence.shape[1]
    values = confidence.astype(np.float64)
    members = [np.eye(bins, dtype=np.float32)[_bin_of(each, bins)] for each in values]
    sure = [each @ member for each, member in zip(values, members, strict=True)]

    def sides(right: NDArray[np.bool_], network: int) -> NDArray[np.float64]:
        """By how much one network is too sure and not sure enough, (2, draws), for right answers (draws, images)."""
        excess = (sure[network] - right.astype(np.float32) @ members[network]) / images
        return np.stack([np.maximum(excess, 0).sum(axis=1), np.maximum(-excess, 0).sum(axis=1)])

    over, under = np.mean([sides(right[None], number) for number, right in enumerate(correct)], axis=0)[:, 0]
    rng, drawn = np.random.default_rng(2017), []
    step = max(AT_ONCE // images, 1)
    for start in range(0, DRAWS, step):
        numbers = rng.random((min(step, DRAWS - start), images), dtype=np.float32)
        drawn.append(np.mean([sides(numbers < each, number) for number, each in enumerate(confidence)], axis=0))
    most_over, most_under = np.concatenate(drawn, axis=1)
    # two are compared, so each at half the level
    most_error, most_gap = (
        float(np.quantile(each, 1 - LEVEL / 2, method="higher"))
        for each in (most_over + most_under, np.abs(most_over - most_under))
    )
    return Calibration(
        error=float(over + under),
        gap=float(over - under),
        error_by_chance=float((most_over + most_under).mean()),
        most_error=most_error,
        most_gap=most_gap,
        too_sure=bool(over > np.quantile(most_over, 1 - LEVEL)),
        too_unsure=bool(under > np.quantile(most_under, 1 - LEVEL)),
    )
