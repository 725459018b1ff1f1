"""The Optuna study behind a search: a file that outlives the process, asked for trials and told what came of them.

The only module that knows Optuna, beside the callback in `pruner`. The file is Optuna's own journal, one for each
search: it is written ten times as fast as its SQLite, and several processes and machines may write to it at once.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from eyechart.core import paths
from eyechart.core.errors import EyechartError

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

RUN_KEY = "run_key"  # of a trial, among its user attributes
STATES = {"RUNNING": "open", "COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "impossible", "WAITING": "open"}


def need_optuna() -> None:
    """Import Optuna, and silence its log and its warnings of what may change in it.

    Raises:
        EyechartError: it is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise EyechartError(
            "hydra/sweeper=optuna needs the package optuna: expected it to be installed, received none; "
            "type pip install 'eyechart[search]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def load(name: str, *, pruner: Mapping[str, Any] | None = None, maximize: bool | None = None) -> optuna.Study:
    """The study as Optuna knows it.

    Args:
        name: of the search.
        pruner: `_target_` and arguments; None: none.
        maximize: to make the study if it is not there; None: it is.
    """
    need_optuna()
    import optuna
    from hydra.utils import instantiate
    from optuna.storages.journal import JournalFileBackend

    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    parts: dict[str, Any] = {
        "storage": optuna.storages.JournalStorage(JournalFileBackend(str(path), _lock(path))),
        "study_name": name,
        "sampler": optuna.samplers.RandomSampler(),  # until another is needed
        "pruner": instantiate(dict(pruner)) if pruner else optuna.pruners.NopPruner(),
    }
    if maximize is None:
        return optuna.load_study(**parts)
    return optuna.create_study(**parts, direction="maximize" if maximize else "minimize", load_if_exists=True)


def known_states(name: str) -> list[str]:
    """The states of a search's trials, whoever drives it; none if it was never begun."""
    return _states(load(name)) if _path(name).exists() else []


def trial_of(study: optuna.Study, number: int) -> optuna.Trial:
    """A trial that is not settled yet, to be reported to."""
    from optuna.trial import Trial

    return Trial(study, study.get_trials(deepcopy=False)[number]._trial_id)


def give_up(study: optuna.Study, number: int) -> None:
    """The trial is not worth going on with."""
    from optuna.trial import TrialState

    study.tell(number, state=TrialState.PRUNED)


class Study:
    """A search's trials. Only the process that drives the search may have one.

    Args:
        name: of the search.
        maximize: whether a higher value is better.
        sampler: `_target_` of one of Optuna's samplers, and its arguments, of which `seed` must be one.
        pruner: likewise of a pruner; None: no trial is given up.
    """

    def __init__(self, name: str, *, maximize: bool, sampler: Mapping[str, Any], pruner: Mapping[str, Any] | None):
        _cut_half_record(_path(name))
        self.maximize = maximize
        self._sampler = sampler
        self._study = load(name, pruner=pruner, maximize=maximize)

    @property
    def trials(self) -> list[FrozenTrial]:
        """All by now, in the order of their numbers."""
        trials: list[FrozenTrial] = self._study.get_trials(deepcopy=False)
        return trials

    def states(self) -> list[str]:
        """Of each trial: open, complete, pruned or impossible."""
        return _states(self._study)

    def suggestions(self, number: int | None, suggest: Callable[[optuna.Trial], dict[str, str]]) -> dict[str, str]:
        """What a trial takes.

        Args:
            number: of a trial that a process left open; None asks for a new one.
            suggest: from a trial to the values of its parameters.
        """
        # a sampler of its own for each trial, so that it does not matter which process asks for it
        self._study.sampler = _make_sampler(self._sampler, len(self.trials) if number is None else number)
        return suggest(self._study.ask() if number is None else trial_of(self._study, number))

    def note_run(self, number: int, run_key: str) -> None:
        """Remember which run a trial is."""
        trial = self.trials[number]
        if trial.user_attrs.get(RUN_KEY) != run_key:
            trial_of(self._study, number).set_user_attr(RUN_KEY, run_key)

    def pruned_twin(self, run_key: str) -> int | None:
        """The number of a trial of the same run that was given up."""
        twins = (t.number for t in self.trials if t.user_attrs.get(RUN_KEY) == run_key and t.state.name == "PRUNED")
        return next(twins, None)

    def report(self, number: int, values: Mapping[int, float], epochs: int) -> bool:
        """Report the values of a run's epochs, by epoch, to its trial; whether the pruner would give it up.

        Args:
            number: of the trial.
            values: of the monitored metric.
            epochs: of a whole training, after the last of which nothing is given up.
        """
        known = self.trials[number].intermediate_values
        trial = trial_of(self._study, number)
        gives_up = False
        for epoch, value in sorted(values.items()):
            if epoch not in known:
                trial.report(value, epoch)
            gives_up = trial.should_prune() and epoch < epochs  # asked each time: some pruners take note of it
        return gives_up

    def complete(self, number: int, value: float) -> None:
        """The trial came to this value; NaN, of a run that diverged, is the worst."""
        worst = -math.inf if self.maximize else math.inf
        self._study.tell(number, worst if math.isnan(value) else value)

    def give_up(self, number: int) -> None:
        """The trial is not worth going on with."""
        give_up(self._study, number)

    def rule_out(self, number: int) -> None:
        """The trial's values do not go together."""
        from optuna.trial import TrialState

        self._study.tell(number, state=TrialState.FAIL)

    def best(self) -> FrozenTrial | None:
        """The best complete trial that did not diverge, the earliest of several; None if there is none."""
        choose = max if self.maximize else min
        return choose(self._known(), key=lambda trial: trial.value or 0.0, default=None)

    def importances(self) -> dict[str, float]:
        """How much each parameter decides whether a trial is among the best tenth: shares of 1, the largest first.

        By PED-ANOVA (Watanabe et al., https://arxiv.org/abs/2304.10255).

        Raises:
            EyechartError: the trials do not tell.
        """
        from optuna.importance import get_param_importances

        if (known := len(self._known())) < 2:
            raise EyechartError(f"expected 2 complete trials at least, received {known}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there are few trials, which the picture says too
            shares = get_param_importances(self._study, normalize=False)
        total = sum(shares.values())
        if not (total > 0 and math.isfinite(total)):
            raise EyechartError("expected trials that differ in value and in parameters, received all alike")
        return {name: float(share) / total for name, share in shares.items()}

    def _known(self) -> list[FrozenTrial]:
        """The complete trials that came to a number."""
        return [trial for trial in self.trials if trial.state.name == "COMPLETE" and math.isfinite(trial.value or 0)]


def _states(study: optuna.Study) -> list[str]:
    return [STATES[trial.state.name] for trial in study.get_trials(deepcopy=False)]


def _make_sampler(config: Mapping[str, Any], number: int) -> optuna.samplers.BaseSampler:
    """The sampler for the trial of this number. Neighbouring seeds give searches that have nothing in common."""
    import numpy as np
    from hydra.utils import instantiate

    seed = int(np.random.SeedSequence((config["seed"], number)).generate_state(1)[0])
    sampler: optuna.samplers.BaseSampler = instantiate({**config, "seed": seed})
    return sampler


def _path(name: str) -> Path:
    return paths.state() / "searches" / f"{name}.log"


def _lock(path: Path) -> FileLock:
    return FileLock(path.with_suffix(".lock"))  # Optuna's own would outlive a process that was killed


def _cut_half_record(path: Path) -> None:
    """Drop what a full disk left of a record, which Optuna would write on behind."""
    if path.exists():
        with _lock(path):  # workers of a process that was killed may write on
            whole = path.read_bytes().rfind(b"\n") + 1
            if whole < path.stat().st_size:
                os.truncate(path, whole)
