"""Listeners to a run's records that change its course: the best weights, and stopping early."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from eyechart.training.callback import EpochRecord
from eyechart.training.member import Member


def improvement(metric: str, value: float, best: float) -> float:
    """By how much `value` is better than `best`: for a loss the lower is, for an accuracy the higher."""
    return best - value if metric.endswith("loss") else value - best


class EarlyStopping:
    """Keeps the weights of the best epoch, and stops when no epoch has been better for a while.

    Args:
        monitor: the metric that decides, as `validation/accuracy`; None: the last epoch counts as the best.
        patience: stop after so many epochs without improvement; None: never.
        min_delta: what counts as an improvement when deciding to stop. The best epoch needs no minimum.
    """

    def __init__(self, monitor: str | None, patience: int | None = None, min_delta: float = 0.0):
        self.monitor, self.patience, self.min_delta = monitor, patience, min_delta
        self.epoch = 0
        self.value = math.nan
        self.weights: dict[str, np.ndarray] = {}
        self._reference = math.nan  # the value that the next improvement is measured from
        self._waited = 0

    def __call__(self, record: EpochRecord, member: Member) -> bool:  # noqa: D102
        if self.monitor is None:
            self.epoch = record.epoch
            return False
        value = record.metrics[self.monitor]
        number = not math.isnan(value)  # a run may diverge, and any number is better than none
        if self.epoch == 0 or (number and math.isnan(self.value)) or improvement(self.monitor, value, self.value) > 0:
            self.weights = member.weights()
            self.epoch, self.value = record.epoch, value
        first = number and math.isnan(self._reference)
        if first or improvement(self.monitor, value, self._reference) > self.min_delta:
            self._reference, self._waited = value, 0
        else:
            self._waited += 1
        return self.exhausted

    @property
    def exhausted(self) -> bool:
        """Whether no epoch has been better for too long; still known after an interruption."""
        return self.patience is not None and self._waited >= self.patience

    def state(self) -> dict[str, Any]:  # noqa: D102
        plain = {"epoch": self.epoch, "value": self.value, "reference": self._reference, "waited": self._waited}
        return plain | {f"weights/{name}": array for name, array in self.weights.items()}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: D102
        self.epoch, self.value = int(state["epoch"]), float(state["value"])
        self._reference, self._waited = float(state["reference"]), int(state["waited"])
        prefix = "weights/"
        self.weights = {name[len(prefix) :]: array for name, array in state.items() if name.startswith(prefix)}
