"""How much of an image must be read?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eyechart.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LINES = (("validation", style.VERMILLION), ("test", style.BLUE))
PANEL = (5.2, 3.0)  # inches: width and height of the axes
LEFT, RIGHT, BELOW, EDGE = 0.7, 0.2, 0.5, 0.1  # inches


def accuracy_by_step(table: pd.DataFrame, title: str = "accuracy by steps read") -> Figure:
    """The accuracy of a network that answers after each time step, against the number of steps that it has read.

    Args:
        table: a row per time step, with the columns `step` (int, from 1), `test` and, if there was validation,
            `validation` (float, 0 to 1).
        title: written above, folded where it is wider than the figure.
    """
    from matplotlib.ticker import MaxNLocator

    width = LEFT + PANEL[0] + RIGHT
    heading = style.fold(title, width - 2 * EDGE, style.TITLE)
    top = EDGE + style.inches(style.TITLE, len(heading)) + 0.12
    figure = style.new_figure(width, top + PANEL[1] + BELOW)
    style.add_title(figure, heading, EDGE)
    axes = style.add_axes(figure, LEFT, top, *PANEL)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=style.PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    steps = table["step"].to_numpy()
    for part, color in LINES:
        if part in table:
            axes.plot(steps, table[part].to_numpy(dtype=float), color=color, linewidth=1.5, label=part)
    accuracies = table["test"].to_numpy(dtype=float)
    enough = int(steps[np.argmax(accuracies >= 0.9 * accuracies.max())])
    dashes = (0, (3, 2))
    axes.axvline(enough, color=style.GREY, linewidth=1, linestyle=dashes, zorder=1, label=f"{enough}: 90% of the best")
    axes.set_xlabel("time steps read", size=style.LABEL, color=style.INK)
    axes.set_ylabel("accuracy", size=style.LABEL, color=style.INK)
    axes.set_ylim(0, 1)
    axes.set_xlim(min(1, steps.max() - 1), max(2, steps.max()))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axes.legend(loc="upper left", fontsize=style.LABEL, labelcolor=style.INK, frameon=False)
    return figure
