"""Places what a network sees in frames of the image's shape, so that it lies where its window has its centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyechart.inference.scanning.convert import Geometry
from eyechart.inference.scanning.maps import Seen


@dataclass(frozen=True)
class Frame:
    """A map that covers the image.

    Attributes:
        classes: float32 (rows, columns), not a number where no window has its centre.
        probabilities: of these classes, likewise.
        cell: height and width in the image of a place of the map, in pixels.
    """

    classes: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    cell: tuple[int, int]


def coarse_frame(seen: Seen, size: tuple[int, int], geometry: Geometry, most: int) -> Frame:
    """The answers at every stride in a frame of the image's size divided by the stride.

    As in document 004: of a 200x200 image, 44x44 answers of 28x28 windows at a stride of 4 lie in 50x50, 3 from each
    side.

    Args:
        seen: at every stride.
        size: of the image.
        geometry: where the answers lie.
        most: so many rows and columns at most: of a larger map, the surest answer of each square block is shown.
    """
    rows, columns = (-(-side // stride) for side, stride in zip(size, geometry.stride, strict=True))
    top, left = (middle // stride for middle, stride in zip(centre(geometry.window), geometry.stride, strict=True))
    return _framed(seen, (rows, columns), (top, left), geometry.stride, most)


def full_frame(seen: Seen, size: tuple[int, int], geometry: Geometry, most: int) -> Frame:
    """The answers at every pixel in a frame of the image's size.

    As in document 004: (window + 1) // 2 - 1 pixels before them, window // 2 after.

    Args:
        seen: at every pixel.
        size: of the image.
        geometry: where the answers lie.
        most: as for `coarse_frame`.
    """
    return _framed(seen, size, centre(geometry.window), (1, 1), most)


def centre(window: tuple[int, int]) -> tuple[int, int]:
    """Row and column, within a window, of the pixel that its answer is shown at: of 28, the 14th."""
    return (window[0] + 1) // 2 - 1, (window[1] + 1) // 2 - 1


def _framed(seen: Seen, size: tuple[int, int], corner: tuple[int, int], cell: tuple[int, int], most: int) -> Frame:
    block = -(-max(size) // most)
    rows, columns = (-(-side // block) for side in size)
    classes, probabilities = np.full((2, rows, columns), np.nan, np.float32)
    # a row of blocks at a time: a frame of the whole size would take several times the map's memory
    sure, label = np.empty((block, columns * block), np.float32), np.empty((block, columns * block), np.float32)
    across = slice(corner[1], corner[1] + seen.shape[1])
    for row in range(rows):
        first = row * block - corner[0]
        lines = slice(max(first, 0), max(first + block, 0))
        found = seen.probabilities[lines]
        within = slice(lines.start - first, lines.start - first + len(found))
        sure[...] = label[...] = np.nan
        sure[within, across], label[within, across] = found, seen.classes[lines]
        each, labels = (
            part.reshape(block, columns, block).swapaxes(0, 1).reshape(columns, -1) for part in (sure, label)
        )
        surest = np.nan_to_num(each, nan=-1).argmax(axis=1)[:, np.newaxis]
        probabilities[row], classes[row] = (np.take_along_axis(part, surest, 1)[:, 0] for part in (each, labels))
    return Frame(classes, probabilities, (cell[0] * block, cell[1] * block))
