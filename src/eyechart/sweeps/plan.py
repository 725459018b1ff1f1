"""The plan of a sweep: which runs it has, which of them are finished, what is left. Used by every sweeper."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eyechart.config import Config
from eyechart.core.errors import ConfigError, EyechartError
from eyechart.runner.export import check_export
from eyechart.runner.job import Job
from eyechart.sweeps.code_changes import about_code
from eyechart.sweeps.durations import PastDurations
from eyechart.sweeps.limit_change import about_limit

Configure = Callable[[Sequence[str], int], Config]


@dataclass(frozen=True)
class Plan:
    """What a sweep will do.

    Attributes:
        jobs: each run once, in the order in which they were asked for.
        duplicates: how many more were asked for that are the same work as one of them.
        since: what was begun before this time, in milliseconds since 1970, does not count; None: all counts.
        together: whether runs that can be are trained together.
    """

    jobs: tuple[Job, ...]
    duplicates: int = 0
    since: int | None = None
    together: bool = False

    @property
    def to_train(self) -> list[Job]:
        """The jobs that are left; at the end those that were begun before and came to nothing."""
        left = [job for job in self.jobs if not job.status.finished]
        return sorted(left, key=lambda job: job.status.begun is not None and not job.status.epochs)

    def ignoring_before(self, since: int) -> Plan:
        """The same where what was begun before `since` does not count."""
        jobs = (dataclasses.replace(job, status=job.status.ignoring_before(since)) for job in self.jobs)
        return dataclasses.replace(self, jobs=tuple(jobs), since=since)

    def tell(self, *, runs: bool = False) -> str:
        """The plan in one line, before it warnings of its data sets, and with `runs` a line for each run."""
        left = self.to_train
        experience = PastDurations(together=self.together) if left else None  # which reads the journals of all runs
        expected = {job.run_key: experience.expected_seconds(job.config, job.epochs_left) for job in left if experience}
        known = [seconds for seconds in expected.values() if seconds is not None]
        resumed = sum(job.status.epochs > 0 for job in left)
        failed = sum(job.status.failed for job in left)

        parts = [f"{len(self.jobs) - len(left)} finished"]
        parts += [f"{resumed} resumed"] if resumed else []
        parts += [f"{len(left) - resumed} to train"]
        parts += [f"{_count(self.duplicates, 'duplicate')} left out"] if self.duplicates else []
        parts += [f"{failed} failed before and tried again"] if failed else []
        if known:
            some = "" if len(known) == len(left) else f" for {len(known)} of them"
            parts += [f"about {in_words(sum(known))} of training{some}, going by earlier runs"]
        summary = f"{_count(len(self.jobs), 'run')}: {', '.join(parts)}"
        warnings = dict.fromkeys(f"warning: {warning}" for job in self.jobs for warning in job.warnings)
        summary = "\n".join([*warnings, *about_code(self.jobs), *about_limit(self.jobs), summary])
        if not runs:
            return summary
        width = max(len(job.name) for job in self.jobs)
        lines = []
        for job in self.jobs:
            seconds = expected.get(job.run_key)
            about = "" if seconds is None else f", about {in_words(seconds)}"
            lines.append(f"{job.run_key}  {job.name:{width}}  {job.status}{about}")
        return "\n".join([*lines, summary])


def make_plan(overrides: Sequence[Sequence[str]], configure: Configure) -> Plan:
    """Compose and check every job before anything trains.

    Args:
        overrides: one list per job, as `key=value`.
        configure: from a job's overrides, and its place among all, to its checked configuration.

    Raises:
        EyechartError: there is no job, or one's configuration is wrong; the message names its overrides.
    """
    if not overrides:
        raise ConfigError(
            "there is no run in this sweep: expected a value at least for each key, received an empty range"
        )
    swept = _swept(overrides)
    jobs: dict[str, Job] = {}
    for number, job_overrides in enumerate(overrides):
        name = " ".join(override for override in job_overrides if override.partition("=")[0] in swept)
        try:
            config = configure(job_overrides, number)
            check_export(config)
            job = Job.of(config, job_overrides, name or config.model_name, number)
        except EyechartError as error:
            where = f" (in the job {name or 'without overrides'})" if len(overrides) > 1 else ""
            raise type(error)(f"{error}{where}") from None
        jobs.setdefault(job.run_key, job)
    return Plan(tuple(jobs.values()), len(overrides) - len(jobs))


def in_words(seconds: float) -> str:
    """A duration to be read, not to be calculated with: `12 s`, `1.5 min`, `2.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.2g} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _swept(overrides: Sequence[Sequence[str]]) -> set[str]:
    """The keys whose value differs between jobs."""
    values: dict[str, set[str]] = {}
    for job in overrides:
        for override in job:
            key, _, value = override.partition("=")
            values.setdefault(key, set()).add(value)
    return {key for key, found in values.items() if len(found) > 1}
