"""A sweep: many runs, one plan, one parent. Used by every sweeper."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from eyechart import paths
from eyechart.config import Config, check
from eyechart.data import open_dataset
from eyechart.errors import EyechartError
from eyechart.experiment import finished, splits_of
from eyechart.files import write_json
from eyechart.tracking import Courier, Journal
from eyechart.tracking.config import TrackingConfig, hide_password

SWEEP = "EYECHART_SWEEP"  # in the environment of a job, wherever it runs: the id of its sweep
IDENTITY = "eyechart.sweep"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Job:
    """One run of a sweep: what was typed for it, what that means, and its name made of what was swept."""

    overrides: tuple[str, ...]
    config: Config
    run_key: str
    name: str


@dataclass(frozen=True)
class Plan:
    """What a sweep will do.

    Attributes:
        jobs: each run once, in the order in which they were asked for.
        duplicates: how many more were asked for that are the same work as one of them.
        finished: run keys of the jobs that have been finished before.
    """

    jobs: tuple[Job, ...]
    duplicates: int
    finished: frozenset[str]

    @property
    def to_train(self) -> list[Job]:
        """The jobs that are left."""
        return [job for job in self.jobs if job.run_key not in self.finished]


def make_plan(overrides: Sequence[Sequence[str]], compose: Callable[[Sequence[str]], DictConfig]) -> Plan:
    """Compose and check every job before anything trains.

    Args:
        overrides: one list per job, as `key=value`.
        compose: from a job's overrides to its configuration.

    Raises:
        EyechartError: a job's configuration is wrong; the message names its overrides.
    """
    swept = _swept(overrides)
    jobs: dict[str, Job] = {}
    for job_overrides in overrides:
        name = " ".join(override for override in job_overrides if override.partition("=")[0] in swept)
        try:
            config = check(compose(job_overrides))
            dataset = open_dataset(config.dataset.name)
            splits_of(config, dataset)
        except EyechartError as error:
            raise type(error)(f"{error} (in the job {name or 'without overrides'})") from None
        key = config.run_key(dataset.digest, dataset.own_validation)
        jobs.setdefault(key, Job(tuple(job_overrides), config, key, name or config.model_name))
    done = frozenset(key for key in jobs if finished(key))
    return Plan(tuple(jobs.values()), len(overrides) - len(jobs), done)


def _swept(overrides: Sequence[Sequence[str]]) -> set[str]:
    """The keys whose value differs between jobs."""
    values: dict[str, set[str]] = {}
    for job in overrides:
        for override in job:
            key, _, value = override.partition("=")
            values.setdefault(key, set()).add(value)
    return {key for key, found in values.items() if len(found) > 1}


class Sweep:
    """The parent of a sweep's runs: an MLflow run of its own, with a manifest of the run keys it covers.

    Attributes:
        id: names its folder and its parent run.
        folder: its state folder.
        courier: that of the process that drives the sweep; None in the processes of its workers.
    """

    _current: Sweep | None = None  # in the process that drives it

    def __init__(self, sweep_id: str, courier: Courier | None = None):
        self.id, self.courier = sweep_id, courier
        self.folder = paths.sweeps() / sweep_id
        self._manifest: dict[str, str] | None = None

    @classmethod
    def of_this_job(cls) -> Sweep | None:
        """The sweep that the running job is a part of; None outside of a sweep."""
        sweep_id = os.environ.get(SWEEP)
        if not sweep_id:
            return None
        return cls._current if cls._current and cls._current.id == sweep_id else cls(sweep_id)

    @classmethod
    def start(cls, plan: Plan, command: str) -> Sweep:
        """Make the parent, and tell the jobs of it."""
        # the time makes ids sort, the rest keeps two sweeps of one second apart
        sweep_id = time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(3)
        tracking = plan.jobs[0].config.tracking
        sweep = cls(sweep_id, Courier(tracking))
        jobs = [{"run_key": job.run_key, "name": job.name, "overrides": _hidden(job.overrides)} for job in plan.jobs]
        command = hide_password(command)
        write_json(sweep.folder / MANIFEST, {"command": command, "jobs": jobs})
        journal = Journal(sweep.folder)
        journal.append(
            "start",
            identity=[IDENTITY, sweep_id],
            name=f"sweep of {len(jobs)}",
            experiment_name=tracking.experiment_name,
            source="pipelines/train.py",
        )
        journal.append("tags", values={"eyechart.command": command, "eyechart.runs": len(jobs)})
        journal.append("artifact", path=MANIFEST)
        journal.close()
        os.environ[SWEEP] = sweep_id
        cls._current = sweep
        assert sweep.courier is not None
        sweep.courier.tell(sweep.folder)
        return sweep

    def end(self, status: str, message: str = "", files: Sequence[str] = ()) -> None:
        """Close the parent, with files of its folder as its artifacts, and wait for the deliveries."""
        journal = Journal(self.folder)
        for file in files:
            journal.append("artifact", path=file)
        journal.append("end", status=status, message=message)
        journal.close()
        os.environ.pop(SWEEP, None)
        type(self)._current = None
        if self.courier is not None:
            self.courier.tell(self.folder)
            self.courier.close()

    def name_of(self, overrides: Sequence[str]) -> str:
        """The name of the job with these overrides."""
        if self._manifest is None:
            jobs = json.loads((self.folder / MANIFEST).read_text())["jobs"]
            self._manifest = {json.dumps(job["overrides"]): job["name"] for job in jobs}
        return self._manifest.get(json.dumps(_hidden(overrides)), " ".join(overrides))


def publish(folder: Path, files: Sequence[str], tracking: TrackingConfig) -> None:
    """Bring files of an ended sweep's folder to its MLflow run."""
    journal = Journal(folder)
    for file in files:
        journal.append("artifact", path=file)
    journal.close()
    courier = Courier(tracking)
    courier.tell(folder)
    courier.close()


def _hidden(overrides: Sequence[str]) -> list[str]:
    return [hide_password(override) for override in overrides]


def run_keys(sweep_id: str) -> list[str]:
    """The run keys that a sweep covers, from its manifest.

    Args:
        sweep_id: the name of its folder, its MLflow run id, or `last`.

    Raises:
        EyechartError: there is no such sweep.
    """
    return [job["run_key"] for job in json.loads((find_sweep(sweep_id) / MANIFEST).read_text())["jobs"]]


def find_sweep(sweep_id: str) -> Path:
    """The state folder of a sweep, named as for `run_keys`."""
    known = sorted(path.parent for path in paths.sweeps().glob(f"*/{MANIFEST}"))
    if not known:
        raise EyechartError("there is no sweep yet: type, for example, python pipelines/train.py -m model=fnn,cnn")
    if sweep_id == "last":
        return known[-1]
    for folder in known:
        if folder.name == sweep_id or any(sweep_id == run_id for run_id in _run_ids(folder)):
            return folder
    newest = ", ".join(folder.name for folder in known[-5:])
    raise EyechartError(f"there is no sweep '{sweep_id}': expected last, an MLflow run id, or an id such as {newest}")


def _run_ids(folder: Path) -> list[str]:
    from eyechart.tracking.delivery import run_ids

    return run_ids(folder)
