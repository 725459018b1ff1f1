"""What filters do that nobody trained, the Gaussian and its gradient (document 003): smooth, blur, find edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.core.pictures import visible
from eyechart.figures import style
from eyechart.figures.tiles import BAR, GRAY, Scale, add_scale, add_tiles, tile_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TILE = 1.3  # inches: the longer side of an image
ROOM = TILE + sum(BAR) + 0.06  # inches: of an image and its scale
PLOT = 1.5  # inches: the height of the curves
LEFT, BETWEEN, EDGE = 0.45, 0.5, 0.12  # inches: left of a plot, below one, and around everything
POINTS = 15  # of the document's Gaussian, for signals and large images
FEWEST_POINTS = 5  # with less, almost all of the weight lies on one point

Array = NDArray[np.float64]


def fixed_filters(image: NDArray[np.uint8], title: str) -> Figure:
    """A page in two rows: a signal and the Gaussian that smooths it; an image, blurred, and its edges.

    The signal is a random walk of 200 steps, the Gaussian has 15 points. For the image it has fewer, see
    `points_for`; its scales are 0 to 255, and as far to either side of 0 where there is a sign.

    Args:
        image: uint8 (height, width, channels), shown as `visible` makes it.
        title: written above, folded where it is wider than the figure.

    Raises:
        ValueError: the image has another shape.
    """
    if image.ndim != 3 or 0 in image.shape:
        raise ValueError(f"Expected an image of the shape (height, width, channels). Received: {image.shape}")
    image = visible(image)
    width = EDGE + 5 * ROOM
    heading = style.fold(title, width - 2 * EDGE, style.TITLE)
    plots = EDGE + style.inches(style.TITLE, len(heading)) + style.inches(style.LABEL) + 0.14
    images = plots + PLOT + BETWEEN + style.inches(style.LABEL)
    figure = style.new_figure(width, images + TILE + style.inches(style.SMALL) + EDGE)
    style.add_title(figure, heading, EDGE)

    line = gaussian()
    axes = _plot(figure, EDGE + LEFT, plots, 2 * ROOM - LEFT - 0.3, f"the Gaussian, {len(line)} points", "point")
    axes.plot(np.arange(1, len(line) + 1), line, "o-", color=style.BLUE, linewidth=1.5, markersize=3)
    axes.set_ylim(0, None)
    signal = random_walk()
    left = EDGE + 2 * ROOM + LEFT
    axes = _plot(figure, left, plots, width - left - EDGE, "a signal, and the signal smoothed by it", "step")
    axes.plot(signal, color=style.GREY, linewidth=0.9, label="signal")
    axes.plot(smooth(signal), color=style.VERMILLION, linewidth=1.5, label="smoothed")
    axes.legend(fontsize=style.SMALL, labelcolor=style.INK, frameon=False, loc="best", borderpad=0.2)

    points = points_for(*image.shape[:2])
    blurred = blur(image).round().clip(0, 255).astype(np.uint8)
    pictures: list[tuple[str, NDArray[np.generic], Scale]] = [
        ("an image", image, GRAY),
        (f"the Gaussian, {points}×{points}", kernel := gaussian_2d(points), Scale.of(kernel)),
        ("the image blurred by it", blurred, GRAY),
        (f"its gradient, {points}×{points}", slope := gradient_2d(points), Scale.signed(slope)),
        ("the edges that it finds", found := edges(image), Scale.signed(found)),
    ]
    for number, (name, picture, scale) in enumerate(pictures):
        left = EDGE + number * ROOM
        high, wide = tile_size(picture.shape, TILE)
        _name(figure, name, left + TILE / 2, images)
        tile = picture[..., 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
        x, y = left + (TILE - wide) / 2, images + (TILE - high) / 2
        add_tiles(figure, [tile], 1, x, y, (high, wide), scale)
        if tile.ndim == 2:  # colours are what they are
            add_scale(figure, scale, left + TILE, images, TILE)
    across, down = figure.get_size_inches()
    below = images + TILE + 0.04
    figure.text(
        (EDGE + 4 * ROOM + TILE / 2) / across,
        1 - below / down,
        "red: darker to the right",
        size=style.SMALL,
        color=style.INK,
        ha="center",
        va="top",
    )
    return figure


def _plot(figure: Figure, left: float, top: float, width: float, name: str, below: str) -> Axes:
    axes = style.add_axes(figure, left, top, width, PLOT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=style.PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(below, size=style.SMALL, color=style.INK, labelpad=2)
    _name(figure, name, left + width / 2, top)
    return axes


def _name(figure: Figure, name: str, middle: float, top: float) -> None:
    """Write what a panel shows above it."""
    across, down = figure.get_size_inches()
    above = 1 - (top - 0.05) / down
    figure.text(middle / across, above, name, size=style.LABEL, color=style.INK, ha="center", va="bottom")


def random_walk(steps: int = 200, seed: int = 2) -> Array:
    """A signal to smooth: the cumulative sum of standard normal numbers, float64 (steps,)."""
    return np.cumsum(np.random.RandomState(seed).normal(size=steps))


def gaussian(points: int = POINTS) -> Array:
    """exp(-x²) at so many points of -2 to 2, with the sum 1: float64 (points,)."""
    values = np.exp(-(np.linspace(-2, 2, points) ** 2))
    return np.asarray(values / values.sum())


def points_for(height: int, width: int) -> int:
    """How many points a Gaussian for an image of this size has: an odd number, about a sixth of the shorter side.

    The document's 15 points suit its picture of 600 pixels; they would leave a smudge of a digit of 28 pixels, which
    gets 5. Never less than 5, nor more than 15.
    """
    return int(np.clip(2 * (min(height, width) // 12) + 1, FEWEST_POINTS, POINTS))


def gaussian_2d(points: int) -> Array:
    """The Gaussian in both directions, float64 (points, points)."""
    line = gaussian(points)
    return np.asarray(np.outer(line, line))


def gradient_2d(points: int) -> Array:
    """The Gaussian convolved with [-1, 1]: float64 (points, points), much like Sobel's filter."""
    from scipy.ndimage import convolve

    return np.asarray(convolve(gaussian_2d(points), np.array([[-1.0, 1.0]])))


def smooth(signal: Array) -> Array:
    """A signal (n,) convolved with the Gaussian of 15 points, float64 (n,); it is mirrored at its ends."""
    from scipy.ndimage import convolve

    return np.asarray(convolve(signal, gaussian()))


def blur(image: NDArray[np.uint8]) -> Array:
    """An image (height, width, channels) convolved with a Gaussian of its size, float64 of the same shape."""
    from scipy.ndimage import convolve

    kernel = gaussian_2d(points_for(*image.shape[:2]))
    return np.asarray(convolve(image.astype(np.float64), kernel[:, :, np.newaxis]))


def edges(image: NDArray[np.uint8]) -> Array:
    """The mean of an image's channels convolved with the gradient of its size: float64 (height, width).

    Positive where the image gets darker to the right, negative where it gets brighter.
    """
    from scipy.ndimage import convolve

    return np.asarray(convolve(image.mean(axis=2), gradient_2d(points_for(*image.shape[:2]))))
