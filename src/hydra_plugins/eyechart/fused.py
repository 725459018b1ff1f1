"""The launcher behind `hydra/launcher=fused`: runs that differ in seed, learning rate or callbacks, as one program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

if TYPE_CHECKING:
    from eyechart.runner.job import Job


class FusedLauncher(Launcher):
    """Takes checked jobs from Eyechart's own sweepers, and trains them group by group in this process.

    Args:
        max_members: of a group; None: as many as there are and memory has room for.
    """

    def __init__(self, max_members: int | None = None) -> None:
        self.max_members = max_members

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Refuse what cannot be, before anything is planned."""
        from eyechart.core.errors import ConfigError

        if self.max_members is not None and (type(self.max_members) is not int or self.max_members < 1):
            raise ConfigError(
                f"hydra.launcher.max_members must be a whole number above 0, or null, received {self.max_members}"
            )

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """What Hydra's own sweepers call, which know nothing of runs that can be trained together."""
        from eyechart.core.errors import ConfigError

        raise ConfigError("hydra/launcher=fused works with hydra/sweeper=grid or optuna, received another sweeper")

    def train(self, jobs: Sequence[Job]) -> list[Exception | None]:
        """Train them; of each, in their order, what went wrong."""
        from eyechart.runner.workers import ScoringPool
        from eyechart.sweeps.fusing import fused_groups
        from eyechart.sweeps.job import run_fused

        wrong: dict[str, Exception | None] = {}
        with ScoringPool() as pool:
            for group in fused_groups(jobs, self.max_members):
                wrong |= zip((job.run_key for job in group), run_fused(group, pool), strict=True)
        return [wrong[job.run_key] for job in jobs]
