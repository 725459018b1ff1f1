"""Filters that nobody trained: the Gaussian, and the gradient made of it (document 003)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

POINTS = 15  # of the document's Gaussian, for signals and large images
FEWEST_POINTS = 5  # with less, almost all of the weight lies on one point

Array = NDArray[np.float64]


def random_walk(steps: int = 200, seed: int = 2) -> Array:
    """A signal to smooth: the cumulative sum of standard normal numbers, float64 (steps,)."""
    return np.cumsum(np.random.RandomState(seed).normal(size=steps))


def gaussian(points: int = POINTS) -> Array:
    """exp(-x²) at so many points of -2 to 2, with the sum 1: float64 (points,)."""
    values = np.exp(-(np.linspace(-2, 2, points) ** 2))
    return np.asarray(values / values.sum())


def points_for(height: int, width: int) -> int:
    """How many points a Gaussian for an image of this size has: an odd number, about a sixth of the shorter side.

    The document's 15 points suit its picture of 600 pixels; they would leave a smudge of a digit of 28 pixels, which
    gets 5. Never less than 5, nor more than 15.
    """
    return int(np.clip(2 * (min(height, width) // 12) + 1, FEWEST_POINTS, POINTS))


def gaussian_2d(points: int) -> Array:
    """The Gaussian in both directions, float64 (points, points)."""
    line = gaussian(points)
    return np.asarray(np.outer(line, line))


def gradient_2d(points: int) -> Array:
    """The Gaussian convolved with [-1, 1]: float64 (points, points), much like Sobel's filter."""
    from scipy.ndimage import convolve

    return np.asarray(convolve(gaussian_2d(points), np.array([[-1.0, 1.0]])))


def smooth(signal: Array) -> Array:
    """A signal (n,) convolved with the Gaussian of 15 points, float64 (n,); it is mirrored at its ends."""
    from scipy.ndimage import convolve

    return np.asarray(convolve(signal, gaussian()))


def blur(image: NDArray[np.uint8]) -> Array:
    """An image (height, width, channels) convolved with a Gaussian of its size, float64 of the same shape."""
    from scipy.ndimage import convolve

    kernel = gaussian_2d(points_for(*image.shape[:2]))
    return np.asarray(convolve(image.astype(np.float64), kernel[:, :, np.newaxis]))


def edges(image: NDArray[np.uint8]) -> Array:
    """The mean of an image's channels convolved with the gradient of its size: float64 (height, width).

    Positive where the image gets darker to the right, negative where it gets brighter.
    """
    from scipy.ndimage import convolve

    return np.asarray(convolve(image.mean(axis=2), gradient_2d(points_for(*image.shape[:2]))))
