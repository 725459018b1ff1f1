"""Folders of small images, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def save(path: Path, pixels: np.ndarray | tuple[int, ...], **options: object) -> Path:
    """Write an image: of these pixels, or 8x8 of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.full((8, 8, len(pixels)), pixels, np.uint8) if isinstance(pixels, tuple) else pixels
    Image.fromarray(array).save(path, **options)
    return path


def flowers(top: Path, counts: dict[str, int], suffix: str = "png") -> Path:
    """A folder with so many images per class, all different: class and number are the first two pixels."""
    for label, (name, count) in enumerate(counts.items()):
        for number in range(count):
            pixels = np.zeros((4, 4, 3), np.uint8)
            pixels[0, :2] = [[label] * 3, [number] * 3]
            save(top / name / f"{number:03}.{suffix}", pixels)
    return top
