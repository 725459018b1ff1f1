"""How many of the known images are detected, over the false alarms per image (free-response ROC): a curve per row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eyechart.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL = (5.2, 3.0)  # inches: width and height of the axes
LEFT, RIGHT, BELOW, EDGE = 0.7, 0.2, 0.5, 0.1  # inches
COLOURS = (style.BLUE, style.VERMILLION, style.GREEN, "#CC79A7", "#E69F00", "#56B4E9")  # further ones are gray
MARKS = "os^Dv<"

Interval = tuple[float, float, float]


@dataclass(frozen=True)
class Curve:
    """What one row detects, from several probabilities on.

    Attributes:
        name: of the row.
        false_alarms: per image at each probability: mean, and the ends of its interval.
        recall: likewise, from 0 to 1.
    """

    name: str
    false_alarms: Sequence[Interval]
    recall: Sequence[Interval]


def false_alarms(curves: Sequence[Curve], probabilities: Sequence[float], title: str) -> Figure:
    """A line per row through its points, one for each probability, with the intervals as bars both ways.

    Args:
        curves: the rows; those beyond six are gray.
        probabilities: of the points, ascending.
        title: written above, folded where it is wider than the figure.
    """
    width = LEFT + PANEL[0] + RIGHT
    heading = style.fold(title, width - 2 * EDGE, style.TITLE)
    legend = EDGE + style.inches(style.TITLE, len(heading))
    top = legend + style.inches(style.LABEL, len(curves)) + 0.12
    figure = style.new_figure(width, top + PANEL[1] + BELOW + style.inches(style.SMALL))
    style.add_title(figure, heading, EDGE)
    axes = style.add_axes(figure, LEFT, top, *PANEL)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=style.PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    across, down = figure.get_size_inches()
    for number, curve in enumerate(curves):
        colour, mark = (COLOURS[number], MARKS[number]) if number < len(COLOURS) else (style.GREY, ".")
        alarms, recall = np.array(curve.false_alarms), np.array(curve.recall)
        bars = [np.abs(values[:, 1:] - values[:, :1]).T for values in (alarms, recall)]
        axes.errorbar(
            alarms[:, 0],
            recall[:, 0],
            xerr=bars[0],
            yerr=bars[1],
            color=colour,
            marker=mark,
            markersize=4,
            linewidth=1.3,
            elinewidth=0.5,
        )
        y = 1 - (legend + style.inches(style.LABEL, number)) / down
        name = style.shorten(curve.name, PANEL[0] - 0.3, style.LABEL)
        figure.text((LEFT + 0.2) / across, y, name, size=style.LABEL, color=style.INK, va="top", parse_math=False)
        figure.text(LEFT / across, y, "●■▲◆▼◀"[number] if number < 6 else "•", size=style.LABEL, color=colour, va="top")
    ends = np.array([[end for end, *_ in curve.false_alarms] for curve in curves])
    axes.set_xlim(0, max(1.5 * ends.max(), 0.1))  # a bar may leave the picture, and must not press the points together
    axes.set_ylim(max(axes.get_ylim()[0], -0.02), min(axes.get_ylim()[1], 1.02))
    axes.set_xlabel("false alarms per image", size=style.LABEL, color=style.INK)
    axes.set_ylabel("recall", size=style.LABEL, color=style.INK)
    points = ", ".join(f"{probability:g}" for probability in probabilities)
    note = f"points, from right to left: probability {points} or more; bars: 95% intervals"
    figure.text(LEFT / across, 0.04 / down, note, size=style.SMALL, color=style.GREY, va="bottom")
    return figure
