"""The learning curves of many runs, laid over each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from eyechart.comparison.report import charts
from eyechart.comparison.report.gathering import BoardRun

METRICS = {
    "validation/accuracy": "validation accuracy",
    "train/accuracy": "training accuracy",
    "validation/loss": "validation loss",
    "train/loss": "training loss",
}
MOST = 200  # points of a line: more lie closer than can be seen


def learning_curves(rows: Sequence[charts.ChartRow], runs: Sequence[BoardRun]) -> dict[str, charts.Spec]:
    """A chart per metric that some run has, by the metric's name."""
    found = {}
    for metric, title in METRICS.items():
        lines, means, best = [], [], []
        for row in reversed(rows):  # what is drawn last lies above the rest
            known = [
                (run, run.history.set_index("epoch")[metric])
                for run in runs
                if run.row == row.position and run.history is not None and metric in run.history
            ]
            for run, series in known:
                lines.append(row.datum(seed=run.seed, alone=len(known) == 1, **_line(series)))
                value = series.to_dict().get(run.best_epoch, math.nan)
                if math.isfinite(value):
                    best.append(row.datum(seed=run.seed, epoch=run.best_epoch, value=_short(value)))
            if len(known) > 1:
                of_all = pd.concat([series for _, series in known], axis=1, join="inner").mean(axis=1, skipna=False)
                means.append(row.datum(of=f"mean of {len(known)} seeds", **_line(of_all)))
        if lines:
            found[metric] = charts.curves(title, lines, means, best)
    return found


def _line(series: pd.Series[float]) -> dict[str, list[Any]]:
    """The points of a line, thinned out where there are many; the last one stays."""
    step = max(math.ceil(len(series) / MOST), 1)
    kept = series.iloc[::-step].iloc[::-1]
    return {"epoch": [int(epoch) for epoch in kept.index], "value": [_short(value) for value in kept]}


def _short(value: float) -> float | None:
    return float(f"{value:.4g}") if np.isfinite(value) else None  # JSON knows no NaN: the line has a gap there
