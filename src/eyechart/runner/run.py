"""One run, or several that are trained together, from a checked configuration to a result."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from eyechart.core.errors import DataError
from eyechart.data import open_dataset
from eyechart.runner.attempt import Attempt, FinishedRun, Pruner
from eyechart.runner.job import Job, splits_of
from eyechart.runner.members import Setup
from eyechart.runner.train import train_members
from eyechart.runs.checkpoints import remove_checkpoints
from eyechart.runs.courier import Courier
from eyechart.runs.lock import RunLock
from eyechart.runs.replaced import set_aside

if TYPE_CHECKING:
    from eyechart.runner.workers import ScoringPool

PrunerOf = Callable[[Job], Pruner | None]


def _no_pruner(job: Job) -> None:
    """Where nothing is given up."""


def run(
    job: Job, courier: Courier, *, sweep: str | None = None, since: int | None = None, pruner_of: PrunerOf = _no_pruner
) -> FinishedRun:
    """Train, evaluate and record one run; hand back the record if it was finished before.

    Args:
        job: what is to be trained.
        courier: brings the journal to MLflow.
        sweep: the id of the sweep that this run is a part of.
        since: what was begun before this time, in milliseconds since 1970, is set aside and trained anew.
        pruner_of: makes the pruner that hears of every epoch of a job, and may give it up.

    Raises:
        EyechartError: the data set is not prepared or the model cannot read it.
        Pruned: the pruner gave the run up.
    """
    (outcome,) = run_together([job], courier, sweep=sweep, since=since, pruner_of=pruner_of)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def run_together(
    jobs: Sequence[Job],
    courier: Courier,
    *,
    sweep: str | None = None,
    since: int | None = None,
    pruner_of: PrunerOf = _no_pruner,
    pool: ScoringPool | None = None,
) -> list[FinishedRun | Exception]:
    """The same for several runs that differ in nothing but what the members of a program may (`sweeps.fusing.VARIES`).

    Runs that another process trains are waited for, one by one, when the others are done.

    Args:
        jobs: what is to be trained.
        courier: as for `run`, and so are `sweep`, `since` and `pruner_of`.
        sweep: the id of the sweep that the runs are a part of.
        since: what was begun before this time is trained anew.
        pruner_of: makes the pruner of a job.
        pool: scores and draws; None: this process does.

    Returns:
        Of each job its outcome, or what went wrong with it alone. What goes wrong with all of them is raised.

    Raises:
        DataError: the data set was prepared anew since the jobs were made, with other content.
    """
    config = jobs[0].config
    dataset = open_dataset(config.dataset.name)
    if dataset.digest != jobs[0].digest:  # the run keys are of other data
        raise DataError(
            f"expected data set '{dataset.name}' as it was planned with (digest {jobs[0].digest:.12}), received other "
            f"content ({dataset.digest:.12}): it was prepared anew meanwhile, type the same command again"
        )
    setup = Setup(config, dataset, splits_of(config, dataset), courier, sweep is None, pool)
    outcomes: dict[int, FinishedRun | Exception] = {}
    attempts: dict[int, Attempt] = {}
    elsewhere = []
    with ExitStack() as locks:
        for number, job in enumerate(jobs):
            asked = job.run
            folder = asked.folder
            if since is None and asked.finished and not os.access(folder, os.W_OK):  # nor is there anything to write
                outcomes[number] = FinishedRun(asked, trained=False)
                courier.tell(folder)
                continue
            lock = RunLock.take(folder, f"run {asked.key}") if len(jobs) == 1 else RunLock.try_to_take(folder)
            if lock is None:
                elsewhere.append(number)
                continue
            locks.enter_context(lock)
            if since is not None:
                set_aside(folder, since, courier)
            if asked.finished:
                outcomes[number] = FinishedRun(asked, trained=False)
                courier.tell(folder)
                remove_checkpoints(folder)
            else:
                attempts[number] = Attempt(job, dataset, courier, sweep, pruner_of(job))
        if attempts:
            try:
                for attempt in attempts.values():
                    attempt.begin()
                # in an order that does not depend on what was typed or on what is left
                train_members(sorted(attempts.values(), key=lambda attempt: attempt.folder.name), setup)
            except BaseException as error:
                for attempt in attempts.values():
                    attempt.end(error)
                raise
            outcomes |= {number: attempt.outcome for number, attempt in attempts.items() if attempt.outcome}
    for number in elsewhere:
        try:
            outcomes[number] = run(jobs[number], courier, sweep=sweep, since=since, pruner_of=pruner_of)
        except Exception as error:  # the others have come to something
            outcomes[number] = error
    return [outcomes[number] for number in range(len(jobs))]
