"""How far a run has come: finished, begun or new. Read from its state folder alone, without a tracking server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyechart.runs.checkpoints import epochs_done, has_ended
from eyechart.runs.journal import JournalState, RunState


@dataclass(frozen=True)
class RunStatus:
    """How far a run has come.

    Attributes:
        begun: when it was first begun, in milliseconds since 1970; None: never.
        finished: whether there is a result.
        epochs: that need not be trained again, because a checkpoint holds them; of a finished run 0.
        ended: whether early stopping ended its training there, and it only has to be evaluated.
        failed: whether its last attempt ended with an error.
        pruned: whether a search gave it up.
    """

    begun: int | None = None
    finished: bool = False
    epochs: int = 0
    ended: bool = False
    failed: bool = False
    pruned: bool = False

    @classmethod
    def of(cls, folder: Path) -> RunStatus:
        """How far the run in this state folder has come."""
        said = JournalState.read(folder)
        if said.begun is None:
            return cls()
        return cls(
            begun=said.begun,
            finished=said.finished,
            epochs=0 if said.finished else epochs_done(folder),
            ended=not said.finished and has_ended(folder),
            failed=said.state == RunState.FAILED,
            pruned=bool(said.end and said.end.get("pruned")),
        )

    def ignoring_before(self, since: int) -> RunStatus:
        """The same where what was begun before `since` does not count."""
        return self if self.begun is None or self.begun >= since else RunStatus()

    def __str__(self) -> str:
        if self.finished:
            return "finished"
        if self.epochs:
            return f"goes on after epoch {self.epochs}"
        return "failed before" if self.failed else "new" if self.begun is None else "begun before"


def selected_by(result: Mapping[str, Any]) -> str:
    """The metric by which a run is compared before anyone looks at the test part."""
    monitor = result.get("monitor")
    return monitor if isinstance(monitor, str) else "train/accuracy"


def in_a_sentence(result: Mapping[str, Any], diverged: int = 0) -> str:
    """What a run came to: how good it is on the test part, and on what it was chosen by.

    Args:
        result: of the run.
        diverged: the epoch in which its network diverged; 0: in none.
    """
    best, epochs = result.get("best_epoch"), result["epochs"]
    if diverged and not best:
        counts = "no epoch before it counts: guesses do"
    elif isinstance(result["monitor"], str):
        counts = f"validation accuracy {result['validation/accuracy']:.4f} at epoch {best} of {epochs}"
    elif diverged:
        counts = f"nothing was held back: epoch {best} counts, the last before it"
    else:
        counts = f"nothing was held back: the last of {epochs} epochs counts"
    start = f"diverged in epoch {diverged}: " if diverged else ""
    return f"{start}{scores_in_words(result)} ({counts})"


def scores_in_words(result: Mapping[str, Any]) -> str:
    """How good a run is on the test part; of older runs the accuracy alone is known."""
    means = {"balanced accuracy": "test/balanced_accuracy", "macro F1": "test/macro_f1"}
    known = [f"{what} {result[name]:.4f}" for what, name in means.items() if name in result]
    return ", ".join([f"test accuracy {result['test/accuracy']:.4f}", *known])
