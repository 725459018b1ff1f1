"""Does a network know how sure it may be? Reliability, and the expected calibration error.

Guo, Pleiss, Sun & Weinberger, "On Calibration of Modern Neural Networks" (ICML 2017): the probability of the predicted
class is the network's confidence. Images are sorted into bins of equal width by it. A network is calibrated where in
each bin the share of right answers is the mean confidence; the expected calibration error is by how much these two
differ, as a mean over the images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15  # as in the paper


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
    bin_of = np.clip(np.ceil(values * bins).astype(np.int64) - 1, 0, bins - 1)  # rounding may give more than 1
    images = np.bincount(bin_of, minlength=bins).astype(np.int64)
    with np.errstate(invalid="ignore"):
        return Reliability(
            images=images,
            confidence=np.bincount(bin_of, weights=values, minlength=bins) / images,
            accuracy=np.bincount(bin_of, weights=correct.astype(np.float64), minlength=bins) / images,
        )


def expected_calibration_error(found: Reliability) -> float:
    """The mean over the images of |accuracy - confidence| of their bin, 0 to 1; NaN without images."""
    if not found.images.sum():
        return float("nan")
    filled = found.images > 0
    gaps = np.abs(found.accuracy[filled] - found.confidence[filled])
    return float(np.average(gaps, weights=found.images[filled]))
