"""Cuts an image into tiles that overlap, so that the answers of each are those of the whole image."""

from __future__ import annotations

import math
from dataclasses import dataclass

from eyechart.inference.scanning.convert import Geometry
from eyechart.inference.scanning.stages import Chain, Convolution, Pair, Pointwise

HELD = 2**29  # bytes that a network's maps of one tile may take: less makes the overlaps count, more is no faster


@dataclass(frozen=True)
class Tile:
    """A part of a map, with the part of the image that it depends on.

    Attributes:
        method: how the map is read.
        pixels: rows and columns of the image. They begin at a multiple of the stride.
        answers: rows and columns of the map.
        kept: the same, as rows and columns of what the method makes of these pixels alone.
    """

    method: str
    pixels: tuple[slice, slice]
    answers: tuple[slice, slice]
    kept: tuple[slice, slice]


def tiles(method: str, size: Pair, geometry: Geometry, step: Pair, side: int) -> list[Tile]:
    """The tiles of a map, row by row.

    Where the image ends, a tile does too: there, what pads is the same as without tiles.

    Args:
        method: how the map is read.
        size: of the image, at least that of the window.
        geometry: where the answers lie.
        step: answers are so far apart, in pixels: 1, or the stride.
        side: of the pixels of a tile, at most, give or take two strides; but no tile has less than a window of answers.
    """
    rows, columns = (_spans(size[axis], geometry, axis, step[axis], side) for axis in (0, 1))
    return [Tile(method, *zip(row, column, strict=True)) for row in rows for column in columns]


def _spans(length: int, geometry: Geometry, axis: int, step: int, side: int) -> list[tuple[slice, slice, slice]]:
    """Along one axis of each tile the pixels, the answers, and which of the tile's own they are.

    Of as equal a length as can be: JAX compiles each size for itself.
    """
    window, stride = geometry.window[axis], geometry.stride[axis]
    before, after = geometry.before[axis], geometry.after[axis]
    positions = (length - window) // step + 1
    most = max(side - before - after - window + 1, window)  # pixels in which answers begin
    count = math.ceil(positions * step / most)
    each = math.ceil(positions * step / count / stride) * stride // step
    found = []
    for first in range(0, positions, each):
        last = min(first + each, positions)
        start = max(0, (first * step - before) // stride * stride)
        stop = min(length, (last - 1) * step + window + after)
        offset = start // step
        found.append((slice(start, stop), slice(first, last), slice(first - offset, last - offset)))
    return found


def longest_side(chain: Chain, *, dilated: bool) -> int:
    """The side of a square image of which a network's maps take `HELD` bytes.

    Measured: a layer holds what it reads and what it gives, in float32, and what it gives once more while it applies
    its activation. The widest layer decides.

    Args:
        chain: the network.
        dilated: whether it answers at every pixel.
    """
    channels, apart, most = chain.channels, 1, 0.0
    for stage in chain.stages:
        reads = channels / apart
        if isinstance(stage, Convolution):
            channels = stage.kernel.shape[-1]
        if not (dilated or isinstance(stage, Pointwise)):
            apart *= math.prod(stage.strides)
        most = max(most, 4 * (reads + 2 * channels / apart))
    return math.isqrt(int(HELD / most))
