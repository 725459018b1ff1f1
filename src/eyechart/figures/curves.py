"""Loss and accuracy over the epochs of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eyechart.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES = (("train", style.BLUE), ("validation", style.VERMILLION))
MOST_EPOCHS_WITH_DOTS = 25
PANEL = (3.4, 2.5)  # inches: width and height of one pair of axes
LEFT, RIGHT, BELOW, EDGE = 0.7, 0.15, 0.5, 0.1  # inches


def learning_curves(history: pd.DataFrame, best_epoch: int | None, title: str = "learning curves") -> Figure:
    """Loss and accuracy side by side, training and validation in each, with the best epoch marked.

    Args:
        history: a row per epoch, with the columns `epoch` (int), `train/loss`, `train/accuracy` and, if there was
            validation, `validation/loss`, `validation/accuracy`. A missing column has no line, a NaN no point.
        best_epoch: the epoch whose state was kept; None marks none.
        title: written above, folded where it is wider than the figure.
    """
    from matplotlib.ticker import MaxNLocator

    width = 2 * (LEFT + PANEL[0] + RIGHT)
    heading = style.fold(title, width - 2 * EDGE, style.TITLE)
    legend = EDGE + style.inches(style.TITLE, len(heading))
    top = legend + style.inches(style.LABEL) + 0.12
    height = top + PANEL[1] + BELOW
    figure = style.new_figure(width, height)
    style.add_title(figure, heading, EDGE)

    for number, metric in enumerate(("loss", "accuracy")):
        axes = style.add_axes(figure, LEFT + number * width / 2, top, *PANEL)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color=style.PALE, linewidth=0.6)
        axes.set_axisbelow(True)
        _draw_lines(axes, history, metric, best_epoch)
        axes.set_xlabel("epoch", size=style.LABEL, color=style.INK)
        axes.set_ylabel(metric, size=style.LABEL, color=style.INK)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
        style.leave_room(axes, history["epoch"].to_numpy())
    style.add_legend(figure, axes, legend)
    return figure


def _draw_lines(axes: Axes, history: pd.DataFrame, metric: str, best_epoch: int | None) -> None:
    if best_epoch is not None:
        label = f"best epoch ({best_epoch})"
        axes.axvline(best_epoch, color=style.GREY, linewidth=1, linestyle=(0, (3, 2)), zorder=1, label=label)
    for part, color in LINES:
        if (column := f"{part}/{metric}") not in history:
            continue
        points = history[["epoch", column]].replace([np.inf, -np.inf], np.nan).dropna()
        dots = "o" if len(points) <= MOST_EPOCHS_WITH_DOTS else ""
        epochs, values = points["epoch"].to_numpy(), points[column].to_numpy(dtype=float)
        axes.plot(epochs, values, color=color, linewidth=1.5, marker=dots, markersize=3, label=part)
        at_best = epochs == best_epoch
        axes.plot(epochs[at_best], values[at_best], "o", color=color, markersize=6.5, markeredgecolor="white")
