"""A sweep: many runs under one parent. The same sweep, typed again, goes on with the same parent."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import secrets
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from filelock import FileLock

from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.core.files import write_json
from eyechart.core.passwords import hide_password
from eyechart.runner.job import Job
from eyechart.runs.choice import Choice
from eyechart.runs.journal import Journal, RecordKind, RunState
from eyechart.runs.lock import RunLock, owner
from eyechart.runs.recovery import close_abandoned
from eyechart.runs.sweep import MANIFEST, Sweep
from eyechart.runs.tags import COMMAND, RUNS, SWEEP_ID
from eyechart.tracking import MLflowCourier
from eyechart.tracking.config import TrackingConfig

SWEEP = "EYECHART_SWEEP"  # in the environment of a job, wherever it runs: the id of its sweep
JOB = "EYECHART_JOB"  # there too: its place in the sweep as it was typed
PATIENCE = 2.0  # seconds to wait for a lock that is taken only briefly, by `close_if_abandoned` or `publish`


class OpenSweep(Sweep):
    """A sweep at work, in the process that drives it or in one of its workers.

    Attributes:
        courier: that of the process that drives the sweep; None in the processes of its workers.
    """

    _current: OpenSweep | None = None  # in the process that drives it

    def __init__(self, sweep_id: str, courier: MLflowCourier | None = None, lock: RunLock | None = None):
        super().__init__(sweep_id)
        self.courier, self._lock = courier, lock

    @classmethod
    def of_this_job(cls) -> OpenSweep | None:
        """The sweep that the running job is a part of; None outside of a sweep."""
        sweep_id = os.environ.get(SWEEP)
        if not sweep_id:
            return None
        return cls._current if cls._current and cls._current.id == sweep_id else cls(sweep_id)

    @classmethod
    def start(
        cls,
        jobs: Sequence[Job],
        command: str,
        tracking: TrackingConfig,
        *,
        name: str,
        identity: str,
        since: int | None = None,
        search: dict[str, Any] | None = None,
    ) -> OpenSweep:
        """Make the parent, or go on with that of the same sweep, and name it in the environment of its jobs.

        Where another process drives the same sweep at this moment, the parent stays in its hands. A search stays in
        its hands as a whole.

        Args:
            jobs: the runs it covers, as far as they are known.
            command: what was typed.
            tracking: where it is delivered.
            name: of the parent in tables.
            identity: two sweeps of one identity are the same.
            since: with `force=true` when it was typed first: what was begun before is trained anew.
            search: what a job must know of the search that it is a trial of; None outside of one. What it covers
                already is kept.

        Raises:
            EyechartError: another process drives the same search.
        """
        courier = MLflowCourier(tracking)
        close_abandoned(courier)
        courier.catch_up()
        paths.sweeps().mkdir(parents=True, exist_ok=True)
        with FileLock(paths.sweeps() / "lock"):  # two that start at once must not both make it
            # the time makes ids sort, the rest keeps two sweeps of one second apart
            known = Sweep.of_identity(identity)
            sweep_id = known.id if known else time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(3)
            lock = RunLock.try_to_take(paths.sweeps() / sweep_id, PATIENCE)
            sweep = cls(sweep_id, courier, lock)
            if lock is None and search is not None:
                raise EyechartError(
                    f"{owner(sweep.folder)} drives the same search: "
                    f"expected one process to choose its trials; type this again when it has ended"
                )
            if lock is None:
                print(f"{owner(sweep.folder)} drives the same sweep: sharing its runs", file=sys.stderr, flush=True)
            else:
                about = {"identity": identity, "command": hide_password(command), "since": since, "search": search}
                write_json(sweep.folder / MANIFEST, about | _kept(known, about))
                sweep._say_start(name, tracking)
        sweep.cover(jobs)
        os.environ[SWEEP] = sweep_id
        cls._current = sweep
        return sweep

    def _say_start(self, name: str, tracking: TrackingConfig) -> None:
        journal = Journal(self.folder)
        journal.append(
            RecordKind.START,
            identity=[SWEEP_ID, self.id],
            name=name,
            experiment_name=tracking.experiment_name,
            source="pipelines/train.py",
            private=tracking.mode == "none",
        )
        journal.close()

    @property
    def driven_here(self) -> bool:
        """Whether this process drives the sweep, and writes its manifest."""
        return self._lock is not None

    def cover(self, jobs: Sequence[Job], choices: Sequence[Choice] | None = None) -> None:
        """Take these jobs into the manifest, beside those that are in it.

        Args:
            jobs: runs that the sweep covers from now on.
            choices: that some of them confirm; None: those that it names already.
        """
        manifest = self.manifest
        if choices is not None:
            manifest["confirm"] = [choice.as_json() for choice in choices]
        if self._lock is not None:
            covered = {job["run_key"]: job for job in manifest["jobs"]}
            for job in jobs:
                about = {"run_key": job.run_key, "name": job.name, "overrides": _hidden(job.overrides)}
                about |= {"choices_key": job.choices_key}
                covered[job.run_key] = about | ({} if job.trial is None else {"trial": job.trial})
            manifest["jobs"] = list(covered.values())
            write_json(self.folder / MANIFEST, manifest)
            journal = Journal(self.folder)
            tags = {COMMAND: manifest["command"], RUNS: len(covered)}
            journal.append(RecordKind.TAGS, values=tags)
            journal.append(RecordKind.ARTIFACT, path=MANIFEST)
            journal.close()
        if self.courier is not None:
            self.courier.tell(self.folder)

    def end(
        self, status: RunState, message: str = "", files: Sequence[str] = (), records: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Close the parent, and wait for the deliveries.

        Args:
            status: how it ends.
            message: why.
            files: of its folder, that become its artifacts.
            records: further ones for its journal.
        """
        if self._lock is not None:
            journal = Journal(self.folder)
            for file in files:
                journal.append(RecordKind.ARTIFACT, path=file)
            for record in records:
                journal.append(**record)
            journal.append(RecordKind.END, status=status, message=message)
            journal.close()
            self._lock.release()
        os.environ.pop(SWEEP, None)
        type(self)._current = None
        if self.courier is not None:
            if status != RunState.KILLED:  # what was trained where nothing was to be delivered, or there was no time to
                for run in self.runs:
                    if not self.courier.has_delivered(run.folder):
                        self.courier.tell(run.folder)
            self.courier.tell(self.folder)  # last, because its views name the runs by what they are in MLflow
            self.courier.close(interrupted=status == RunState.KILLED)

    def as_covered(self, job: Job) -> Job:
        """A job of this sweep as the manifest has it: with its name, its number in a search, and what it confirms.

        Raises:
            EyechartError: the sweep does not cover its run.
        """
        for entry in self.manifest["jobs"]:
            if entry["run_key"] == job.run_key:
                confirms = any(job.run_key in choice.run_keys for choice in self.choices)
                job = dataclasses.replace(job, name=entry["name"], trial=entry.get("trial"))
                return dataclasses.replace(job, confirms=self.id) if confirms else job
        if job.choices_key and job.choices_key in (entry.get("choices_key") for entry in self.manifest["jobs"]):
            raise EyechartError(
                f"the code of {' and '.join(job.config.code.tokens) or 'a choice'} was edited while the sweep was at "
                f"work: expected it as it was planned, so nothing was trained with it; type the sweep's command again"
            )
        raise EyechartError(
            f"the sweep {self.id} knows no run {job.run_key} ({' '.join(_hidden(job.overrides))}): "
            f"expected {SWEEP} to be set by the sweep alone, type unset {SWEEP}"
        )


