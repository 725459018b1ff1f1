"""A sweep from its plan to its leaderboard, whoever trains the jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from eyechart.comparison import in_mlflow
from eyechart.comparison.leaderboard import Leaderboard
from eyechart.comparison.results import results_of
from eyechart.core.errors import EyechartError
from eyechart.runner.attempt import INTERRUPTED
from eyechart.runner.job import Job
from eyechart.runs.journal import RunState
from eyechart.runs.sweep import Sweep
from eyechart.sweeps.confirm import confirm, in_words, is_confirmed, seeds_asked
from eyechart.sweeps.plan import Configure, Plan
from eyechart.sweeps.sweep import OpenSweep, forced_since, identity_of, settled_sweep
from eyechart.tracking.config import TrackingConfig

Launch = Callable[[Sequence[Job]], list[str]]


def run_sweep(plan: Plan, command: str, configure: Configure, launch: Launch) -> bool:
    """Say what will be done, have it done, and close the sweep with a leaderboard of all its runs.

    Args:
        plan: of jobs that have been checked; with `plan=true` it is told, and nothing is done.
        command: what was typed.
        configure: from a job's overrides, and its place, to its checked configuration.
        launch: trains some jobs, and returns a line for each that failed.

    Returns:
        False where only the plan was printed, with `plan=true`.

    Raises:
        EyechartError: at the end, if jobs failed.
    """
    tracking = plan.jobs[0].config.tracking
    keys = [job.run_key for job in plan.jobs]
    identity = identity_of(keys, tracking)
    if any(job.config.force for job in plan.jobs):
        plan = plan.ignoring_before(forced_since(identity))
    seeds = seeds_asked(plan.jobs)
    then = f"\n{in_words(plan.jobs, Sweep.of_identity(identity))}" if seeds else ""
    if any(job.config.plan for job in plan.jobs):
        print(f"{plan.tell(runs=True)}{then}")
        return False
    print(f"{plan.tell()}{then}", flush=True)
    settled = settled_sweep(identity, plan.jobs, tracking)
    if settled and is_confirmed(settled, seeds):
        _show(Leaderboard.of(results_of(settled.runs)), tracking, settled)
        return True
    name = f"sweep of {len(keys)}"
    sweep = OpenSweep.start(plan.jobs, command, tracking, name=name, identity=identity, since=plan.since)
    with closing(sweep, tracking) as summary:
        summary.failures += launch(plan.to_train) if plan.to_train else []
        if seeds:
            jobs = {job.run_key: job for job in plan.jobs}
            summary.confirm(seeds, jobs.__getitem__, configure, launch, together=plan.together)
    summary.conclude()
    return True


@dataclass
class SweepSummary:
    """What came of a sweep.

    Attributes:
        sweep: the sweep.
        tracking: where it is delivered.
        failures: a line for each run that failed.
        files: of the sweep's folder, that become its parent's artifacts.
        leaderboard: of its runs, from the end of the sweep on.
    """

    sweep: OpenSweep
    tracking: TrackingConfig
    failures: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    leaderboard: Leaderboard | None = None

    def confirm(
        self, seeds: int, job_of: Callable[[str], Job], configure: Configure, launch: Launch, *, together: bool = False
    ) -> None:
        """Have what the sweep chose confirmed with new seeds, if none of its runs failed; see `sweeps.confirm`."""
        if self.failures:
            print("nothing is confirmed, because runs failed: type the same again", flush=True)
            return
        self.failures += confirm(self.sweep, seeds, job_of, configure, launch, together=together)

    def conclude(self) -> None:
        """Show the leaderboard of all runs, and where MLflow shows them. Raises EyechartError if some failed."""
        assert self.leaderboard is not None
        _show(self.leaderboard, self.tracking, self.sweep)
        if self.failures:
            covered = len(self.sweep.run_keys)
            raise EyechartError(f"{len(self.failures)} of {covered} runs failed: {'; '.join(self.failures)}")


@contextmanager
def closing(sweep: OpenSweep, tracking: TrackingConfig) -> Iterator[SweepSummary]:
    """Close the sweep at the end of the block, however it ends, with a leaderboard of all its runs."""
    summary = SweepSummary(sweep, tracking)
    records: list[dict[str, Any]] = []
    status, message = RunState.KILLED, INTERRUPTED
    try:
        yield summary
        summary.leaderboard = Leaderboard.of(results_of(sweep.runs))
        summary.files += summary.leaderboard.write(sweep.folder)
        records = in_mlflow.sweep_records(sweep, summary.leaderboard)
        failed = "; ".join(summary.failures)
        status, message = (RunState.FAILED, failed) if summary.failures else (RunState.FINISHED, "")
    except Exception as error:
        status, message = RunState.FAILED, str(error)
        raise
    finally:
        sweep.end(status, message, summary.files, records)


def _show(leaderboard: Leaderboard, tracking: TrackingConfig, sweep: Sweep) -> None:
    leaderboard.print()
    in_mlflow.print_links(leaderboard, tracking, sweep)
