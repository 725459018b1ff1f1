"""A sweep from its plan to its leaderboard, whoever trains the jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from eyechart.comparison import in_mlflow, leaderboard
from eyechart.core.errors import EyechartError
from eyechart.runs.manifest import find_sweep
from eyechart.sweeps.plan import Job, Plan
from eyechart.sweeps.sweep import Sweep, forced_since, identity_of, is_settled
from eyechart.tracking.config import TrackingConfig


def run_sweep(plan: Plan, command: str, launch: Callable[[Sequence[Job]], list[str]]) -> bool:
    """Say what will be done, have it done, and close the sweep with a leaderboard of all its runs.

    Args:
        plan: of jobs that have been checked; with `plan=true` it is told, and nothing is done.
        command: what was typed.
        launch: trains some jobs, and returns a line for each that failed.

    Returns:
        Whether anything was to be done: False with `plan=true`.

    Raises:
        EyechartError: at the end, if jobs failed.
    """
    tracking = plan.jobs[0].config.tracking
    keys = [job.run_key for job in plan.jobs]
    identity = identity_of(keys, tracking)
    if any(job.config.force for job in plan.jobs):
        plan = plan.ignoring_before(forced_since(identity))
    if any(job.config.plan for job in plan.jobs):
        print(plan.tell(runs=True))
        return False
    print(plan.tell(), flush=True)
    if is_settled(identity, plan.jobs, tracking):
        leaderboard.show_boards(keys)
        in_mlflow.print_links(keys, tracking, find_sweep("last"))
        return True
    sweep = Sweep.start(plan.jobs, command, tracking, name=f"sweep of {len(keys)}", identity=identity, since=plan.since)
    with closing(sweep, tracking) as account:
        account.failures += launch(plan.to_train) if plan.to_train else []
    account.conclude()
    return True


@dataclass
class SweepSummary:
    """What came of a sweep.

    Attributes:
        sweep: the sweep.
        tracking: where it is delivered.
        failures: a line for each run that failed.
        files: of the sweep's folder, that become its parent's artifacts.
    """

    sweep: Sweep
    tracking: TrackingConfig
    failures: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def conclude(self) -> None:
        """Show the leaderboard of all runs, and where MLflow shows them. Raises EyechartError if some failed."""
        keys = self.sweep.run_keys
        leaderboard.show_boards(keys)
        in_mlflow.print_links(keys, self.tracking, self.sweep.folder)
        if self.failures:
            raise EyechartError(f"{len(self.failures)} of {len(keys)} runs failed: {'; '.join(self.failures)}")


@contextmanager
def closing(sweep: Sweep, tracking: TrackingConfig) -> Iterator[SweepSummary]:
    """Close the sweep at the end of the block, however it ends, with a leaderboard of all its runs."""
    account = SweepSummary(sweep, tracking)
    said: list[dict[str, Any]] = []
    status, message = "KILLED", "interrupted; the same command goes on from here"
    try:
        yield account
        account.files += leaderboard.write_boards(sweep.folder, sweep.run_keys)
        said = in_mlflow.sweep_records(sweep.folder, sweep.run_keys)
        status, message = ("FAILED", "; ".join(account.failures)) if account.failures else ("FINISHED", "")
    except Exception as error:
        status, message = "FAILED", str(error)
        raise
    finally:
        sweep.end(status, message, account.files, said)
