"""How long a training will take, from how long those like it took on this machine."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from eyechart.config import Config
from eyechart.runs.listing import passing_over
from eyechart.runs.machine import machine_tags
from eyechart.runs.run import Run
from eyechart.runs.tags import MACHINE

# of what is recorded of a run, what its speed does not depend on, or hardly
INDIFFERENT = (
    "code.",
    "limit_order",
    "seed",
    "schedule",
    "optimizer.",
    "callbacks.",
    "trainer.epochs",
    "trainer.split_seed",
)


class PastDurations:
    """The speed of every run that has been finished on this machine.

    Args:
        together: of those that were trained together with others, each by its share; else of those trained alone.
    """

    def __init__(self, *, together: bool = False) -> None:
        here = machine_tags()[MACHINE]
        self._seconds_per_epoch: dict[frozenset[tuple[str, str]], list[float]] = {}
        for run in Run.all():
            with passing_over():
                if not run.finished or run.tags.get(MACHINE) != here or ("members" in run.result) != together:
                    continue
                result = run.numbers("seconds", "epochs")
                seconds = result["seconds"] / max(result["epochs"], 1)
                self._seconds_per_epoch.setdefault(_likeness(run.params), []).append(seconds)

    def expected_seconds(self, config: Config, epochs: int) -> float | None:
        """How long so many epochs will take: as in the median of the runs like it; None if there is none.

        Runs are alike if they differ only in what hardly changes an epoch's time (`INDIFFERENT`).
        """
        known = self._seconds_per_epoch.get(_likeness(config.parameters()))
        return None if known is None else epochs * statistics.median(known)


def _likeness(parameters: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((name, str(value)) for name, value in parameters.items() if not name.startswith(INDIFFERENT))
