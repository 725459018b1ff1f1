"""Images in rows and columns, each with lines of text below it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.core.pictures import visible
from eyechart.figures import style

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.backend_bases import RendererBase
    from matplotlib.figure import Figure

COLUMNS = 5  # more only beyond 25 images, to stay about square
TILE = 1.15  # inches: the longer side of an image
CAPTION = 1.3  # inches: the width of the text below an image
GAP = 0.12  # inches between neighbours
LEAST_WIDTH = 4.2  # inches: room for the title above a single image

Line = tuple[str, str]  # text and its colour


def captioned(
    images: NDArray[np.uint8], captions: Sequence[Sequence[Line]], key: Sequence[Line], title: str, empty: str
) -> Figure:
    """A grid of the given images in the given order.

    Args:
        images: uint8 (n, height, width, channels), shown as `visible` makes them; n may be 0.
        captions: of each image the same number of lines, one or more, no wider than `CAPTION`.
        key: what the lines are, in their colours.
        title: written above, folded where it is wider than the figure.
        empty: written where there are no images.

    Raises:
        ValueError: the images have another shape.
    """
    if images.ndim != 4 or 0 in images.shape[1:]:
        raise ValueError(f"Expected images of the shape (n, height, width, channels). Received: {images.shape}")
    images = visible(images)
    columns = min(len(images), max(COLUMNS, math.ceil(math.sqrt(len(images)))))
    rows = math.ceil(len(images) / columns) if columns else 0
    scale = TILE / max(images.shape[1:3])
    tile_height, tile_width = images.shape[1] * scale, images.shape[2] * scale
    caption = style.inches(style.SMALL, len(captions[0]) if captions else 0) + 0.04
    grid_width = columns * (CAPTION + GAP) + GAP
    width = max(grid_width, LEAST_WIDTH)
    heading = style.fold(title, width - 2 * GAP, style.TITLE)
    top = GAP + style.inches(style.TITLE, len(heading)) + style.inches(style.SMALL) + GAP
    height = top + (rows * (tile_height + caption + GAP) if rows else 0.8) + GAP / 2

    figure = style.new_figure(width, height)
    style.add_title(figure, heading, GAP)
    if not rows:
        figure.text(0.5, 0.4 / height, empty, size=style.LABEL, color=style.GREY, ha="center", va="center")
        return figure
    _add_key(figure, key, top - GAP - style.inches(style.SMALL))

    boxes = []  # of the images, from the upper left corner in inches
    for number in range(len(images)):
        row, column = divmod(number, columns)
        left = (width - grid_width) / 2 + GAP + column * (CAPTION + GAP)
        boxes.append((left + (CAPTION - tile_width) / 2, top + row * (tile_height + caption + GAP)))
    _add_mosaic(figure, images, boxes, (tile_width, tile_height))
    for (left, upper), lines in zip(boxes, captions, strict=True):
        middle = (left + tile_width / 2) / width
        for number, (line, color) in enumerate(lines):
            below = upper + tile_height + 0.04 + style.inches(style.SMALL, number)
            figure.text(
                middle, 1 - below / height, line, size=style.SMALL, color=color, ha="center", va="top", parse_math=False
            )
    return figure


def with_share(text: str, share: float) -> str:
    """`text (93%)`, where `text` is shortened to fit below an image."""
    ending = f" ({share:.0%})"
    return style.shorten(text, CAPTION - style.text_width(ending, style.SMALL), style.SMALL) + ending


def _add_key(figure: Figure, key: Sequence[Line], top: float) -> None:
    """Say what the lines below each image are, in their colours."""
    width, height = figure.get_size_inches()
    gap = 0.2
    left = (width - gap - sum(style.text_width(text, style.SMALL) for text, _ in key)) / 2
    for text, color in key:
        figure.text(left / width, 1 - top / height, text, size=style.SMALL, color=color, ha="left", va="top")
        left += style.text_width(text, style.SMALL) + gap


def _add_mosaic(
    figure: Figure, images: NDArray[np.uint8], boxes: list[tuple[float, float]], size: tuple[float, float]
) -> None:
    """Draw all images as one, pixel for pixel: many times faster than axes for each."""
    from PIL import Image

    across, down = (round(inches * figure.dpi) for inches in figure.get_size_inches())
    tile_width, tile_height = (max(1, round(inches * figure.dpi)) for inches in size)
    enlarged = tile_height >= images.shape[1]
    resampling = Image.Resampling.NEAREST if enlarged else Image.Resampling.BOX
    mosaic = np.full((down, across, 4), 255, dtype=np.uint8)
    for image, (left, top) in zip(images, boxes, strict=True):
        gray = image.shape[2] == 1
        tile = Image.fromarray(image[:, :, 0] if gray else image).convert("RGBA")
        x, y = round(left * figure.dpi), round(top * figure.dpi)
        mosaic[y : y + tile_height, x : x + tile_width] = tile.resize((tile_width, tile_height), resampling)
    figure.add_artist(_pixels(mosaic))


def _pixels(image: NDArray[np.uint8]) -> Artist:
    """What covers the whole figure with `image` as it is: matplotlib's own image artists resample every pixel."""
    from matplotlib.artist import Artist

    class Pixels(Artist):
        def draw(self, renderer: RendererBase) -> None:
            renderer.draw_image(renderer.new_gc(), 0, 0, image[::-1])  # Agg counts rows from below

    return Pixels()
