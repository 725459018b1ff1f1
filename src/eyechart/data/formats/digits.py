"""scikit-learn's 1,797 handwritten digits: a line per image with 8x8 pixels from 0 to 16, and the label.

Each pixel is doubled, to 16x16, so that the architectures made for larger images have something to convolve, and 0-16
becomes 0-255. There is no official test part, so a fixed stratified fifth is held back.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eyechart.core.errors import DataError
from eyechart.data.formats.archives import MOST, opened
from eyechart.data.images import Images

TEST = 360  # of 1,797
LARGEST = 10**7  # bytes: the file has 265,712


def read(files: Sequence[Path], most: int = MOST) -> Images:
    """Read `digits.csv.gz` as scikit-learn installs it."""
    if len(files) != 1:
        raise DataError(f"format digits takes 1 file. Received: {len(files)}")
    name = files[0].name
    try:
        with opened(files[0], min(most, LARGEST)) as content:
            table = np.loadtxt(io.TextIOWrapper(content, "ascii"), delimiter=",")
    except ValueError as error:
        raise DataError(f"{name} is truncated or corrupt: {error}") from None
    if table.shape != (1797, 65) or table.min() < 0 or table.max() > 16:
        raise DataError(f"{name}: expected 1797 lines of 64 pixels (0 to 16) and a label. Received: {table.shape}")
    pixels = np.rint(table[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)
    images = pixels.repeat(2, axis=1).repeat(2, axis=2)
    labels = table[:, -1].astype(np.int32)
    return Images.of(images, labels, held_back=TEST)
