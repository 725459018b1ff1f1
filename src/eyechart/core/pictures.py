"""Images of any number of channels as what an eye can see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def visible(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images as gray or colour: of 3 or 4 channels the first three are the colours, of others gray is their mean.

    Args:
        images: uint8 (..., channels); a channel or more.

    Returns:
        uint8 (..., 1 or 3); the same array where it is so already.
    """
    channels = images.shape[-1]
    if channels in (1, 3):
        return images
    if channels == 4:
        return images[..., :3]
    mean: NDArray[np.uint8] = images.mean(axis=-1, keepdims=True, dtype=np.float32).round().astype(np.uint8)
    return mean


def how_visible(channels: int) -> str | None:
    """What `visible` makes of images, in words; None where it leaves them as they are."""
    if channels in (1, 3):
        return None
    shown = "the first three as red, green and blue" if channels == 4 else "their mean in gray"
    return f"networks read all {channels} channels of an image, pictures show {shown}"
