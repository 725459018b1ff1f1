"""Small pictures in rows and columns on one colour scale, and the scale beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAP = 0.05  # inches between neighbours
BAR = (0.08, 0.09, 0.6)  # inches: gap, width, and room for the numbers of a colour scale
HIGH = 0.6  # inches: from this height on, a scale has room to name the zero within


@dataclass(frozen=True)
class Scale:
    """What a colour stands for.

    Attributes:
        colours: the name of a matplotlib colour map.
        low: the value of its first colour.
        high: the value of its last colour.
    """

    colours: str
    low: float
    high: float

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> Scale:
        """From 0, white, to the greatest of some values; where some are negative, as far to either side of 0."""
        finite = values[np.isfinite(values)]
        most = float(np.abs(finite).max()) if finite.size else 0.0
        most = most or 1.0  # a scale has two ends, also where all is 0
        return cls(style.SIGNED, -most, most) if (finite < 0).any() else cls(style.AMOUNTS, 0.0, most)

    @classmethod
    def signed(cls, values: NDArray[np.floating]) -> Scale:
        """As far to either side of 0, whether or not some values are negative."""
        most = cls.of(values).high
        return cls(style.SIGNED, -most, most)


GRAY = Scale("gray", 0, 255)  # of images


def tile_size(shape: Sequence[int], side: float) -> tuple[float, float]:
    """Height and width in inches of an array (height, width, ...) whose longer side is `side` inches."""
    longer = max(shape[:2])
    return side * shape[0] / longer, side * shape[1] / longer


def extent(count: int, size: float) -> float:
    """The length in inches of `count` tiles of that size in a line."""
    return count * (size + GAP) - GAP


def add_tiles(
    figure: Figure,
    tiles: Sequence[NDArray[np.generic]],
    columns: int,
    left: float,
    top: float,
    size: tuple[float, float],
    scale: Scale,
) -> Axes:
    """Draw pictures, row by row, in axes whose unit is an inch and whose first row is at the top.

    Args:
        figure: to draw on.
        tiles: (height, width) values, or (height, width, 3) colours, which need no scale.
        columns: in a row.
        left: of the first tile, in inches from the figure's edge.
        top: likewise.
        size: height and width of a tile in inches.
        scale: that all of them share.
    """
    from matplotlib.patches import Rectangle

    high, wide = size
    width, height = extent(columns, wide), extent(math.ceil(len(tiles) / columns), high)
    axes = style.add_axes(figure, left, top, width, height)
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        x, y = column * (wide + GAP), row * (high + GAP)
        enlarged = high * figure.dpi >= tile.shape[0] and wide * figure.dpi >= tile.shape[1]
        axes.imshow(
            tile,
            cmap=scale.colours,
            vmin=scale.low,
            vmax=scale.high,
            extent=(x, x + wide, y + high, y),
            aspect="auto",
            interpolation="nearest" if enlarged else "auto",
        )
        frame = Rectangle((x, y), wide, high, fill=False, edgecolor=style.GREY, linewidth=0.4, clip_on=False)
        axes.add_artist(frame)
    return axes


def add_scale(figure: Figure, scale: Scale, left: float, top: float, height: float) -> None:
    """Draw a scale `BAR[0]` inches right of `left`, with its ends, and where there is room the zero, in numbers."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    height = max(height, style.inches(style.SMALL, 2))  # of its two numbers
    axes = style.add_axes(figure, left + BAR[0], top, BAR[1], height)
    bar = figure.colorbar(ScalarMappable(Normalize(scale.low, scale.high), scale.colours), cax=axes)
    bar.outline.set(color=style.GREY, linewidth=0.6)
    values = [scale.low, scale.high]
    if scale.low < 0 and height >= HIGH:
        values.insert(1, 0.0)
    bar.set_ticks(values, labels=[_short(value) for value in values])
    axes.tick_params(length=0, pad=2)
    axes.get_yticklabels()[0].set_verticalalignment("bottom")  # so that scales may stand close below each other
    axes.get_yticklabels()[-1].set_verticalalignment("top")


def _short(value: float) -> str:
    """A number in eight characters at most."""
    return f"{value:.{3 if 1 <= abs(value) < 1000 else 2}g}".replace("-", "−")
