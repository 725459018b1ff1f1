"""Places maps of answers in frames of the image's shape, so that an answer lies where its window has its centre."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eyechart.scanning.convert import Geometry


def coarse_frame(values: NDArray[np.generic], size: tuple[int, int], geometry: Geometry) -> NDArray[np.floating]:
    """The answers at every stride in a frame of the image's size divided by the stride.

    As in document 004: of a 200x200 image, 44x44 answers of 28x28 windows at a stride of 4 lie in 50x50, 3 from each
    side.

    Args:
        values: a number at each position (rows, columns).
        size: of the image.
        geometry: where the answers lie.

    Returns:
        float, not a number where no window has its centre.
    """
    rows, columns = (-(-side // stride) for side, stride in zip(size, geometry.stride, strict=True))
    top, left = (middle // stride for middle, stride in zip(centre(geometry.window), geometry.stride, strict=True))
    return _framed(values, (rows, columns), (top, left))


def full_frame(values: NDArray[np.generic], size: tuple[int, int], geometry: Geometry) -> NDArray[np.floating]:
    """The answers at every pixel in a frame of the image's size.

    As in document 004: (window + 1) // 2 - 1 pixels before them, window // 2 after.

    Args:
        values: a number at each position (rows, columns).
        size: of the image.
        geometry: where the answers lie.

    Returns:
        float, not a number where no window has its centre.
    """
    return _framed(values, size, centre(geometry.window))


def centre(window: tuple[int, int]) -> tuple[int, int]:
    """Row and column, within a window, of the pixel that its answer is shown at: of 28, the 14th."""
    return (window[0] + 1) // 2 - 1, (window[1] + 1) // 2 - 1


def _framed(values: NDArray[np.generic], size: tuple[int, int], corner: tuple[int, int]) -> NDArray[np.floating]:
    frame = np.full(size, np.nan, np.float32)
    frame[corner[0] : corner[0] + values.shape[0], corner[1] : corner[1] + values.shape[1]] = values
    return frame
