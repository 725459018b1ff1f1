"""What training says after each epoch, and who may listen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from eyechart.training.member import Member


@dataclass(frozen=True)
class EpochRecord:
    """The result of one epoch.

    Args:
        epoch: counted from 1.
        metrics: `train/loss`, `train/accuracy`, where images are held back `validation/loss` and
            `validation/accuracy`, and `seconds` (of the epoch, validation included; where several members are
            trained together, an equal share). Of a model that answers after each time step these are of the last
            answer; `validation/accuracy_over_steps` is the mean over all.
        diverged: whether the network, as this epoch left it, gives no numbers any more.
    """

    epoch: int
    metrics: dict[str, float] = field(default_factory=dict)
    diverged: bool = False


class Callback(Protocol):
    """Listens to the records of a run. What it must remember across an interruption goes through `state`."""

    def __call__(self, record: EpochRecord, member: Member) -> bool:
        """Take a record; True asks for the end of the training."""

    def state(self) -> dict[str, Any]:
        """Arrays and plain values to be kept in a checkpoint."""

    def restore(self, state: dict[str, Any]) -> None:
        """Put back what `state` gave."""
