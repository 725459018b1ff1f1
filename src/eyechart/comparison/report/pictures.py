"""Images of a data set as PNG files within a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eyechart.core.pictures import visible

LONGEST = 48  # pixels of a side: more are not seen at the size in which a page shows them


def png(image: NDArray[np.uint8]) -> str:
    """An image (height, width, channels) as a PNG in base64, reduced where a side is longer than `LONGEST`."""
    from PIL import Image

    image = visible(image)
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)
    file = io.BytesIO()
    picture.save(file, format="PNG", compress_level=9)
    return base64.b64encode(file.getvalue()).decode("ascii")


def as_many(images: NDArray[np.uint8], wanted: Sequence[int], room: int) -> dict[int, str]:
    """The images at the wanted positions as PNGs, from the first on, as many as there is room for.

    Args:
        images: uint8 (n, height, width, channels).
        wanted: positions.
        room: in characters.
    """
    found: dict[int, str] = {}
    for position in wanted:
        text = png(images[position])
        room -= len(text)
        if room < 0:
            break
        found[int(position)] = text
    return found
