"""What runs that are trained together have in common, and the engine that trains each as a member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eyechart.config import Config
from eyechart.core.files import write_text
from eyechart.data import Dataset, Splits
from eyechart.runner.attempt import Attempt
from eyechart.runs.courier import Courier
from eyechart.runs.journal import RecordKind

if TYPE_CHECKING:
    from eyechart.runner.workers import ScoringPool
    from eyechart.training.backend.engine import Engine
    from eyechart.training.backend.recipe import Recipe, TrainingData


@dataclass(frozen=True)
class Setup:
    """What runs that are trained together have in common.

    Attributes:
        config: of the first of them.
        dataset: that they are trained on.
        splits: of the data set.
        courier: brings their journals to MLflow.
        rows: whether to print the layers, and a row per epoch.
        pool: scores and draws; None: this process does.
    """

    config: Config
    dataset: Dataset
    splits: Splits
    courier: Courier
    rows: bool
    pool: ScoringPool | None

    @property
    def title(self) -> str:
        """The model and the data set."""
        return f"{self.config.model_name} on {self.dataset.name}"


def build_engine(attempts: Sequence[Attempt], setup: Setup, device: str) -> tuple[Any, Engine, str]:
    """The model, the engine that trains each attempt as a member, and the text of the tag that names the engine."""
    from eyechart.training.backend.assembly import make_engine
    from eyechart.training.backend.choose import worth_compiling
    from eyechart.training.backend.recipe import Execution

    config = setup.config
    models = _build_models(attempts, setup)
    model = models[0]
    _record_layers(model, attempts, setup)
    engine, obstacle = make_engine(
        models=models,
        rates=[attempt.job.config.optimizer.learning_rate for attempt in attempts],
        recipe=_recipe(setup),
        data=_training_data(setup),
        execution=Execution(device, compiled=worth_compiling(model, device)),
    )
    if len(attempts) == 1:
        return model, engine, f"{config.backend}, 1 member"
    together = f"in turn: {obstacle}" if obstacle else "as one program"
    print(f"{len(attempts)} runs of {setup.title}, {together}", flush=True)
    return model, engine, f"{config.backend}, {len(attempts)} members{' in turn' if obstacle else ''}"


def _build_models(attempts: Sequence[Attempt], setup: Setup) -> list[Any]:
    """The model of each attempt, with the weights of its own seed, as if it were alone."""
    from eyechart.training.backend.choose import set_seed

    models = []
    for attempt in attempts:
        set_seed(attempt.job.config.seed)
        models.append(setup.config.model.build(setup.dataset.image_shape, len(setup.dataset.class_names)))
    return models


def _record_layers(model: Any, attempts: Sequence[Attempt], setup: Setup) -> None:
    from eyechart.models.layer_table import layer_table

    layers = layer_table(model)
    for attempt in attempts:
        write_text(attempt.folder / "artifacts" / "layers.txt", layers)
        attempt.journal.append(RecordKind.ARTIFACT, path="artifacts/layers.txt")
    if setup.rows:
        print(f"\n{layers}", flush=True)


def _recipe(setup: Setup) -> Recipe:
    from eyechart.training import losses
    from eyechart.training.backend.recipe import Recipe

    config, train = setup.config, setup.splits.train
    trainer = config.trainer
    steps_per_epoch = -(-len(train) // trainer.batch_size)
    class_weights = losses.balanced(train.labels, len(setup.dataset.class_names)) if trainer.class_weights else None

    def optimizer(rate: Any) -> Any:
        return config.optimizer.build(config.schedule.build(rate, steps_per_epoch, trainer.epochs), trainer.precision)

    return Recipe(
        optimizer=optimizer,
        loss=losses.crossentropy(class_weights),
        batch_size=trainer.batch_size,
        augment=config.augmentation.apply if config.augmentation else None,
        element_wise=config.optimizer.element_wise,
    )


def _training_data(setup: Setup) -> TrainingData:
    from eyechart.training.backend.choose import steps_that_fit
    from eyechart.training.backend.recipe import TrainingData

    train, trainer = setup.splits.train, setup.config.trainer
    steps = steps_that_fit(setup.dataset.image_shape, len(train), trainer.batch_size, trainer.device_gigabytes)
    return TrainingData(train.load() if steps is None else train, train.labels, steps)
