"""Runs, sweeps and scans that a process left unfinished: MLflow would show them as running for ever."""

from __future__ import annotations

from pathlib import Path

from eyechart.core import paths
from eyechart.runs.checkpoints import remove_checkpoints
from eyechart.runs.courier import Courier
from eyechart.runs.journal import Journal, JournalState, RecordKind, RunState
from eyechart.runs.listing import passing_over
from eyechart.runs.lock import RunLock, stale_locks

GONE = "its process is gone; the same command goes on from here"


def close_abandoned(courier: Courier) -> None:
    """End, as killed, what no process of this machine works on any more, and have it delivered.

    What another machine works on is left alone, and so is what was never to be delivered to the courier's store.
    """
    for folder in [found for place in (paths.runs(), paths.sweeps(), paths.scans()) for found in stale_locks(place)]:
        with passing_over():
            close_if_abandoned(folder, courier)


def close_if_abandoned(folder: Path, courier: Courier) -> bool:
    """The same for one run, sweep or scan, by its folder; whether its process had left it unfinished.

    Raises:
        EyechartError: its journal is broken.
    """
    lock = RunLock.take_over(folder)
    if lock is None:
        return False
    with lock:
        said = JournalState.read(folder)
        if said.begun is None:  # its process went before it said anything
            return False
        if said.end is not None:
            if said.finished:
                remove_checkpoints(folder)  # in the middle of which its process may have been killed
            return False
        journal = Journal(folder)
        journal.append(RecordKind.END, status=RunState.KILLED, message=GONE)
        journal.close()
        if courier.knows(folder):
            courier.tell(folder)
    return True
