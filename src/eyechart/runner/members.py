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


@dataclass(frozen=True)
class Setup:
    """What runs that are trained together have in common.

    Attributes:
        config: of the first of them.
        dataset: that they are trained on.
        splits: of the data set.
        courier: brings their journals to MLflow.
        rows: whether to print a row per epoch.
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
    """The model, the engine that trains each attempt as a member, and what is to be said of it."""
    from eyechart.models.layer_table import layer_table
    from eyechart.training import losses
    from eyechart.training.backend.assembly import make_engine
    from eyechart.training.backend.choose import set_seed, steps_that_fit, worth_compiling

    config, dataset, splits = setup.config, setup.dataset, setup.splits
    trainer, size = config.trainer, len(splits.train)
    models = []
    for attempt in attempts:  # each begins with the weights of its own seed, as if it were alone
        set_seed(attempt.job.config.seed)
        models.append(config.model.build(dataset.image_shape, len(dataset.class_names)))
    model = models[0]
    layers = layer_table(model)
    for attempt in attempts:
        write_text(attempt.folder / "artifacts" / "layers.txt", layers)
        attempt.journal.append(RecordKind.ARTIFACT, path="artifacts/layers.txt")
    if setup.rows:
        print(f"\n{layers}", flush=True)
    steps_per_epoch = -(-size // trainer.batch_size)
    steps_per_chunk = steps_that_fit(dataset.image_shape, size, trainer.batch_size, trainer.device_gigabytes)
    class_weights = losses.balanced(splits.train.labels, len(dataset.class_names)) if trainer.class_weights else None

    def optimizer(rate: Any) -> Any:
        return config.optimizer.build(config.schedule.build(rate, steps_per_epoch, trainer.epochs), trainer.precision)

    engine, obstacle = make_engine(
        models=models,
        optimizer=optimizer,
        rates=[attempt.job.config.optimizer.learning_rate for attempt in attempts],
        element_wise=config.optimizer.element_wise,
        loss=losses.crossentropy(class_weights),
        augment=config.augmentation.apply if config.augmentation else None,
        images=splits.train.load() if steps_per_chunk is None else splits.train,
        labels=splits.train.labels,
        batch_size=trainer.batch_size,
        steps_per_chunk=steps_per_chunk,
        compiled=worth_compiling(model, device),
        device=device,
    )
    if len(attempts) == 1:
        return model, engine, f"{config.backend}, 1 member"
    together = f"in turn: {obstacle}" if obstacle else "as one program"
    print(f"{len(attempts)} runs of {setup.title}, {together}", flush=True)
    return model, engine, f"{config.backend}, {len(attempts)} members{' in turn' if obstacle else ''}"
