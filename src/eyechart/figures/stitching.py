"""How shifted passes of a network fill a map: as document 004 shows it, in letters."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING

import numpy as np

from eyechart.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 16  # passes that are shown
PANEL = 1.55  # inches: the longer side of a map
GAP, EDGE = 0.2, 0.14  # inches between neighbours, and around everything


def stitching(stride: tuple[int, int], window: tuple[int, int]) -> Figure:
    """A panel for each pass over an image of two strides more than the window: the map after it, its own answers blue.

    The passes are named a, b, c, ..., where there are more than 26 by numbers. Of more than 16 passes so many are
    shown, spread evenly from the first to the last, and the title says so.

    Args:
        stride: how far the answers of one pass lie apart, in rows and columns.
        window: height and width of the training images.
    """
    rows, columns = 2 * stride[0] + 1, 2 * stride[1] + 1
    shifts = [(i, j) for i in range(stride[0]) for j in range(stride[1])]
    shown = range(len(shifts)) if len(shifts) <= MOST else np.linspace(0, len(shifts) - 1, MOST).round().astype(int)
    size = f"{window[0] + 2 * stride[0]}×{window[1] + 2 * stride[1]}"
    passes = "one pass fills" if len(shifts) == 1 else f"{len(shifts)} passes over shifted images fill"
    title = f"how {passes} the map of an image of {size} pixels, in windows of {window[0]}×{window[1]}"
    if len(shifts) > MOST:
        title += f" ({MOST} of {len(shifts)} passes)"
    across = min(4, len(shown), max(stride[1], 1) if len(shifts) <= MOST else 4)
    down = -(-len(shown) // across)
    height, width = (PANEL * side / max(rows, columns) for side in (rows, columns))
    column = max(width, 1.5) + GAP
    row = height + style.inches(style.SMALL) + GAP
    total = max(across * column - GAP, 4.2) + 2 * EDGE
    heading = style.fold(title, total - 2 * EDGE, style.TITLE)
    top = EDGE + style.inches(style.TITLE, len(heading)) + style.inches(style.SMALL) + 0.16
    figure = style.new_figure(total, top + down * row - style.inches(style.SMALL) - GAP + EDGE)
    style.add_title(figure, heading, EDGE)
    first = (total - (across * column - GAP)) / 2

    letter = min(style.LABEL, 0.62 * 72 * height / rows)
    filled = np.full((rows, columns), -1)
    names = [ascii_lowercase[number] if len(shifts) <= 26 else str(number + 1) for number in range(len(shifts))]
    for number, (i, j) in enumerate(shifts):
        filled[i :: stride[0], j :: stride[1]] = number
        places = np.flatnonzero(np.asarray(shown) == number)
        if not len(places):
            continue
        line, place = divmod(int(places[0]), across)
        left = first + place * column + (column - GAP - width) / 2
        upper = top + line * row
        axes = style.add_axes(figure, left, upper, width, height)
        axes.set(xlim=(0, columns), ylim=(rows, 0), xticks=[], yticks=[])
        shades = np.ones((rows, columns, 3))
        shades[filled >= 0] = _rgb(style.PALE)
        shades[filled == number] = _rgb(style.BLUE)
        axes.imshow(shades, extent=(0, columns, rows, 0), aspect="auto", interpolation="nearest")
        axes.hlines(range(1, rows), 0, columns, color="white", linewidth=0.6)
        axes.vlines(range(1, columns), 0, rows, color="white", linewidth=0.6)
        for y, x in np.argwhere(filled >= 0):
            owner = filled[y, x]
            colour = "white" if owner == number else style.GREY
            axes.text(x + 0.5, y + 0.53, names[owner], size=letter, color=colour, ha="center", va="center")
        answers = f"{len(range(i, rows, stride[0]))}×{len(range(j, columns, stride[1]))}"
        name = f"{names[number]}: image[{i}:, {j}:], {answers}"
        middle, above = (left + width / 2) / total, 1 - (upper - 0.04) / figure.get_figheight()
        figure.text(middle, above, name, size=style.SMALL, color=style.INK, ha="center", va="bottom")
    return figure


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)
