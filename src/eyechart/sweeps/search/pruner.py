"""The callback that tells a search's study of each epoch, in the process that trains, and gives hopeless runs up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eyechart.sweeps.search.study import give_up, load, trial_of

if TYPE_CHECKING:
    import optuna

    from eyechart.training.callback import EpochRecord
    from eyechart.training.member import Member


class StudyPruner:
    """Reports the monitored metric of each epoch to a trial, and asks the study's pruner whether to go on.

    What it knows is in the study, so it has no state of its own to be kept in a checkpoint.

    Args:
        study: with its pruner.
        number: of the trial.
        monitor: the metric that the search goes by.
        epochs: of a whole training: after the last one nothing is given up.
    """

    def __init__(self, study: optuna.Study, number: int, monitor: str, epochs: int):
        self._study, self._number, self._monitor, self._epochs = study, number, monitor, epochs
        self._trial = trial_of(study, number)
        self._reported = set(study.get_trials(deepcopy=False)[number].intermediate_values)
        self.gave_up = False

    def __call__(self, record: EpochRecord, member: Member) -> bool:  # noqa: D102
        from optuna.exceptions import UpdateFinishedTrialError

        if record.diverged:  # it ends by itself, and is finished
            return False
        try:
            if record.epoch not in self._reported:
                self._trial.report(record.metrics[self._monitor], record.epoch)
            if record.epoch < self._epochs and self._trial.should_prune():
                give_up(self._study, self._number)
                self.gave_up = True
        except UpdateFinishedTrialError:  # the process that trained it before gave it up
            self.gave_up = True
        return self.gave_up

    def state(self) -> dict[str, Any]:  # noqa: D102
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: D102
        pass


def pruner_of(search: dict[str, Any] | None, trial: int | None, epochs: int) -> StudyPruner | None:
    """The pruner of a job; None where nothing is given up, and Optuna is not imported then.

    Args:
        search: what the job's sweep says of the search that it is a trial of.
        trial: its number in the search.
        epochs: of a whole training.
    """
    if search is None or trial is None or search["pruner"] is None:
        return None
    return StudyPruner(load(search["study"], pruner=search["pruner"]), trial, search["monitor"], epochs)
