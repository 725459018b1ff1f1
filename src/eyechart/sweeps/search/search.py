"""A search: trials chosen by Optuna from what earlier ones came to, until there are as many as were asked for.

It is known by what decides its course (`Search.name`). Typed again, it takes up what was left open, and asks for the
trials that are missing. A trial that failed stays open, so each command tries it once more.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart.core.errors import ConfigError, EyechartError
from eyechart.core.files import replacing
from eyechart.core.words import counted
from eyechart.runner.job import Job
from eyechart.sweeps.confirm import seeds_asked
from eyechart.sweeps.drive import Launch, SweepSummary, closing
from eyechart.sweeps.plan import Configure, Plan, make_plan
from eyechart.sweeps.search.space import Space, words
from eyechart.sweeps.search.study import RUN_KEY, Study, known_states, need_optuna
from eyechart.sweeps.sweep import OpenSweep

if TYPE_CHECKING:
    import pandas as pd

TRIALS, HISTORY, IMPORTANCE = "trials.csv", "search_history.png", "parameter_importance.png"


@dataclass(frozen=True)
class Search:
    """What is searched, and how.

    Args:
        space: what may be chosen.
        sampler: `_target_` of one of Optuna's samplers, and its arguments.
        pruner: likewise of a pruner; None: no trial is given up.
        n_trials: how many trials the search has in all.
        n_jobs: how many are chosen at once and trained together.
    """

    space: Space
    sampler: Mapping[str, Any]
    pruner: Mapping[str, Any] | None
    n_trials: int
    n_jobs: int

    def plan(self, configure: Configure) -> Plan:
        """The jobs that stand for all, checked: each choice, and both ends of each range.

        Raises:
            EyechartError: Optuna is not installed, one of the jobs cannot be, or there is nothing to search by.
        """
        need_optuna()
        for name, number in (("n_trials", self.n_trials), ("n_jobs", self.n_jobs)):
            if type(number) is not int or number < 1:
                raise ConfigError(f"hydra.sweeper.{name} must be a whole number above 0, received {number}")
        try:
            plan = make_plan(self.space.points(), configure)
        except ConfigError as error:
            whole = "; type int(interval(LOW,HIGH)) for whole numbers" if "to Integer" in str(error) else ""
            raise ConfigError(f"{error}{whole}") from None
        configs = [job.config for job in plan.jobs]
        if any(config.force for config in configs):
            raise ConfigError(
                "a search trains no run anew: expected force=false, received force=true; "
                "train the run anew by itself, or search with another seed=..."
            )
        if any(config.trainer.validation_fraction == 0 for config in configs):
            raise ConfigError(
                "a search goes by images that are held back: expected trainer.validation_fraction above 0, received 0; "
                "hold some back, or type hydra/sweeper=grid"
            )
        if len({_held_back(job) for job in plan.jobs}) > 1:
            raise ConfigError(
                "a search goes by the same images in every trial: expected one value of dataset, limit, "
                "trainer.validation_fraction and trainer.split_seed, received several; "
                "leave them out of what is searched, or type hydra/sweeper=grid"
            )
        monitors = sorted({config.callbacks.monitor for config in configs})
        if len(monitors) > 1:
            raise ConfigError(
                f"a search goes by one metric: expected one value of callbacks.monitor, received {', '.join(monitors)}"
            )
        return plan

    def name(self, plan: Plan) -> str:
        """What the search is known by, 20 hexadecimal digits: of all that decides its course.

        Args:
            plan: the jobs that stand for all, of which the first is always the same one.
        """
        base = plan.jobs[0]
        space = {name: repr(parameter) for name, parameter in self.space.parameters.items()}
        decides: list[Any] = [base.run_key, space, self.sampler, self.pruner]
        decides += [base.config.callbacks.monitor, base.config.tracking.experiment_name]
        codes = sorted({json.dumps(job.config.code.tokens, sort_keys=True) for job in plan.jobs})
        decides += [codes] if codes != ["{}"] else []  # one may choose between networks of a person's own
        return hashlib.sha256(json.dumps(decides, sort_keys=True, default=dict).encode()).hexdigest()[:20]


def run_search(search: Search, plan: Plan, configure: Configure, command: str, launch: Launch) -> float | None:
    """Ask for trials, have them trained, and close the search with what it found.

    Args:
        search: what is searched.
        plan: the jobs that stand for all, checked.
        configure: from a job's overrides to its checked configuration.
        command: what was typed.
        launch: trains some jobs, and returns a line for each that failed.

    Returns:
        The best value; None if no trial is complete. With `plan=true` it is told what would be done, and nothing is.

    Raises:
        EyechartError: another process drives the same search, or at the end trials failed.
    """
    base = plan.jobs[0]
    monitor, tracking = base.config.callbacks.monitor, base.config.tracking
    name, maximize = search.name(plan), not monitor.endswith("loss")
    seeds = seeds_asked(plan.jobs)
    if base.config.plan:
        print(f"search for the {'highest' if maximize else 'lowest'} {monitor} over")
        print("\n".join(search.space.lines()))
        print(_summary(known_states(name), search.n_trials))
        if seeds:
            print(f"then confirm: 2 rows x {counted(seeds, 'seed')}")
        return None
    sweep = OpenSweep.start(
        [],
        command,
        tracking,
        name=f"search over {', '.join(search.space.parameters)}",
        identity=f"search-{name}",
        search={"study": name, "monitor": monitor, "pruner": search.pruner},
    )
    with closing(sweep, tracking) as summary:
        study = Study(name, maximize=maximize, sampler=search.sampler, pruner=search.pruner)
        driver = _Driver(search, study, monitor, configure, launch, summary)
        print(_summary(study.states(), search.n_trials), flush=True)
        driver.drive()
        if seeds:
            summary.confirm(seeds, driver.job_of, configure, launch, together=plan.together)
        summary.files += driver.write(sweep.folder)
    try:
        summary.conclude()
    finally:
        print(driver.conclusion())
    best = study.best()
    return best.value if best else None


def _held_back(job: Job) -> tuple[Any, ...]:
    """What decides which images a job holds back."""
    config, cut = job.config, job.config.trainer.validation_fraction is not None  # else it is the data set's own part
    chosen = (config.trainer.validation_fraction, config.trainer.split_seed, config.limit[0]) if cut else ()
    return job.digest, repr(config.dataset), chosen


def _summary(states: Sequence[str], n_trials: int) -> str:
    """How far the search is, in one line."""
    parts = [f"{states.count(state)} {state}" for state in ("complete", "pruned", "impossible") if state in states]
    taken_up = states[:n_trials].count("open")
    parts += [f"{taken_up} to be taken up again"] if taken_up else []
    parts += [f"{max(0, n_trials - len(states))} to be chosen"]
    return f"{max(n_trials, len(states))} trials: {', '.join(parts)}"


@dataclass
class _Driver:
    """Brings the trials of one search to their end, as far as one command does."""

    search: Search
    study: Study
    monitor: str
    configure: Configure
    launch: Launch
    summary: SweepSummary
    _tried: set[int] = field(default_factory=set)  # the numbers of the trials that this command has looked at

    def drive(self) -> None:
        """Batch after batch, until all trials have been tried."""
        while batch := self._next_batch():
            jobs = [job for number, values in batch.items() if (job := self._job(number, values))]
            self.summary.sweep.cover(jobs)
            left = [job for job in jobs if self._is_left(job)]
            if left:
                # of two trials that are the same work, the one that the sweep's manifest tells of
                self.summary.failures += self.launch(list({job.run_key: job for job in left}.values()))
            for job in jobs:
                self._settle(job)

    def _next_batch(self) -> dict[int, dict[str, str]]:
        """The next trials: those left open first, then new ones until their number is a multiple of `n_jobs`.

        So a search that was interrupted asks for each trial when an undisturbed one would.
        """
        suggest, n_jobs = self.search.space.suggest, self.search.n_jobs
        states = self.study.states()[: self.search.n_trials]
        left = [number for number, state in enumerate(states) if state == "open" and number not in self._tried]
        batch = {number: self.study.suggestions(number, suggest) for number in left[:n_jobs]}
        while len(batch) < n_jobs and (count := len(self.study.trials)) < self.search.n_trials:
            if batch and count % n_jobs == 0:
                break
            batch[count] = self.study.suggestions(None, suggest)
        self._tried |= set(batch)
        return batch

    def _job(self, number: int, values: Mapping[str, str]) -> Job | None:
        """The job of a trial; None if its values, each of which can be, do not go together."""
        name = " ".join(words(values))
        try:
            (job,) = make_plan([self.search.space.job(values)], lambda job, _: self.configure(job, number)).jobs
        except EyechartError as error:
            self.study.rule_out(number)
            print(f"{name}: impossible, {error}", flush=True)
            return None
        self.study.note_run(number, job.run_key)
        return dataclasses.replace(job, name=name, number=number, trial=number)

    def job_of(self, run_key: str) -> Job:
        """The job of a trial's run. Raises EyechartError where the study does not know it."""
        for trial in self.study.trials:
            if trial.user_attrs.get(RUN_KEY) == run_key:
                values = self.search.space.suggest(trial)
                (job,) = make_plan([self.search.space.job(values)], self.configure).jobs
                return dataclasses.replace(job, name=" ".join(words(values)), number=trial.number)
        raise EyechartError(f"the search knows no run {run_key}: move its sweep's folder away, and search again")

    def _is_left(self, job: Job) -> bool:
        """Whether the run of a trial is to be trained; says so if it was trained before.

        That a run is finished is told to the study with the others of its batch: none of them may know of it earlier.
        """
        assert job.trial is not None
        run = job.run
        if run.finished:
            value = f"{self.monitor} {run.selection_score:.4f}" if not run.diverged else "diverged"
            print(f"{job.name}: {value}, finished before, not trained again", flush=True)
            return False
        if self._report(job) or self.study.pruned_twin(job.run_key) is not None:
            self.study.give_up(job.trial)
            print(f"{job.name}: given up before, not trained again", flush=True)
            return False
        return True

    def _settle(self, job: Job) -> None:
        """Tell the study what a trial came to. One that came to nothing stays open."""
        assert job.trial is not None
        if self.study.states()[job.trial] != "open":
            return  # the process that trained it gave it up
        run = job.run
        if run.finished:
            self._report(job)
            self.study.complete(job.trial, math.nan if run.diverged else run.selection_score)
        elif self.study.pruned_twin(job.run_key) is not None:
            self.study.give_up(job.trial)

    def _report(self, job: Job) -> bool:
        """Report the epochs of a run that its trial has not heard of; whether the pruner would give it up."""
        assert job.trial is not None
        if self.search.pruner is None:
            return False
        return self.study.report(job.trial, job.run.metrics(self.monitor), job.config.trainer.epochs)

    def conclusion(self) -> str:
        """The best trial in one line."""
        best = self.study.best()
        if best is None:
            complete = self.study.states().count("complete")
            return f"all {complete} complete trials diverged" if complete else "no trial is complete yet"
        typed = " ".join(words(self.search.space.suggest(best)))
        return f"best of the search: {self.monitor} {best.value:.4f} with {typed} (trial {best.number})"

    def table(self) -> pd.DataFrame:
        """A row per trial: `trial`, `state`, the monitored metric, `given_up_after`, its parameters, `run_key`."""
        import pandas as pd

        rows = []
        for trial, state in zip(self.study.trials, self.study.states(), strict=True):
            row = {"trial": trial.number, "state": state, self.monitor: trial.value, "given_up_after": None}
            if state == "pruned":
                row["given_up_after"] = trial.last_step
            if len(trial.params) == len(self.search.space.parameters):  # else its process was killed while it chose
                row |= self.search.space.suggest(trial)
            rows.append(row | {"run_key": trial.user_attrs.get(RUN_KEY)})
        return pd.DataFrame(rows)

    def write(self, folder: Path) -> list[str]:
        """Write the trials as a table and as pictures, and return the names of the files."""
        from eyechart.figures import parameter_importance, save, search_history

        table = self.table()
        with replacing(folder / TRIALS) as temporary:
            table.to_csv(temporary, index=False)
        save(search_history(table, self.monitor, maximize=self.study.maximize), folder / HISTORY)
        try:
            importances = self.study.importances()
        except EyechartError as error:
            print(f"no picture of which parameter matters: {error}", flush=True)
            return [TRIALS, HISTORY]
        complete = int((table["state"] == "complete").sum())
        save(parameter_importance(importances, self.monitor, complete), folder / IMPORTANCE)
        return [TRIALS, HISTORY, IMPORTANCE]
