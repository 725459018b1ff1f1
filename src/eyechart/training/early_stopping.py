"""Listeners to a run's records that change its course: the best weights, and stopping early."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from eyechart.training.callback import EpochRecord
from eyechart.training.member import Member, all_finite


def improvement(metric: str, value: float, best: float) -> float:
    """By how much `value` is better than `best`: for a loss the lower is, for an accuracy the higher."""
    return best - value if metric.endswith("loss") else value - best


class EarlyStopping:
    """Keeps the weights of the best epoch, and stops when no epoch has been better for a while, or when it diverged.

    Args:
        monitor: the metric that decides, as `validation/accuracy`; None: the last epoch counts as the best.
        patience: stop after so many epochs without improvement; None: never.
        min_delta: what counts as an improvement when deciding to stop. The best epoch needs no minimum.

    Attributes:
        epoch: the best one, never that in which it diverged; 0: there is none.
        value: of the monitored metric in that epoch.
        weights: after that epoch; empty: there is none.
        diverged: the epoch in which the network diverged; 0: in none.
    """

    def __init__(self, monitor: str | None, patience: int | None = None, min_delta: float = 0.0):
        self.monitor, self.patience, self.min_delta = monitor, patience, min_delta
        self.epoch = self.diverged = 0
        self.value = math.nan
        self.weights: dict[str, np.ndarray] = {}
        self._reference = math.nan  # the value that the next improvement is measured from
        self._waited = 0

    def __call__(self, record: EpochRecord, member: Member) -> bool:  # noqa: D102
        if record.diverged:
            self.diverged = record.epoch
            if not self.weights or not all_finite(self.weights):  # earlier versions kept none, or those that diverged
                self.give_up()
            return True
        if self.monitor is None:
            self.epoch, self.weights = record.epoch, member.weights()
            return False
        value = record.metrics[self.monitor]
        number = not math.isnan(value)  # any number is better than none
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
        """Whether it diverged, or no epoch has been better for too long; still known after an interruption."""
        return self.diverged > 0 or (self.patience is not None and self._waited >= self.patience)

    def give_up(self) -> None:
        """Take back what was thought the best epoch: with its weights the network gives no numbers."""
        self.diverged = self.diverged or self.epoch
        self.epoch, self.weights = 0, {}

    def state(self) -> dict[str, Any]:  # noqa: D102
        plain = {"epoch": self.epoch, "value": self.value, "reference": self._reference, "waited": self._waited}
        plain["diverged"] = self.diverged
        return plain | {f"weights/{name}": array for name, array in self.weights.items()}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: D102
        self.epoch, self.value = int(state["epoch"]), float(state["value"])
        self._reference, self._waited = float(state["reference"]), int(state["waited"])
        self.diverged = int(state.get("diverged", 0))  # earlier versions went on
        prefix = "weights/"
        self.weights = {name[len(prefix) :]: array for name, array in state.items() if name.startswith(prefix)}
