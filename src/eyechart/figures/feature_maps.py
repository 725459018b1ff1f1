"""What the layers of a network make of one image: its feature maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.core.pictures import visible
from eyechart.figures import style
from eyechart.figures.tiles import BAR, GAP, GRAY, Scale, add_scale, add_tiles, extent, tile_size

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_MAPS = 16
MOST_LAYERS = 24
IMAGE = 1.15  # inches: the longer side of the image
WIDTH = 6.8  # inches: of a full row of maps
HEIGHT = 11.0  # inches: of all rows at most
SIDE = (0.37, 0.6)  # inches: least and most of the longer side of a map
NAME = 1.6  # inches: longer names of layers are shortened
BETWEEN = 0.1  # inches between the layers
EDGE = 0.12  # inches of white around everything


def feature_maps(
    image: NDArray[np.uint8], layers: Sequence[tuple[str, NDArray[np.floating]]], caption: Sequence[str], title: str
) -> Figure:
    """An image, and beside it a row per layer: the layer's first 16 maps, on one colour scale per layer.

    Maps without negative values go from 0, white, to the greatest of those shown, black; others from blue over white
    at 0 to red. Of more than 24 layers so many are shown, spread evenly from the first to the last, and the
    title says so.

    Args:
        image: uint8 (height, width, channels), shown as `visible` makes it.
        layers: of each its name and its maps, float (height, width, n), in the order of computation.
        caption: lines below the image, each shortened to its width.
        title: written above, folded where it is wider than the figure.

    Raises:
        ValueError: the image or some maps have another shape, or there is no layer.
    """
    if image.ndim != 3 or 0 in image.shape:
        raise ValueError(f"Expected an image of the shape (height, width, channels). Received: {image.shape}")
    image = visible(image)
    if not layers or any(maps.ndim != 3 or 0 in maps.shape for _, maps in layers):
        shapes = [maps.shape for _, maps in layers]
        raise ValueError(f"Expected maps of the shape (height, width, n) of each layer. Received: {shapes}")
    every = len(layers)
    if every > MOST_LAYERS:
        layers = [layers[i] for i in np.linspace(0, every - 1, MOST_LAYERS).round().astype(int)]
        title += f" ({MOST_LAYERS} of {every} layers)"

    texts = [(style.shorten(name, NAME, style.SMALL), _size(maps)) for name, maps in layers]
    names = max(style.widest(pair, style.SMALL) for pair in texts)
    columns = min(MOST_MAPS, max(maps.shape[2] for _, maps in layers))
    side = float(np.clip(min(WIDTH / columns - GAP, HEIGHT / len(layers) - BETWEEN), *SIDE))
    sizes = [tile_size(maps.shape, side) for _, maps in layers]
    heights = [max(high, style.inches(style.SMALL, 2)) for high, _ in sizes]

    image_height, image_width = tile_size(image.shape, IMAGE)
    lines = [style.shorten(line, IMAGE, style.SMALL) for line in caption]
    left = EDGE + IMAGE + 0.2 + names + 0.08
    width = left + extent(columns, side) + sum(BAR)
    heading = style.fold(title, width - 2 * EDGE, style.TITLE)
    top = EDGE + style.inches(style.TITLE, len(heading)) + 0.12
    rows = sum(heights) + BETWEEN * len(heights)
    figure = style.new_figure(width, top + max(rows, image_height + style.inches(style.SMALL, len(lines)) + EDGE))
    style.add_title(figure, heading, EDGE)
    picture = image if image.shape[2] == 3 else image[..., 0]
    add_tiles(figure, [picture], 1, EDGE + (IMAGE - image_width) / 2, top, (image_height, image_width), GRAY)
    _write(figure, lines, EDGE + IMAGE / 2, top + image_height + 0.04, "center")
    for (_, maps), text, (high, wide), height in zip(layers, texts, sizes, heights, strict=True):
        shown = maps[..., :MOST_MAPS]
        scale, tiles = Scale.of(shown), list(np.moveaxis(shown, -1, 0))
        add_tiles(figure, tiles, len(tiles), left, top + (height - high) / 2, (high, wide), scale)
        _write(figure, text, left - 0.08, top + (height - style.inches(style.SMALL, 2)) / 2, "right")
        add_scale(figure, scale, left + extent(columns, side), top, height)
        top += height + BETWEEN
    return figure


def _size(maps: NDArray[np.floating]) -> str:
    high, wide, count = maps.shape
    number = f"{MOST_MAPS} of {count}" if count > MOST_MAPS else f"{count}"
    return f"{high}×{wide}, {number} map{'s' if count > 1 else ''}"


def _write(figure: Figure, lines: Sequence[str], x: float, top: float, side: str) -> None:
    across, down = figure.get_size_inches()
    for number, line in enumerate(lines):
        below = top + style.inches(style.SMALL, number)
        figure.text(
            x / across, 1 - below / down, line, size=style.SMALL, color=style.INK, ha=side, va="top", parse_math=False
        )
