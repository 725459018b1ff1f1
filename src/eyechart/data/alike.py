"""Images that are the same pixel by pixel."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

TOGETHER = "together"  # of `dataset.copies`


def first_alike(*parts: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """For each image the first that is the same pixel by pixel, itself if there is none before it.

    Args:
        parts: one or more, each uint8, (n, height, width, channels), of one size; they are read image by image.

    Returns:
        int64, (n of all parts together,): positions in the parts one after the other.
    """
    first: dict[bytes, int] = {}
    found: list[int] = []
    for images in parts:
        for image in images:
            digest = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
            found.append(first.setdefault(digest, len(found)))
    return np.array(found, np.int64)
