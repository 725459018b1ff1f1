"""Learning-rate schedules as typed choices: what `conf/schedule/*.yaml` may set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from eyechart.core.errors import ConfigError


@dataclass(frozen=True)
class Schedule(ABC):
    """How the learning rate changes over a run."""

    def check(self) -> None:  # noqa: B027
        """Raise ConfigError for a value that makes no schedule."""

    @abstractmethod
    def build(self, learning_rate: Any, steps_per_epoch: int, epochs: int) -> Any:
        """A float or a `keras.optimizers.schedules.LearningRateSchedule` that starts from `learning_rate`.

        Args:
            learning_rate: a float, or float32 (members, 1) of several networks that are trained together: then a
                schedule, whose every rate is of that shape.
            steps_per_epoch: steps in an epoch.
            epochs: of the whole training.
        """


@dataclass(frozen=True)
class Constant(Schedule):
    """The same learning rate from start to end."""

    def build(self, learning_rate: Any, steps_per_epoch: int, epochs: int) -> Any:  # noqa: D102
        if not isinstance(learning_rate, np.ndarray):
            return learning_rate
        import keras

        return keras.optimizers.schedules.ExponentialDecay(learning_rate, 1, 1.0)  # Keras' optimizers take no array


@dataclass(frozen=True)
class Cosine(Schedule):
    """From the learning rate down to a share of it along half a cosine (Loshchilov and Hutter, arXiv 1608.03983).

    Args:
        final: the last learning rate as a share of the first, in [0, 1].
        warmup_epochs: epochs in which the learning rate first rises from 0, in a straight line.
    """

    final: float = 0.0
    warmup_epochs: int = 0

    def check(self) -> None:  # noqa: D102
        if not 0 <= self.final <= 1:
            raise ConfigError(f"schedule.final must lie in [0, 1], received {self.final}")
        if self.warmup_epochs < 0:
            raise ConfigError(f"schedule.warmup_epochs must be 0 or more, received {self.warmup_epochs}")

    def build(self, learning_rate: Any, steps_per_epoch: int, epochs: int) -> Any:  # noqa: D102
        import keras

        warmup = self.warmup_epochs * steps_per_epoch
        return keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if warmup else learning_rate,
            warmup_target=learning_rate if warmup else None,
            warmup_steps=warmup,
            decay_steps=max(1, epochs * steps_per_epoch - warmup),
            alpha=self.final,
        )


@dataclass(frozen=True)
class Exponential(Schedule):
    """Multiplied by the same factor after each epoch, smoothly in between.

    Args:
        factor: of one epoch, in (0, 1].
    """

    factor: float = 0.9

    def check(self) -> None:  # noqa: D102
        if not 0 < self.factor <= 1:
            raise ConfigError(f"schedule.factor must lie in (0, 1], received {self.factor}")

    def build(self, learning_rate: Any, steps_per_epoch: int, epochs: int) -> Any:  # noqa: D102
        import keras

        return keras.optimizers.schedules.ExponentialDecay(learning_rate, steps_per_epoch, self.factor)
