"""How far a run has come: finished, begun or new. Read from its state folder alone, without a tracking server."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyechart.core import paths
from eyechart.core.errors import EyechartError, nearest
from eyechart.runs.checkpoints import epochs_done, has_ended
from eyechart.runs.courier import Courier
from eyechart.runs.cursor import DELIVERY_LOCK, lock, run_ids
from eyechart.runs.journal import NAME, Journal, ending, read_journal
from eyechart.runs.lock import LOCK, NOTE


@dataclass(frozen=True)
class FinishedRun:
    """A finished run.

    Attributes:
        run_key: its name.
        folder: its state folder; its files lie in `artifacts/` below it.
        result: numbers and names: the best epoch, scores on validation and test, parameters, seconds.
        trained: False where it had been finished before.
    """

    run_key: str
    folder: Path
    result: dict[str, Any]
    trained: bool

    @property
    def artifacts(self) -> Path:
        """The folder with the run's files: model, predictions table, history, pictures."""
        return self.folder / "artifacts"


def in_a_sentence(result: Mapping[str, Any]) -> str:
    """What a run came to: how good it is on the test part, and on what it was chosen by."""
    held_back = (
        f"validation accuracy {result['validation/accuracy']:.4f} at epoch {result['best_epoch']} of {result['epochs']}"
        if isinstance(result["monitor"], str)
        else f"nothing was held back: the last of {result['epochs']} epochs counts"
    )
    return f"test accuracy {result['test/accuracy']:.4f} ({held_back})"


@dataclass(frozen=True)
class RunStatus:
    """How far a run has come.

    Attributes:
        begun: when it was first begun, in milliseconds since 1970; None: never.
        finished: whether there is a result.
        epochs: that need not be trained again, because a checkpoint holds them; of a finished run 0.
        ended: whether it was to stop there, and only has to be evaluated.
        failed: whether its last attempt ended with an error.
        pruned: whether a search gave it up.
    """

    begun: int | None = None
    finished: bool = False
    epochs: int = 0
    ended: bool = False
    failed: bool = False
    pruned: bool = False

    def ignoring_before(self, since: int) -> RunStatus:
        """The same where what was begun before `since` does not count."""
        return self if self.begun is None or self.begun >= since else RunStatus()

    def __str__(self) -> str:
        if self.finished:
            return "finished"
        if self.epochs:
            return f"goes on after epoch {self.epochs}"
        return "failed before" if self.failed else "new" if self.begun is None else "begun before"


def run_status(run_key: str) -> RunStatus:
    """How far the run of this key has come."""
    folder = paths.runs() / run_key
    records = read_journal(folder)
    if not records:
        return RunStatus()
    end = ending(records) or {"status": ""}
    finished = end["status"] == "FINISHED"
    return RunStatus(
        begun=records[0]["t"],
        finished=finished,
        epochs=0 if finished else epochs_done(folder),
        ended=not finished and has_ended(folder),
        failed=end["status"] == "FAILED",
        pruned=end.get("pruned", False),
    )


def finished(run_key: str) -> FinishedRun | None:
    """The run of this key if it has been finished."""
    folder = paths.runs() / run_key
    end = ending(read_journal(folder))
    return FinishedRun(run_key, folder, end["result"], False) if end and end["status"] == "FINISHED" else None


def find_run(run: str | None) -> str:
    """The run key of the run that a person named.

    Args:
        run: a run key or 6 digits or more of its beginning, the id of its MLflow run, or `last` or None: the run that
            finished last.

    Raises:
        EyechartError: there is no such run, or more than one.
    """
    known = sorted(path.name for path in paths.runs().glob("*"))
    if run in (None, "last"):
        ends = [(end["t"], key) for key in known if finished(key) and (end := ending(read_journal(paths.runs() / key)))]
        if not ends:
            raise EyechartError("there is no finished run yet: type, for example, python pipelines/train.py model=cnn")
        return max(ends)[1]
    run = str(run)
    found = [run] if run in known else [key for key in known if len(run) >= 6 and key.startswith(run)]
    if not found and run:
        found = [key for key in known if run in run_ids(paths.runs() / key)]
    if len(found) == 1:
        return found[0]
    if found:
        raise EyechartError(f"run={run} is the beginning of {len(found)} run keys ({', '.join(found)}): type one whole")
    raise EyechartError(
        f"there is no run '{run}': expected last, a run key as train.py prints it, or the id of its MLflow run."
        f"{nearest(run, known)}"
    )


def ignored_before(run_key: str) -> int:
    """From when on an attempt at a run counts that is forced: now, unless a forced attempt was interrupted."""
    records = read_journal(paths.runs() / run_key)
    end = ending(records)
    if records and records[0].get("attempt", 1) > 1 and not (end and end["status"] == "FINISHED"):
        return int(records[0]["t"])
    return time.time_ns() // 1_000_000


def attempt_number(run_key: str) -> int:
    """1, and 1 more for each time that the run was trained anew."""
    return 1 + len(list(paths.replaced().glob(f"{run_key}-*")))


def set_aside(folder: Path, since: int, courier: Courier) -> None:
    """Move what a run left that was begun before `since` to where it counts no more, and mark it so in MLflow.

    Args:
        folder: the run's, which this process holds.
        since: in milliseconds since 1970.
        courier: brings word of it to MLflow, if the run was to be delivered there.
    """
    records = read_journal(folder)
    if not records or records[0]["t"] >= since:
        return
    if not any(record["kind"] == "replaced" for record in records):
        journal = Journal(folder)
        journal.append("replaced")
        journal.close()
    aside = paths.replaced() / f"{folder.name}-{records[0]['t']}"
    aside.mkdir(parents=True, exist_ok=True)
    with lock(folder):
        # the journal last: while it is there, the next start does what is left of this
        for path in sorted(folder.iterdir(), key=lambda path: path.name == NAME):
            if path.name not in (LOCK, NOTE, DELIVERY_LOCK):
                os.replace(path, aside / path.name)
    if courier.knows(aside):
        courier.tell(aside)
