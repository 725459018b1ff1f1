"""The sweeper behind `-m`: every combination of the values given, planned first, each run trained once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper  # for the syntax of its overrides alone

from hydra_plugins.eyechart._jobs import JobSweeper
from hydra_plugins.eyechart.fused import FusedLauncher


class GridSweeper(JobSweeper):
    """Takes the overrides of Hydra's basic sweeper and gives only unfinished jobs to the launcher."""

    def sweep(self, arguments: list[str]) -> Any:
        """Plan, launch what is left, show the leaderboard. Raises EyechartError at the end if jobs failed."""
        from eyechart.campaign import conduct
        from eyechart.comparison import leaderboard
        from eyechart.plan import make_plan
        from eyechart.program import score

        (jobs,) = BasicSweeper.split_arguments(self.parse(arguments), None)
        plan = replace(make_plan(jobs, self.compose), together=isinstance(self.launcher, FusedLauncher))
        self.check_backends(plan)
        if not conduct(plan, self.command, self.launch):
            return None
        return [score(leaderboard.result(job.run_key)) for job in plan.jobs]
