"""The sweeper behind `hydra/sweeper=optuna`: trials chosen by Optuna from what earlier ones came to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hydra_plugins.eyechart._composition import plain
from hydra_plugins.eyechart._jobs import JobSweeper


class OptunaSweeper(JobSweeper):
    """Takes the overrides of Hydra's published Optuna sweeper. Optuna is imported where it is first needed.

    Args:
        sampler: `_target_` of one of Optuna's samplers, and its arguments.
        pruner: likewise of a pruner; None: no trial is given up.
        n_trials: how many trials the search has in all.
        n_jobs: how many trials are chosen at once and given to the launcher together.
        params: values or spaces for keys for which the command line gives none.
    """

    def __init__(
        self,
        sampler: Mapping[str, Any],
        pruner: Mapping[str, Any] | None = None,
        *,
        n_trials: int,
        n_jobs: int,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(params)
        self.sampler, self.pruner = plain(sampler), plain(pruner) if pruner else None
        self.n_trials, self.n_jobs = n_trials, n_jobs

    def sweep(self, arguments: list[str]) -> float | None:
        """Check the space, train the trials that are left, show the leaderboard; the best value.

        Raises EyechartError at the end if trials failed.
        """
        from eyechart.core.errors import ConfigError
        from eyechart.sweeps.search.search import Search, run_search
        from eyechart.sweeps.search.space import Space

        spaces = self.sweeps(arguments)
        if len(spaces) > 1:
            raise ConfigError(
                f"a search has one space: expected options that bring the same values to choose from, received "
                f"{', '.join(str(space[0].input_line) for space in spaces)}, which bring others; "
                f"search with one of them at a time, or type the keys that they sweep yourself"
            )
        search = Search(Space.of(spaces[0]), self.sampler, self.pruner, self.n_trials, self.n_jobs)
        plan = search.plan(self.jobs.configure)
        self.check_backends(plan)
        return run_search(search, plan, self.jobs.configure, self.command, self.launch)
