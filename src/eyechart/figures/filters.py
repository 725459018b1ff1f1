"""What a network has learned to look for: the filters of its layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.figures import style
from eyechart.figures.tiles import BAR, GAP, Scale, add_scale, add_tiles, extent, tile_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_IN_A_LIST = 64  # filters of a first layer
MOST_IN_A_TABLE = 16  # input maps, and output maps, of a further layer
LARGE = 12  # pixels: filters from here on need room to be read
WIDTH = 6.8  # inches: of the tiles of a full row
SIDES = {"large": (8, 0.8), "small": (16, 0.55)}  # most columns, and the largest side of a tile in inches
EDGE = 0.12  # inches of white around everything
LEFT = 0.62  # inches: for the numbers of the input maps and what they are
BELOW = 0.36  # inches: likewise for the output maps
NUMBER = 0.22  # inches: for the numbers below a row of filters


def filters(layers: Sequence[tuple[str, NDArray[np.floating]]], title: str) -> Figure:
    """The filters of some layers, below each other; all filters of a layer share one colour scale.

    A layer on an image, of 1 or 3 channels, is a list: its first 64 filters row by row. Those on three channels are
    shown in colour: red, green and blue are the weights of these channels, and a weight of 0 is half of each, so that
    a filter of zeros is gray. Another layer is a table of the first 16 input maps (rows) and the first 16 output maps
    (columns): the filters of a column, applied to their input maps and added, make one output map.

    Args:
        layers: of each its name and its filters, float (height, width, inputs, outputs).
        title: written above, folded where it is wider than the figure.

    Raises:
        ValueError: there is no layer, or filters of another shape.
    """
    if not layers or any(kernel.ndim != 4 or 0 in kernel.shape for _, kernel in layers):
        shapes = [kernel.shape for _, kernel in layers]
        raise ValueError(f"Expected filters of the shape (height, width, inputs, outputs). Received: {shapes}")
    panels = [_List(*layer) if layer[1].shape[2] in (1, 3) else _Table(*layer) for layer in layers]
    width = EDGE + max(max(panel.width, style.text_width(panel.heading, style.LABEL)) for panel in panels) + EDGE
    folded = style.fold(title, width - 2 * EDGE, style.TITLE)
    top = EDGE + style.inches(style.TITLE, len(folded)) + 0.1
    line = style.inches(style.LABEL) + 0.05
    figure = style.new_figure(width, top + sum(line + panel.height + EDGE for panel in panels))
    style.add_title(figure, folded, EDGE)
    across, down = figure.get_size_inches()
    for panel in panels:
        figure.text(
            EDGE / across,
            1 - top / down,
            panel.heading,
            size=style.LABEL,
            color=style.INK,
            ha="left",
            va="top",
            parse_math=False,
        )
        panel.draw(figure, EDGE, top + line)
        top += line + panel.height + EDGE
    return figure


class _List:
    """The filters of a layer on an image."""

    def __init__(self, name: str, kernel: NDArray[np.floating]):
        high, wide, channels, outputs = kernel.shape
        self.kernel = kernel[..., :MOST_IN_A_LIST]
        shown = self.kernel.shape[-1]
        most, side = SIDES["large" if max(high, wide) >= LARGE else "small"]
        self.columns = min(shown, most)
        self.size = tile_size((high, wide), min(side, WIDTH / most - GAP if self.columns == most else side))
        self.rows = -(-shown // self.columns)
        self.width = extent(self.columns, self.size[1]) + sum(BAR)
        self.height = self.rows * (self.size[0] + NUMBER)
        number = f"the first {shown} of {outputs}" if shown < outputs else f"{outputs}"
        on = "gray values" if channels == 1 else "colours (a weight of 0 is gray)"
        self.heading = f"{name}: {number} filters of {high}×{wide} on {on}"

    def draw(self, figure: Figure, left: float, top: float) -> None:
        scale = Scale.signed(self.kernel)
        tiles = list(np.moveaxis(self.kernel, -1, 0))
        if self.kernel.shape[2] == 3:
            tiles = [np.clip(0.5 + 0.5 * np.nan_to_num(tile / scale.high), 0, 1) for tile in tiles]
            scale = Scale("gray", scale.low, scale.high)
        else:
            tiles = [tile[..., 0] for tile in tiles]
        for row in range(self.rows):
            numbers = range(row * self.columns, min((row + 1) * self.columns, len(tiles)))
            y = top + row * (self.size[0] + NUMBER)
            axes = add_tiles(figure, tiles[numbers.start : numbers.stop], len(numbers), left, y, self.size, scale)
            _number_columns(axes, numbers.start, len(numbers), self.size[1])
        add_scale(figure, scale, left + extent(self.columns, self.size[1]), top, self.height - NUMBER)


class _Table:
    """The filters of a layer on maps: a row per input map, a column per output map."""

    def __init__(self, name: str, kernel: NDArray[np.floating]):
        high, wide, inputs, outputs = kernel.shape
        self.kernel = kernel[:, :, :MOST_IN_A_TABLE, :MOST_IN_A_TABLE]
        self.rows, self.columns = self.kernel.shape[2:]
        longest = max(self.rows, self.columns)
        self.size = tile_size((high, wide), min(0.45, (WIDTH - LEFT) / longest - GAP))
        self.width = LEFT + extent(self.columns, self.size[1]) + sum(BAR)
        self.height = extent(self.rows, self.size[0]) + BELOW
        self.heading = f"{name}: filters of {high}×{wide} from {inputs} to {outputs} maps"
        if self.rows < inputs or self.columns < outputs:
            cut = [side for side, count in (("input", inputs), ("output", outputs)) if count > MOST_IN_A_TABLE]
            self.heading += f" (the first {MOST_IN_A_TABLE} {' and '.join(cut)} maps)"

    def draw(self, figure: Figure, left: float, top: float) -> None:
        scale = Scale.signed(self.kernel)
        tiles = [self.kernel[:, :, row, column] for row in range(self.rows) for column in range(self.columns)]
        axes = add_tiles(figure, tiles, self.columns, left + LEFT, top, self.size, scale)
        high, wide = self.size
        _number_columns(axes, 0, self.columns, wide)
        every = math.ceil(style.inches(style.SMALL) / (high + GAP))
        rows = range(0, self.rows, every)
        axes.set_yticks([row * (high + GAP) + high / 2 for row in rows], [str(row + 1) for row in rows])
        axes.set_ylabel("input map", size=style.LABEL, color=style.INK)
        axes.set_xlabel("output map", size=style.LABEL, color=style.INK, labelpad=1)
        height = self.height - BELOW
        add_scale(figure, scale, left + LEFT + extent(self.columns, wide), top, height)


def _number_columns(axes: Axes, first: int, count: int, width: float) -> None:
    """Write the numbers of tiles, counted from 1, below them; of narrow ones only every second, third, ..."""
    every = math.ceil((style.text_width(str(first + count), style.SMALL) + 0.04) / (width + GAP))
    columns = range(0, count, every)
    middles = [column * (width + GAP) + width / 2 for column in columns]
    axes.set_xticks(middles, [str(first + column + 1) for column in columns])
    axes.tick_params(length=0, pad=2)
