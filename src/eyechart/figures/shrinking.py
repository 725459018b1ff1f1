"""Large images made small, before matplotlib makes several copies of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def shrunk(image: NDArray[np.uint8], most: int) -> tuple[NDArray[np.uint8], int]:
    """An image with so many rows and columns at most, each pixel the mean of a square block.

    Args:
        image: uint8 (height, width, channels).
        most: rows and columns.

    Returns:
        uint8 (rows, columns, channels), and the side of a block, in pixels: 1 where the image is small. The last blocks
        may reach beyond the image.
    """
    height, width = image.shape[:2]
    side = -(-max(height, width) // most)
    if side == 1:
        return image, 1
    starts = np.arange(0, width, side)
    counts = np.diff([*starts, width])[:, np.newaxis]
    lines = [
        np.add.reduceat(image[top : top + side].mean(axis=0), starts, axis=0) / counts for top in range(0, height, side)
    ]
    return np.stack(lines).round().astype(np.uint8), side
