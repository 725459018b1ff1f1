"""What Eyechart's sweepers share: reading what was typed, and handing the jobs that are left to a launcher."""

from __future__ import annotations

import contextlib
import io
import shlex
import signal
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import psutil
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict, read_write

from hydra_plugins.eyechart._composition import Composition, plain
from hydra_plugins.eyechart.fused import FusedLauncher

if TYPE_CHECKING:
    from eyechart.runner.job import Job
    from eyechart.sweeps.plan import Plan
    from eyechart.sweeps.sweep import OpenSweep


class JobSweeper(Sweeper):
    """Composes jobs as their launcher will, and gives it those that are left.

    Args:
        params: values to sweep over where the command line gives none for that key.
    """

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        self.params = plain(params or {})

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.config = hydra_context, config
        assert isinstance(hydra_context.config_loader, ConfigLoaderImpl)
        self.jobs = Composition(hydra_context.config_loader, config)
        self.launcher: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    @property
    def command(self) -> str:
        """What was typed."""
        from eyechart.core.cli import TYPED

        return shlex.join(["python", "pipelines/train.py", *TYPED])

    def sweeps(self, arguments: Sequence[str]) -> list[list[Override]]:
        """The sweeps that were typed: one, or where options bring their own values to sweep over, one for each."""
        from eyechart.core.cli import as_typed
        from eyechart.sweeps.overrides import sweeps_of

        jobs, typed = self.jobs, self.jobs.parse(as_typed(arguments))
        return sweeps_of(self.params, typed, parse=jobs.parse, is_option=jobs.is_option, brings=jobs.brings)

    def check_backends(self, plan: Plan) -> None:
        """Raise ConfigError where one process would have to train on two backends."""
        from eyechart.core.errors import ConfigError

        backends = sorted({job.config.backend for job in plan.to_train})
        # SLURM gives each job a process of its own; the others keep their processes for the next job
        if len(backends) > 1 and "submitit" not in type(self.launcher).__module__:
            one = isinstance(self.launcher, BasicLauncher | FusedLauncher)
            raise ConfigError(
                f"this launcher runs {'all' if one else 'several'} jobs in one process, and Keras keeps its backend "
                f"for the life of a process: expected one backend, received {', '.join(backends)}; "
                f"type one command for each"
            )

    def launch(self, jobs: Sequence[Job]) -> list[str]:
        """Train these jobs; a line for each that failed."""
        from eyechart.sweeps.sweep import SWEEP, OpenSweep
        from eyechart.sweeps.watch import report_workers

        sweep = OpenSweep.of_this_job()
        assert sweep is not None
        assert self.config is not None
        told = f"++hydra.job.env_set.{SWEEP}={sweep.id}"  # the processes of a cluster have not our environment
        if told not in self.config.hydra.overrides.hydra:  # a search launches batch after batch
            with read_write(self.config), open_dict(self.config):
                self.config.hydra.overrides.hydra.append(told)
        if isinstance(self.launcher, FusedLauncher):
            results = zip(jobs, self.launcher.train(jobs), strict=True)
            return [line for job, error in results if error and (line := _failure(job.name, error))]
        if isinstance(self.launcher, BasicLauncher):
            return self._launch(jobs)
        with report_workers(jobs, sweep.since), self._no_orphans():
            return self._launch_in_workers(jobs, sweep)

    def _launch(self, jobs: Sequence[Job]) -> list[str]:
        from eyechart.sweeps.sweep import JOB

        # launchers count what is left to train, and not what was typed
        words = [[*job.overrides, f"++hydra.job.env_set.{JOB}={job.number}"] for job in jobs]
        returns = self.launcher.launch(words, initial_job_idx=0)
        return _failures(returns, [job.name for job in jobs])

    def _launch_in_workers(self, jobs: Sequence[Job], sweep: OpenSweep) -> list[str]:
        """The same where a worker may be killed, by the system when memory runs out: launchers then drop all jobs."""
        from eyechart.core.errors import EyechartError
        from eyechart.runs.recovery import close_if_abandoned

        assert sweep.courier is not None
        left, failures = list(jobs), list[str]()
        while left:
            try:
                return failures + self._launch(left)
            except Exception as error:
                killed = [job for job in left if close_if_abandoned(job.run.folder, sweep.courier)]
                reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
                if not killed:
                    name = type(self.launcher).__name__
                    raise EyechartError(
                        f"the launcher ({name}) could not run the jobs: {reason}; "
                        f"type HYDRA_FULL_ERROR=1 before the command to see where, or leave hydra/launcher=... out"
                    ) from error
                failures += [f"{job.name}: its process was killed ({reason})" for job in killed]
                left = [job for job in left if job not in killed and not job.run.finished]
        return failures

    @contextlib.contextmanager
    def _no_orphans(self) -> Iterator[None]:
        """Where the block is interrupted, end the jobs that submitit runs on this machine: it lets them live on."""
        try:
            yield
        except BaseException:
            if "submitit" in type(self.launcher).__module__:
                _, left = psutil.wait_procs(psutil.Process().children(recursive=True), timeout=1)  # Ctrl-C reached them
                for process in left:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        if not process.children():  # the others wait for these
                            process.send_signal(signal.SIGINT)
            raise


def _failures(returns: Sequence[JobReturn], names: Sequence[str]) -> list[str]:
    """One line per failed job. Tracebacks of what is not the user's to mend go to stderr."""
    lines = []
    for name, job in zip(names, returns, strict=True):
        if job.status == JobStatus.COMPLETED:
            continue
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # where Hydra says less than the summary does
                _ = job.return_value  # raises what the job raised
        except Exception as error:
            lines.append(_failure(name, error))
    return [line for line in lines if line]


def _failure(name: str, error: Exception) -> str:
    """One line about a failed job; empty where it was told to end."""
    from eyechart.core.errors import EyechartError, in_words
    from eyechart.runner.attempt import Pruned

    if isinstance(error, Pruned):
        return ""
    if isinstance(error, EyechartError | OSError):
        return f"{name}: {in_words(error)}"
    traceback.print_exception(error)
    return f"{name}: {type(error).__name__}: {error}"