def identity_of(run_keys: Iterable[str], tracking: TrackingConfig) -> str:
    """What a sweep over these runs, told to this MLflow experiment, is known by: 20 hexadecimal digits."""
    text = "\n".join([tracking.experiment_name, *sorted(run_keys)])
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _kept(known: Sweep | None, about: Mapping[str, Any]) -> dict[str, Any]:
    """What stays of the manifest of a sweep that is typed again: of a search all, else the choices that runs confirm.

    A sweep that is trained anew chooses anew.
    """
    if known is None:
        return {"jobs": []}
    manifest, choices = known.manifest, known.choices
    if about["since"] not in (None, known.since):
        choices = []
    keys = {key for choice in choices for key in choice.run_keys}
    jobs = [job for job in manifest["jobs"] if about["search"] is not None or job["run_key"] in keys]
    return {"jobs": jobs} | ({"confirm": manifest["confirm"]} if choices else {})


def settled_sweep(identity: str, jobs: Sequence[Job], tracking: TrackingConfig) -> Sweep | None:
    """The sweep of this identity, if it has been finished, and everything about it and its runs been delivered.

    It then counts as the one that was typed last.
    """
    sweep, courier = Sweep.of_identity(identity), MLflowCourier(tracking)
    if sweep is None or not all(job.status.finished for job in jobs):
        return None
    folders = [sweep.folder, *(job.run.folder for job in jobs), *(run.folder for run in sweep.runs if run.finished)]
    if not (sweep.journal.finished and all(map(courier.has_delivered, folders))):
        return None
    os.utime(sweep.folder / MANIFEST)
    return sweep


def forced_since(identity: str) -> int:
    """From when on runs of a forced sweep count: now, unless the same was forced before and has not been finished."""
    sweep = Sweep.of_identity(identity)
    if sweep is not None and sweep.since is not None and not sweep.journal.finished:
        return sweep.since
    return time.time_ns() // 1_000_000


def publish(
    sweep: Sweep, files: Sequence[str], tracking: TrackingConfig, records: Sequence[Mapping[str, Any]] = ()
) -> str:
    """Bring files of an ended sweep's folder, and what more is to be said, to its MLflow run.

    Returns:
        What has come of it, in a clause.
    """
    folder = sweep.folder
    lock = RunLock.try_to_take(folder)
    if lock is None:
        return "the sweep, still at work, brings its own to MLflow"
    with MLflowCourier(tracking) as courier:
        with lock:
            journal = Journal(folder)
            for file in files:
                journal.append(RecordKind.ARTIFACT, path=file)
            for record in records:
                journal.append(**record)
            journal.close()
        courier.tell(folder)
    if not tracking.delivers:
        return f"with tracking={tracking.mode} nothing is brought to MLflow"
    if not courier.has_delivered(folder):
        return "not to its MLflow run, which could not be reached: the same command tries it again"
    return "and to the sweep's MLflow run"


def _hidden(overrides: Sequence[str]) -> list[str]:
    return [hide_password(override) for override in overrides]
