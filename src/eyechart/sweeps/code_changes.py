"""What a plan says of the code behind its runs: why some are trained anew, and of what nobody knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from eyechart.runner.job import Job
from eyechart.runs.run import Run
from eyechart.runs.tags import CHOICES_KEY


def about_code(jobs: Sequence[Job]) -> list[str]:
    """What a person has to know of the code of some jobs, in lines."""
    lines = list(dict.fromkeys(note for job in jobs for note in job.config.code.notes))
    new = [job for job in jobs if job.status.begun is None]
    before = _finished_by_choices() if new else {}
    earlier = [(job, before[job.choices_key]) for job in new if job.choices_key in before]
    changes = Counter(_changed(job, run) for job, run in earlier if run.key != job.run_key)
    lines += [f"{what} changed since: {_runs(number)} will be trained anew" for what, number in changes.items()]
    if old := sum(job.before_code and job.status.finished for job in jobs):
        lines.append(f"{_runs(old)} trained before code was recorded: force=true trains anew")
    return lines


def _finished_by_choices() -> dict[str, Run]:
    """Of all finished runs that differ in their code alone the one that was begun last, by their `CHOICES_KEY`."""
    found: dict[str, Run] = {}
    for run in sorted(Run.all(), key=lambda run: run.journal.begun or 0):
        if run.finished:
            found[run.tags.get(CHOICES_KEY, run.key)] = run
    return found


def _changed(job: Job, before: Run) -> str:
    """The files of which other code counts than when a run of the same choices was trained."""
    recorded = before.code_files()
    files = job.config.code.changed(recorded) if recorded else []
    return ", ".join(files) or f"the code of {' and '.join(job.config.code.tokens)}"


def _runs(number: int) -> str:
    return f"{number} run" if number == 1 else f"{number} runs"
