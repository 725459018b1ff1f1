"""The consumer that brings the records of a training to its journal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eyechart.tracking.courier import Courier
from eyechart.tracking.journal import Journal
from eyechart.tracking.machine import system_metrics

if TYPE_CHECKING:
    from eyechart.training.backend import Engine
    from eyechart.training.records import Record


class JournalListener:
    """Writes each record, and the machine's load, to the journal.

    Attributes:
        history: one dictionary per epoch: `epoch` and the record's metrics.
    """

    def __init__(self, journal: Journal, courier: Courier):
        self._journal, self._courier = journal, courier
        self.history: list[dict[str, float]] = []

    def __call__(self, record: Record, engine: Engine) -> bool:  # noqa: D102
        self.history.append({"epoch": record.epoch, **record.metrics})
        metrics = {("epoch_seconds" if name == "seconds" else name): value for name, value in record.metrics.items()}
        self._journal.metrics(record.epoch, metrics | system_metrics())
        self._courier.tell(self._journal.folder)
        return False

    def state(self) -> dict[str, Any]:  # noqa: D102
        return {"history": json.dumps(self.history)}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: D102
        self.history = json.loads(str(state["history"]))
