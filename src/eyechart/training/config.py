"""The typed configuration of the loop over epochs."""

from __future__ import annotations

from dataclasses import dataclass

from eyechart.core.errors import ConfigError
from eyechart.core.schema import at_least, one_of

DEVICES = ("auto", "cpu", "gpu")
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
MONITORS = ("validation/accuracy", "validation/loss")


@dataclass
class TrainerConfig:
    """How long, how much at a time, on what.

    Attributes:
        epochs: the last epoch, counted from 1.
        batch_size: images per step.
        validation_fraction: share of the training images held back, in [0, 1); None: the data set's own validation
            part, or a tenth where it has none; 0: nothing, its own part included, and the last epoch counts.
        split_seed: which images are held back: the n-th of 1 / validation_fraction folds. Never the run's seed.
        class_weights: `balanced`: images of rare classes count more, so that all classes count the same; null: no.
        precision: `float32`, `mixed_float16` or `mixed_bfloat16`.
        device: `auto`, `cpu` or `gpu`.
        device_gigabytes: training images beyond this go through the device in chunks, which changes no result.
    """

    epochs: int = 10
    batch_size: int = 128
    validation_fraction: float | None = None
    split_seed: int = 0
    class_weights: str | None = None
    precision: str = "float32"
    device: str = "auto"
    device_gigabytes: float = 4.0

    def check(self) -> None:
        """Raise ConfigError for a value that no training can work with."""
        one_of("trainer.device", self.device, DEVICES)
        one_of("trainer.precision", self.precision, PRECISIONS)
        if self.class_weights is not None:
            one_of("trainer.class_weights", self.class_weights, ("balanced",))
        at_least("trainer.epochs", self.epochs, 1)
        at_least("trainer.batch_size", self.batch_size, 1)
        at_least("trainer.split_seed", self.split_seed, 0)
        if not self.device_gigabytes > 0:
            raise ConfigError(f"trainer.device_gigabytes must be above 0, received {self.device_gigabytes}")
        if self.validation_fraction is not None and not 0 <= self.validation_fraction < 1:
            raise ConfigError(f"trainer.validation_fraction must lie in [0, 1), received {self.validation_fraction}")


@dataclass
class CallbacksConfig:
    """What happens between epochs.

    Attributes:
        monitor: the metric that chooses the best epoch and the best run.
        patience: stop after so many epochs without improvement; null: never.
        min_delta: what counts as an improvement when deciding to stop.
    """

    monitor: str = "validation/accuracy"
    patience: int | None = None
    min_delta: float = 0.0

    def check(self) -> None:
        """Raise ConfigError for a value that makes no sense."""
        one_of("callbacks.monitor", self.monitor, MONITORS)
        at_least("callbacks.min_delta", self.min_delta, 0)
        if self.patience is not None:
            at_least("callbacks.patience", self.patience, 1)
