"""The sweeper behind `-m`: every combination of the values given, planned first, each run trained once."""

from __future__ import annotations

import contextlib
import io
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper  # for the syntax of its overrides alone
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict


class GridSweeper(Sweeper):
    """Takes the overrides of Hydra's basic sweeper and gives only unfinished jobs to the launcher."""

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        self.params = dict(params or {})
        self.hydra_context: HydraContext | None = None
        self.config: DictConfig | None = None
        self.launcher: Launcher | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:  # noqa: D102
        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Plan, launch what is left, show the leaderboard. Raises EyechartError at the end if jobs failed."""
        from eyechart.campaign import conduct
        from eyechart.comparison import leaderboard
        from eyechart.errors import ConfigError
        from eyechart.program import score
        from eyechart.sweep import Job, make_plan

        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        configured = [f"{key}={value}" for key, value in self.params.items()]  # what is typed comes later and wins
        (jobs,) = BasicSweeper.split_arguments(parser.parse_overrides(configured + arguments), None)
        plan = make_plan(jobs, self._compose)
        backends = sorted({job.config.backend for job in plan.to_train})
        if len(backends) > 1 and isinstance(self.launcher, BasicLauncher):
            raise ConfigError(
                f"this launcher runs all jobs in one process, and Keras keeps its backend for the life of a process: "
                f"expected one backend, received {', '.join(backends)}; type one command for each"
            )

        def launch(jobs: Sequence[Job]) -> list[str]:
            assert self.launcher is not None
            returns = self.launcher.launch([list(job.overrides) for job in jobs], initial_job_idx=0)
            return _failures(returns, [job.name for job in jobs])

        conduct(plan, " ".join(["python pipelines/train.py", *sys.argv[1:]]), launch)
        return [score(leaderboard.result(job.run_key)) for job in plan.jobs]

    def _compose(self, overrides: Sequence[str]) -> DictConfig:
        assert self.hydra_context is not None
        assert self.config is not None
        config = self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))
        with open_dict(config):
            del config["hydra"]
        return config


def _failures(returns: Sequence[JobReturn], names: Sequence[str]) -> list[str]:
    """One line per failed job. Tracebacks of what is not the user's to mend go to stderr."""
    from eyechart.errors import EyechartError

    lines = []
    for name, job in zip(names, returns, strict=True):
        if job.status == JobStatus.COMPLETED:
            continue
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # where Hydra says less than the summary does
                _ = job.return_value  # raises what the job raised
        except EyechartError as error:
            lines.append(f"{name}: {error}")
        except Exception as error:
            traceback.print_exception(error)
            lines.append(f"{name}: {type(error).__name__}: {error}")
    return lines
