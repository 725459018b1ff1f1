"""Keras' optimizers as typed choices: what `conf/optimizer/*.yaml` may set, checked before Keras is imported."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC
from dataclasses import dataclass
from typing import Any, ClassVar

from eyechart.core.errors import ConfigError
from eyechart.core.schema import at_least


@dataclass(frozen=True)
class Optimizer(ABC):
    """One of Keras' optimizers; the fields are arguments of its constructor of the same names.

    Args:
        learning_rate: the size of a step, above 0; a schedule scales it.

    Attributes:
        keras_name: of the class in `keras.optimizers`.
        element_wise: whether a number changes by its own gradient and history alone, so that several networks can
            have one optimizer in common.
    """

    learning_rate: float
    keras_name: ClassVar[str]
    element_wise: ClassVar[bool] = False

    def check(self) -> None:
        """Raise ConfigError for a value that no optimizer can work with."""
        for name in ("learning_rate", "epsilon"):
            if not 0 < getattr(self, name, 1) < math.inf:
                raise ConfigError(f"optimizer.{name} must be above 0, received {getattr(self, name)}")
        for name in ("momentum", "rho", "beta_1", "beta_2"):
            if not 0 <= getattr(self, name, 0) < 1:
                raise ConfigError(f"optimizer.{name} must lie in [0, 1), received {getattr(self, name)}")
        at_least("optimizer.weight_decay", getattr(self, "weight_decay", 0), 0)

    def build(self, learning_rate: Any, precision: str) -> Any:
        """The Keras optimizer, with `learning_rate` (a float or a Keras schedule) in place of the configured one.

        Under `mixed_float16` it scales the loss, so that small gradients do not vanish in half precision.
        """
        import keras

        arguments = dataclasses.asdict(self) | {"learning_rate": learning_rate}
        optimizer = getattr(keras.optimizers, self.keras_name)(**arguments)
        if precision == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        return optimizer


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for."""

    keras_name = "SGD"
    element_wise = True
    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba, arXiv 1412.6980)."""

    keras_name = "Adam"
    element_wise = True
    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101)."""

    keras_name = "AdamW"
    element_wise = True
    learning_rate: float = 0.001
    weight_decay: float = 0.004
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop (Tieleman and Hinton, 2012)."""

    keras_name = "RMSprop"
    element_wise = True
    learning_rate: float = 0.001
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
