"""How long a training will take, from how long those like it took on this machine."""

from __future__ import annotations

import statistics
from typing import Any

from eyechart.config import Config
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.runs.journal import ending, read_journal
from eyechart.runs.machine import machine_tags
from eyechart.runs.tags import MACHINE

# of what is recorded of a run, what its speed does not depend on, or hardly
INDIFFERENT = ("seed", "schedule", "optimizer.", "callbacks.", "trainer.epochs", "trainer.split_seed")


class PastDurations:
    """The speed of every run that has been finished on this machine.

    Args:
        together: of those that were trained together with others, each by its share; else of those trained alone.
    """

    def __init__(self, *, together: bool = False) -> None:
        here = machine_tags()[MACHINE]
        self._seconds_per_epoch: dict[frozenset[tuple[str, str]], list[float]] = {}
        for folder in paths.runs().glob("*"):
            try:
                records = read_journal(folder)
            except EyechartError:
                continue  # told of where it is needed
            tags: dict[str, str] = {}
            parameters: dict[str, Any] = {}
            for record in records:
                if record["kind"] == "tags":
                    tags |= record["values"]
                elif record["kind"] == "params":
                    parameters = record["values"]
            end = ending(records)
            if end is None or end["status"] != "FINISHED" or ("members" in end["result"]) != together:
                continue
            if tags.get(MACHINE) == here:
                seconds = end["result"]["seconds"] / end["result"]["epochs"]
                self._seconds_per_epoch.setdefault(_likeness(parameters), []).append(seconds)

    def expected_seconds(self, config: Config, epochs: int) -> float | None:
        """How long so many epochs will take: as in the median of the runs like it; None if there is none.

        Runs are alike that differ only in seed, learning rate and other values that an epoch takes no longer for.
        """
        known = self._seconds_per_epoch.get(_likeness(config.parameters()))
        return None if known is None else epochs * statistics.median(known)


def _likeness(parameters: dict[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((name, str(value)) for name, value in parameters.items() if not name.startswith(INDIFFERENT))
