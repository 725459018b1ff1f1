"""A picture of a data set: some images of every class."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyechart.core.pictures import visible

COLUMNS = 12
ROWS = 50  # of more classes the first are shown: a picture of hundreds would be too high to look at
MARGIN = 2  # pixels between images
LARGE = 96  # pixels; of higher or wider images every second, third, ... is shown
NAME = 40  # characters


def draw_samples(
    path: Path,
    *,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[Any],
    order: npt.NDArray[np.int64],
    class_names: list[str],
) -> None:
    """Write a PNG with a row of images for each of the first `ROWS` classes, the class's name at its left.

    Args:
        path: the file to write; the same arguments give the same bytes.
        images: uint8, (n, height, width, channels).
        labels: integers, (n,).
        order: a permutation of 0 ... n - 1; each class's first images in this order are shown.
        class_names: the name of class 0, 1, ...
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name if len(name) <= NAME else f"{name[: NAME - 1]}…" for name in class_names[:ROWS]]
    every = -(-max(images.shape[1:3]) // LARGE)
    images = visible(images[:, ::every, ::every])
    _, height, width, channels = images.shape
    step = height + MARGIN, width + MARGIN
    sheet = np.full((len(names) * step[0] - MARGIN, COLUMNS * step[1] - MARGIN, channels), 255, np.uint8)
    ordered = labels[order]
    for row in range(len(names)):
        for column, index in enumerate(order[ordered == row][:COLUMNS]):
            top, left = row * step[0], column * step[1]
            sheet[top : top + height, left : left + width] = images[index]
    # the sheet is shown in whole screen pixels per image pixel, beside a strip for the names
    dpi, strip = 100, 0.11 * max(map(len, names)) + 0.3
    zoom = max(1, round(56 / height))
    size = sheet.shape[1] * zoom / dpi + strip + 0.1, sheet.shape[0] * zoom / dpi + 0.2
    figure = Figure(figsize=size, dpi=dpi)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((strip / size[0], 0.1 / size[1], (size[0] - strip - 0.1) / size[0], 1 - 0.2 / size[1]))
    shown = sheet if channels == 3 else sheet[..., 0]
    axes.imshow(shown, cmap="gray" if channels == 1 else None, vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    axes.set_xticks([])
    middles = [row * step[0] + (height - 1) / 2 for row in range(len(names))]
    axes.set_yticks(middles, names, fontsize=12, parse_math=False)
    axes.tick_params(left=False)
    axes.spines[:].set_visible(False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a letter that matplotlib's font lacks: a box stands for it
        figure.savefig(path, format="png", metadata={"Software": None})  # else the bytes would name its version
