"""A job: a run that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eyechart.config import Config
from eyechart.core.cli import words_for
from eyechart.data import Dataset, Splits, open_dataset, verify_all
from eyechart.data.inequality import inequality
from eyechart.data.settings import check_settings
from eyechart.runs.run import Run
from eyechart.runs.status import RunStatus


@dataclass(frozen=True)
class Job:
    """A run that is asked for, alone or by a sweep. It knows all that whoever trains it has to know.

    Attributes:
        overrides: what was typed for it.
        config: what that means, with `trainer.validation_fraction` as it really is.
        run_key: of the run.
        name: in tables, made of what was swept; the model and the data set if empty.
        status: how far the run was when it was asked for.
        trial: its number in a search; None outside of one.
        warning: where the classes of its data set are of unequal size; None: they are not.
    """

    overrides: tuple[str, ...]
    config: Config
    run_key: str
    name: str
    status: RunStatus
    trial: int | None = None
    warning: str | None = None

    @classmethod
    def of(cls, config: Config, overrides: Sequence[str] = (), name: str = "") -> Job:
        """The job of a configuration.

        Raises:
            EyechartError: the data set is not prepared, or not as it is configured, the model cannot read it, or no
                image is left for a part.
        """
        verify_all(config.verify)
        dataset = open_dataset(config.dataset.name)
        check_settings(config.dataset, dataset, words_for("dataset", overrides) or f"dataset={dataset.name}")
        splits_of(config, dataset)
        config = config.resolved(dataset.own_validation)
        run = Run(config.run_key(dataset.digest, dataset.own_validation))
        warning = inequality(dataset.class_counts["train"], dataset.class_names, "training")
        if warning and not config.trainer.class_weights:
            warning += ", or type trainer.class_weights=balanced"
        return cls(tuple(overrides), config, run.key, name, run.status, warning=warning)

    @property
    def run(self) -> Run:
        """The run as it lies on disk."""
        return Run(self.run_key)

    @property
    def epochs_left(self) -> int:
        """How many epochs there are to train, if none is better for long enough to stop before."""
        return 0 if self.status.ended else self.config.trainer.epochs - self.status.epochs


def splits_of(config: Config, dataset: Dataset) -> Splits:
    """Check that a configuration and a data set go together, and cut the data set as the configuration says.

    Raises:
        EyechartError: the model cannot read the images, or no image would be left for a part.
    """
    config.model.check(dataset.image_shape)
    return dataset.split(
        validation_fraction=config.trainer.validation_fraction,
        split_seed=config.trainer.split_seed,
        limit=config.limit,
    )
