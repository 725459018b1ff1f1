"""The confusion matrix as a heat map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eyechart.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

MOST_CLASSES_WITH_COUNTS = 20
SIDE = (2.6, 9.0)  # inches: least and most of the matrix itself
NAME = 1.3  # inches: longer class names are shortened
SMALLEST = 4.8  # points: names that would be smaller are left out, evenly
EDGE = 0.1  # inches of white around everything


def confusion_matrix(counts: NDArray[np.integer], class_names: Sequence[str], title: str) -> Figure:
    """A heat map of the share of each true class that was given each class.

    The counts stand in the cells of up to 20 classes, zeros as empty cells; more classes have a colour scale that
    spreads the small shares. The row of a class without images is grey. Of more than 100 classes only every second,
    third, ... name is written.

    Args:
        counts: (K, K) integers, rows true and columns predicted.
        class_names: K names.
        title: written above, folded where it is wider than the figure.

    Raises:
        ValueError: `counts` is not (K, K) for K names.
    """
    from matplotlib.colors import PowerNorm

    classes = len(class_names)
    if classes < 1 or counts.shape != (classes, classes):
        raise ValueError(f"Expected counts of the shape ({classes}, {classes}). Received: {counts.shape}")

    count_width = style.text_width(str(counts.max()), style.SMALL) + 0.12
    with_counts = classes <= MOST_CLASSES_WITH_COUNTS
    side = float(np.clip(classes * max(0.4, count_width) if with_counts else classes * 0.12, *SIDE))
    cell = side / classes
    size = float(np.clip(cell * 72 / style.LINE_HEIGHT, SMALLEST, style.SMALL))
    every = math.ceil(style.inches(size) / cell - 0.01)  # a step of 1 writes every name
    names = [style.shorten(name, NAME, size) for name in class_names]
    name_width = style.widest(names, size)
    upright = name_width > cell * every - 0.06  # too wide to stand beside each other

    left = EDGE + style.inches(style.LABEL) + name_width + 0.1
    bar = (0.15, 0.13, 0.75)  # inches: gap, width, and room for its ticks and label
    width = left + side + sum(bar)
    heading = style.fold(title, width - 2 * EDGE, style.TITLE)
    top = EDGE + style.inches(style.TITLE, len(heading)) + 0.08
    below = (name_width if upright else style.inches(size)) + 0.1
    height = top + side + below + style.inches(style.LABEL) + EDGE

    figure = style.new_figure(width, height)
    style.add_title(figure, heading, EDGE)
    axes = style.add_axes(figure, left, top, side, side)
    shares = _row_shares(counts)
    # among many classes each mistake has a small share: the square root gives it a colour that can be seen
    norm = PowerNorm(1 if with_counts else 0.5, vmin=0, vmax=1)
    mesh = axes.pcolormesh(shares, cmap=_colours(), norm=norm)
    axes.set(xlim=(0, classes), ylim=(classes, 0))
    axes.tick_params(length=2.5 if every > 1 or not with_counts else 0, pad=2)
    axes.set_xticks(
        np.arange(0, classes, every) + 0.5,
        names[::every],
        size=size,
        rotation=90 if upright else 0,
        parse_math=False,
    )
    axes.set_yticks(np.arange(0, classes, every) + 0.5, names[::every], size=size, parse_math=False)
    across, down = figure.get_size_inches()
    middle = 1 - (top + side / 2) / down
    label: dict[str, Any] = {"size": style.LABEL, "color": style.INK}
    figure.text(EDGE / across, middle, "true class", rotation=90, ha="left", va="center", **label)
    figure.text((left + side / 2) / across, EDGE / down, "predicted class", ha="center", va="bottom", **label)
    if with_counts:
        axes.hlines(range(1, classes), 0, classes, color="white", linewidth=0.8)
        axes.vlines(range(1, classes), 0, classes, color="white", linewidth=0.8)
        _write_counts(axes, counts, shares, min(style.SMALL, style.SMALL * (cell - 0.04) / (count_width - 0.12)))

    scale = style.add_axes(figure, left + side + bar[0], top, bar[1], side)
    colorbar = figure.colorbar(mesh, cax=scale)
    colorbar.outline.set(color=style.GREY, linewidth=0.6)
    colorbar.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["0%", "25%", "50%", "75%", "100%"])
    colorbar.set_label("share of the true class", **label)
    return figure


def _row_shares(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """Each row divided by its sum; NaN in the rows of classes without images."""
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.full(counts.shape, np.nan)
    np.divide(counts, totals, out=shares, where=totals > 0)
    return shares


def _colours() -> Colormap:
    import matplotlib

    return matplotlib.colormaps[style.SHARES].with_extremes(bad=style.PALE)


def _write_counts(axes: Axes, counts: NDArray[np.integer], shares: NDArray[np.float64], size: float) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if shares[row, column] > 0.5 else style.INK
            axes.text(column + 0.5, row + 0.5, str(count), size=size, color=color, ha="center", va="center_baseline")
