"""Runs that are trained anew with `force=true`: what earlier attempts left is set aside, and counts no more."""

from __future__ import annotations

import os
import time
from pathlib import Path

from eyechart.core import paths
from eyechart.runs.courier import Courier
from eyechart.runs.cursor import DELIVERY_LOCK, lock
from eyechart.runs.journal import NAME, Journal, JournalState, RecordKind
from eyechart.runs.lock import LOCK, NOTE
from eyechart.runs.run import Run


def attempt_number(run: Run) -> int:
    """1, and 1 more for each time that the run was trained anew."""
    return 1 + len(list(paths.replaced().glob(f"{run.key}-*")))


def ignored_before(run: Run) -> int:
    """From when on an attempt at a run counts that is forced: now, unless a forced attempt was interrupted."""
    said = run.journal
    if said.begun is not None and said.start.get("attempt", 1) > 1 and not said.finished:
        return said.begun
    return time.time_ns() // 1_000_000


def set_aside(folder: Path, since: int, courier: Courier) -> None:
    """Move what a run left that was begun before `since` to where it counts no more, and mark it so in MLflow.

    Args:
        folder: the run's, which this process has locked.
        since: in milliseconds since 1970.
        courier: brings word of it to MLflow, if the run was to be delivered there.
    """
    said = JournalState.read(folder)
    if said.begun is None or said.begun >= since:
        return
    if not said.replaced:
        journal = Journal(folder)
        journal.append(RecordKind.REPLACED)
        journal.close()
    aside = paths.replaced() / f"{folder.name}-{said.begun}"
    aside.mkdir(parents=True, exist_ok=True)
    with lock(folder):
        # the journal last: while it is there, the next start does what is left of this
        for path in sorted(folder.iterdir(), key=lambda path: path.name == NAME):
            if path.name not in (LOCK, NOTE, DELIVERY_LOCK):
                os.replace(path, aside / path.name)
    if courier.knows(aside):
        courier.tell(aside)
