"""What `pipelines/train.py` does with a composed configuration: one run, alone or as a job of a sweep."""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Sequence
from contextlib import nullcontext

from omegaconf import DictConfig

from eyechart.config import Config, check
from eyechart.core import paths
from eyechart.core.errors import ConfigError
from eyechart.runner.attempt import FinishedRun, Pruned
from eyechart.runner.export import check_export, export
from eyechart.runner.job import Job
from eyechart.runner.run import PrunerOf, run, run_together
from eyechart.runner.workers import ScoringPool
from eyechart.runs.recovery import close_abandoned
from eyechart.runs.replaced import ignored_before
from eyechart.runs.status import in_a_sentence
from eyechart.runs.tags import CONFIRMS
from eyechart.sweeps.code_changes import about_code
from eyechart.sweeps.plan import Plan, make_plan
from eyechart.sweeps.search.pruner import pruner_of
from eyechart.sweeps.sweep import OpenSweep
from eyechart.tracking import MLflowCourier


def run_job(config: DictConfig, overrides: list[str]) -> float:
    """Check the configuration, train, and say what came of it.

    Args:
        config: as Hydra composed it.
        overrides: what was typed.

    Returns:
        The best value of the monitored metric, or the training accuracy where nothing was held back; NaN where only
        the plan was asked for.
    """
    checked = check(config)
    for notice in checked.notices:
        print(f"notice: {notice}", file=sys.stderr)
    check_export(checked)
    sweep = OpenSweep.of_this_job()
    if sweep is None and checked.confirm:
        raise ConfigError(
            f"confirm={checked.confirm} asks new seeds about what a sweep chose, and this is one run: "
            f"expected -m and values to choose between, as in -m model=fnn,cnn; or leave confirm out"
        )
    if sweep is None and checked.plan:
        print(_plan(checked, overrides).tell(runs=True))
        return math.nan
    outcome = _train_in(sweep, checked, overrides) if sweep else _train_alone(checked, overrides)
    if checked.export is not None:
        export(outcome.run, paths.named("export", checked.export))
    return outcome.run.selection_score


def _plan(checked: Config, overrides: list[str]) -> Plan:
    """The plan of one run."""
    plan = make_plan([overrides], lambda *_: checked)
    (job,) = plan.jobs
    return plan.ignoring_before(ignored_before(job.run)) if job.config.force else plan


def _train_alone(checked: Config, overrides: list[str]) -> FinishedRun:
    """One run that no sweep has asked for."""
    print(f"training {describe(checked)}", flush=True)
    since = _plan(checked, overrides).since if checked.force else None
    with MLflowCourier(checked.tracking) as courier:
        close_abandoned(courier)
        courier.catch_up()
        job = Job.of(checked, overrides)
        for warning in job.warnings:
            print(f"warning: {warning}", flush=True)
        for line in about_code([job]):
            print(f"notice: {line}", file=sys.stderr, flush=True)
        outcome = run(job, courier, since=since)
    if confirms := outcome.run.tags.get(CONFIRMS):
        what = f"this run confirms the choice of sweep {confirms}: it never stands in the row that it confirms"
        print(f"notice: {what}", file=sys.stderr, flush=True)
    print_result(outcome)
    return outcome


def _train_in(sweep: OpenSweep, checked: Config, overrides: list[str]) -> FinishedRun:
    """One run of a sweep, in the process that drives it, or in a worker, where `report_workers` reports it."""
    here, job = sweep.courier is not None, sweep.as_covered(Job.of(checked, overrides))
    with nullcontext(sweep.courier) if sweep.courier else MLflowCourier(checked.tracking) as courier:
        try:
            outcome = run(job, courier, sweep=sweep.id, since=sweep.since, pruner_of=_pruner_of(sweep))
        except Exception as error:
            if isinstance(error, Pruned) and here:
                print(f"{job.name}: {error}", flush=True)
            traceback.clear_frames(error.__traceback__)  # they hold the memory that the next job needs
            raise
    if here:
        print_result(outcome, job.name)
    return outcome


def run_fused(jobs: Sequence[Job], pool: ScoringPool) -> list[Exception | None]:
    """Train runs of this process' sweep as the members of one program, and say what came of them.

    Args:
        jobs: a fused group, as `fused_groups` makes them.
        pool: scores and draws what has been trained.

    Returns:
        Of each job, what went wrong.
    """
    sweep = OpenSweep.of_this_job()
    assert sweep is not None
    assert sweep.courier is not None
    outcomes: Sequence[FinishedRun | Exception]
    try:
        outcomes = run_together(
            jobs, sweep.courier, sweep=sweep.id, since=sweep.since, pruner_of=_pruner_of(sweep), pool=pool
        )
    except Exception as error:
        traceback.clear_frames(error.__traceback__)  # they hold the memory that the next group needs
        outcomes = [error] * len(jobs)
    for job, outcome in zip(jobs, outcomes, strict=True):
        if isinstance(outcome, FinishedRun):
            print_result(outcome, job.name)
        elif isinstance(outcome, Pruned):
            print(f"{job.name}: {outcome}", flush=True)
    return [outcome if isinstance(outcome, Exception) else None for outcome in outcomes]


def _pruner_of(sweep: OpenSweep) -> PrunerOf:
    """From a job of this sweep to its pruner."""
    return lambda job: pruner_of(sweep.search, job.trial, job.config.trainer.epochs)


def describe(config: Config) -> str:
    """One line: what is trained on what, how."""
    kind = type(config.optimizer).__name__
    return (
        f"{config.model_name} on {config.dataset.name}: {config.trainer.epochs} epochs, {kind}, learning rate "
        f"{config.optimizer.learning_rate:g}, batch size {config.trainer.batch_size}, seed {config.seed}, "
        f"{config.backend}"
    )


def print_result(outcome: FinishedRun, name: str = "") -> None:
    """Print the result of a run as one line."""
    result = outcome.run.result
    start = f"{name}: " if name else ""
    share = f" (its share of {result['members']} members)" if "members" in result else ""
    how = f"{result['seconds']:.1f} s of training{share}" if outcome.trained else "finished before, not trained again"
    for warning in () if name else outcome.run.warnings:  # the board at the end of a sweep tells those of its rows
        print(f"warning: {warning}", flush=True)
    print(f"{start}{in_a_sentence(result, outcome.run.diverged)}, {how}, run key {outcome.run.key}", flush=True)
