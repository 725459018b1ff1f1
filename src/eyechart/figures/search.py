"""What a search found: the trials in their order, and which parameter mattered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from eyechart.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PANEL = (5.2, 2.8)  # inches: width and height of the axes
LEFT, RIGHT, BELOW, EDGE = 0.8, 0.2, 0.5, 0.1  # inches
BAR, WIDEST_LABEL = 0.28, 2.6  # inches


def search_history(trials: pd.DataFrame, metric: str, *, maximize: bool) -> Figure:
    """The value of each trial and the best until then; a trial that was pruned is a cross at its last value.

    Args:
        trials: a row per trial, with the columns `trial` (int), `state` (`complete`, `pruned` or another, of which
            nothing is drawn) and `metric` (float). What is no finite number is not drawn.
        metric: the column, and what is written on the axis.
        maximize: whether a higher value is better.
    """
    from matplotlib.ticker import MaxNLocator

    width = LEFT + PANEL[0] + RIGHT
    heading = style.fold(f"{metric} of the trials of the search", width - 2 * EDGE, style.TITLE)
    legend = EDGE + style.inches(style.TITLE, len(heading))
    top = legend + style.inches(style.LABEL) + 0.12
    height = top + PANEL[1] + BELOW
    figure = style.new_figure(width, height)
    style.add_title(figure, heading, EDGE)
    axes = style.add_axes(figure, LEFT, top, *PANEL)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=style.PALE, linewidth=0.6)
    axes.set_axisbelow(True)

    values = trials[metric].to_numpy(dtype=float)
    numbers, states = trials["trial"].to_numpy(), trials["state"].to_numpy()
    complete = (states == "complete") & np.isfinite(values)
    pruned = (states == "pruned") & np.isfinite(values)
    if complete.any():
        best = (np.maximum if maximize else np.minimum).accumulate(values[complete])
        until = np.append(numbers[complete], numbers.max())
        steps = np.append(best, best[-1])
        axes.plot(until, steps, color=style.VERMILLION, linewidth=1.5, drawstyle="steps-post", label="best until then")
        axes.plot(numbers[complete], values[complete], "o", color=style.BLUE, markersize=4.5, label="complete")
    if pruned.any():
        axes.plot(numbers[pruned], values[pruned], "x", color=style.GREY, markersize=5, label="pruned")
    axes.set_xlabel("trial", size=style.LABEL, color=style.INK)
    axes.set_ylabel(metric, size=style.LABEL, color=style.INK)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
    style.leave_room(axes, numbers)
    style.add_legend(figure, axes, legend)
    return figure


def parameter_importance(shares: Mapping[str, float], metric: str, trials: int) -> Figure:
    """A bar per parameter: its share in what decides whether a trial is among the best.

    Args:
        shares: by the name of the parameter, which together are 1; drawn in this order.
        metric: what the trials are judged by.
        trials: how many the shares were computed from.
    """
    names = [style.shorten(name, WIDEST_LABEL, style.LABEL) for name in shares]
    values = list(shares.values())
    label = style.widest(names, style.LABEL) + 0.15
    room = style.text_width("100%", style.LABEL) + 0.15
    width = EDGE + label + PANEL[0] * 0.7 + room + EDGE
    count = f"{trials} complete trials"
    heading = style.fold(f"What decides {metric}, as far as {count} tell", width - 2 * EDGE, style.TITLE)
    top = EDGE + style.inches(style.TITLE, len(heading)) + 0.1
    figure = style.new_figure(width, top + BAR * len(names) + EDGE)
    style.add_title(figure, heading, EDGE)
    axes = style.add_axes(figure, EDGE + label, top, PANEL[0] * 0.7, BAR * len(names))
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    rows = range(len(names))
    axes.barh(rows, values, height=0.62, color=style.BLUE)
    for row, value in zip(rows, values, strict=True):
        axes.annotate(
            f"{value:.0%}",
            (value, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            size=style.LABEL,
            color=style.INK,
        )
    axes.set_yticks(list(rows), names, size=style.LABEL)
    for text in axes.get_yticklabels():
        text.set_parse_math(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    axes.set_xlim(0, 1)
    axes.set_ylim(len(names) - 0.5, -0.5)
    return figure
