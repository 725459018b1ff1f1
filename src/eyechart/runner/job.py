"""A job: a run that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eyechart.config import Config
from eyechart.core.cli import words_for
from eyechart.data import Dataset, Splits, copies, open_dataset, verify_all
from eyechart.data.groups import shared_groups
from eyechart.data.inequality import inequality
from eyechart.data.settings import check_settings
from eyechart.runs.run import Run
from eyechart.runs.status import RunStatus
from eyechart.runs.tags import CHOICES_KEY


@dataclass(frozen=True)
class Job:
    """A run that is asked for, alone or by a sweep. It knows all that whoever trains it has to know.

    Attributes:
        overrides: what was typed for it.
        config: what that means, with `trainer.validation_fraction` as it really is.
        run_key: of the run.
        name: in tables, made of what was swept; the model and the data set if empty.
        status: how far the run was when it was asked for.
        number: its place in the sweep as it was typed, which `${hydra:job.num}` gives.
        trial: its number in a search; None outside of one.
        warnings: where the classes of its data set are of unequal size, and where copies or groups lie on two sides of
            its parts.
        choices_key: the run key that it would have if the code behind its choices did not count.
        digest: of the data set that the run key is of.
        first_images_key: the run key that it would have if its limit took the first test images; empty: it has that.
        confirms: the id of the sweep whose choice it confirms; empty where it confirms none.
    """

    overrides: tuple[str, ...]
    config: Config
    run_key: str
    name: str
    status: RunStatus
    number: int = 0
    trial: int | None = None
    warnings: tuple[str, ...] = ()
    choices_key: str = ""
    digest: str = ""
    first_images_key: str = ""
    confirms: str = ""

    @classmethod
    def of(cls, config: Config, overrides: Sequence[str] = (), name: str = "", number: int = 0) -> Job:
        """The job of a configuration.

        Raises:
            EyechartError: the data set is not prepared, or not as it is configured, the model cannot read it, or no
                image is left for a part.
        """
        verify_all(config.verify)
        dataset = open_dataset(config.dataset.name)
        check_settings(config.dataset, dataset, words_for("dataset", overrides) or f"dataset={dataset.name}")
        splits = splits_of(config, dataset)
        config = config.resolved(dataset.own_validation)

        def key(config: Config) -> str:
            return config.run_key(dataset.digest, dataset.own_validation)

        run = Run(key(config))
        warning = inequality(dataset.class_counts["train"], dataset.class_names, "training")
        if warning and not config.trainer.class_weights:
            warning += ", or type trainer.class_weights=balanced"
        warnings = (warning, copies.warning(dataset, splits), shared_groups(dataset, splits))
        before = Run(key(config.without_code()))
        if config.code.own and config.code.first and not config.force and _counts_still(before, run):
            run = before
        return cls(
            overrides=tuple(overrides),
            config=config,
            run_key=run.key,
            name=name,
            status=run.status,
            number=number,
            warnings=tuple(filter(None, warnings)),
            choices_key=before.key,
            digest=dataset.digest,
            first_images_key=first if (first := key(config.with_first_images())) != key(config) else "",
        )

    @property
    def run(self) -> Run:
        """The run as it lies on disk."""
        return Run(self.run_key)

    @property
    def before_code(self) -> bool:
        """Whether its result is of a time when the code of a person's own classes was not recorded."""
        return self.config.code.own and self.run_key == self.choices_key

    @property
    def epochs_left(self) -> int:
        """How many epochs there are to train, if none is better for long enough to stop before."""
        return 0 if self.status.ended else self.config.trainer.epochs - self.status.epochs


def _counts_still(before: Run, run: Run) -> bool:
    """Whether a run is handed back whose code nobody recorded: as long as none is of whose code it is known."""
    if not before.finished or run.status.begun is not None:
        return False
    return not any(other.tags.get(CHOICES_KEY) == before.key for other in Run.all())


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
        limit_order=config.limit_order,
    )
