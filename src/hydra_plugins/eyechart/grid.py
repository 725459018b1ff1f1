"""The sweeper behind `-m`: every combination of the values given, planned first, each run trained once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hydra_plugins.eyechart._jobs import JobSweeper
from hydra_plugins.eyechart.fused import FusedLauncher


class GridSweeper(JobSweeper):
    """Takes the overrides of Hydra's basic sweeper and gives only unfinished jobs to the launcher."""

    def sweep(self, arguments: list[str]) -> Any:
        """Plan, launch what is left, show the leaderboard. Raises EyechartError at the end if jobs failed."""
        from eyechart.sweeps.drive import run_sweep
        from eyechart.sweeps.plan import make_plan

        plan = make_plan(self.jobs_of(arguments), self.jobs.configure)
        plan = replace(plan, together=isinstance(self.launcher, FusedLauncher))
        self.check_backends(plan)
        if not run_sweep(plan, self.command, self.jobs.configure, self.launch):
            return None
        return [job.run.selection_score for job in plan.jobs]

    def jobs_of(self, arguments: Sequence[str]) -> list[tuple[str, ...]]:
        """The overrides of each job."""
        from eyechart.sweeps.overrides import combinations

        return [job for sweep in self.sweeps(arguments) for job in combinations(sweep)]
