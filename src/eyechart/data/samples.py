"""A picture of a data set: some images of every class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

COLUMNS = 12
MARGIN = 2  # pixels between images


def draw_samples(
    path: Path,
    *,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[Any],
    order: npt.NDArray[np.int64],
    class_names: list[str],
) -> None:
    """Write a PNG with a row of images per class, the class's name at its left.

    Args:
        path: the file to write; the same arguments give the same bytes.
        images: uint8, (n, height, width, channels).
        labels: integers, (n,).
        order: a permutation of 0 ... n - 1; each class's first images in this order are shown.
        class_names: the name of class 0, 1, ...
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    _, height, width, channels = images.shape
    step = height + MARGIN, width + MARGIN
    sheet = np.full((len(class_names) * step[0] - MARGIN, COLUMNS * step[1] - MARGIN, channels), 255, np.uint8)
    ordered = labels[order]
    for row in range(len(class_names)):
        for column, index in enumerate(order[ordered == row][:COLUMNS]):
            top, left = row * step[0], column * step[1]
            sheet[top : top + height, left : left + width] = images[index]
    # the sheet is shown in whole screen pixels per image pixel, beside a strip for the names
    dpi, names = 100, 0.11 * max(map(len, class_names)) + 0.3
    zoom = max(1, round(56 / height))
    size = sheet.shape[1] * zoom / dpi + names + 0.1, sheet.shape[0] * zoom / dpi + 0.2
    figure = Figure(figsize=size, dpi=dpi)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((names / size[0], 0.1 / size[1], (size[0] - names - 0.1) / size[0], 1 - 0.2 / size[1]))
    shown = sheet if channels in (3, 4) else sheet[..., 0]
    axes.imshow(shown, cmap="gray" if channels == 1 else None, vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    axes.set_xticks([])
    axes.set_yticks([row * step[0] + (height - 1) / 2 for row in range(len(class_names))], class_names, fontsize=12)
    axes.tick_params(left=False)
    axes.spines[:].set_visible(False)
    figure.savefig(path, format="png", metadata={"Software": None})  # else the bytes would name matplotlib's version
