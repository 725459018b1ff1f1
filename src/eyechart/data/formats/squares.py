"""Images that are handed around as rows of pixels."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from eyechart.core.errors import DataError


def squares(pixels: npt.NDArray[np.uint8], name: str) -> npt.NDArray[np.uint8]:
    """Make square gray images of rows of pixels.

    Args:
        pixels: uint8, (n, side * side).
        name: of the file, for an error.

    Returns:
        uint8, (n, side, side, 1).

    Raises:
        DataError: the number of pixels is no square.
    """
    side = math.isqrt(pixels.shape[1])
    if side == 0 or side * side != pixels.shape[1]:
        raise DataError(
            f"{name}: expected square images, as 784 pixels for 28x28. Received: {pixels.shape[1]} pixels each"
        )
    return pixels.reshape(-1, side, side, 1)
