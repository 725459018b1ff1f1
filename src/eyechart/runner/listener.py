"""The callback that brings the records of a training to its journal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eyechart.runs.courier import Courier
from eyechart.runs.journal import Journal

if TYPE_CHECKING:
    from eyechart.training.callback import EpochRecord
    from eyechart.training.member import Member


class JournalListener:
    """Writes each record, and the machine's load, to the journal.

    Args:
        journal: of the run.
        courier: told of it.
        load: the machine's load after an epoch; several runs that are trained together share one measurement.

    Attributes:
        history: one dictionary per epoch: `epoch` and the record's metrics.
    """

    def __init__(self, journal: Journal, courier: Courier, load: Callable[[int], dict[str, float]]):
        self._journal, self._courier, self._load = journal, courier, load
        self.history: list[dict[str, float]] = []

    def __call__(self, record: EpochRecord, member: Member) -> bool:  # noqa: D102
        self.history.append({"epoch": record.epoch, **record.metrics})
        metrics = {("epoch_seconds" if name == "seconds" else name): value for name, value in record.metrics.items()}
        self._journal.metrics(record.epoch, metrics | self._load(record.epoch))
        self._courier.tell(self._journal.folder)
        return False

    def state(self) -> dict[str, Any]:  # noqa: D102
        return {"history": json.dumps(self.history)}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: D102
        self.history = json.loads(str(state["history"]))
