"""A sweep from its plan to its leaderboard, whoever trains the jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eyechart.comparison import leaderboard
from eyechart.errors import EyechartError
from eyechart.sweep import Job, Plan, Sweep


def conduct(plan: Plan, command: str, launch: Callable[[Sequence[Job]], list[str]]) -> Sweep:
    """Say what will be done, have it done, and close the sweep with a leaderboard of all its runs.

    Args:
        plan: of jobs that have been checked.
        command: what was typed.
        launch: trains some jobs, and returns a line for each that failed.

    Returns:
        The sweep, ended.

    Raises:
        EyechartError: at the end, if jobs failed.
    """
    left = plan.to_train
    told = f"{len(plan.jobs)} runs: {len(plan.jobs) - len(left)} finished, {len(left)} to train"
    print(told + (f", {plan.duplicates} duplicates left out" if plan.duplicates else ""), flush=True)
    keys = [job.run_key for job in plan.jobs]
    sweep = Sweep.start(plan, command)
    status, message, files = "KILLED", "interrupted", []
    try:
        failures = launch(left) if left else []
        status = "FAILED" if failures else "FINISHED"
        message = "; ".join(failures)
        files = leaderboard.write(sweep.folder, keys)
    except Exception as error:
        status, message = "FAILED", str(error)
        raise
    finally:
        sweep.end(status, message, files)
    leaderboard.show(keys)
    if failures:
        raise EyechartError(f"{len(failures)} of {len(plan.jobs)} runs failed: {message}")
    return sweep
