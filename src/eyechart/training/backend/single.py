"""The variables of one member: what the engines and predictors of one model share on every backend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from eyechart.training.backend.engine import OPTIMIZER


class Single:
    """Weights and optimizer of one member, which lie in the variables of its model and of its optimizer.

    Args:
        model: takes uint8 images, gives probabilities: for each image, or for each image and time step.
        optimizer: built here for the model's variables; None where nothing is learned.
    """

    members = 1

    def __init__(self, model: Any, optimizer: Any = None):
        self._model, self.optimizer = model, optimizer
        if optimizer is not None:
            optimizer.build(model.trainable_variables)

    def weights(self) -> list[dict[str, np.ndarray]]:
        """See `eyechart.training.backend.engine.Engine`."""
        return [weights_of(self._model)]

    def set_weights(self, weights: list[dict[str, np.ndarray]]) -> None:
        """See `eyechart.training.backend.engine.Engine`."""
        _assign(named_variables(self._model), weights)

    def state(self) -> list[dict[str, np.ndarray]]:
        """See `eyechart.training.backend.engine.Engine`."""
        return [_read(named_variables(self._model, self.optimizer))]

    def restore(self, state: list[dict[str, np.ndarray]]) -> None:
        """See `eyechart.training.backend.engine.Engine`."""
        _assign(named_variables(self._model, self.optimizer), state)


def weights_of(model: Any) -> dict[str, np.ndarray]:
    """The weights of a model as `Engine.weights` gives those of a member."""
    return _read(named_variables(model))


def named_variables(model: Any, optimizer: Any = None) -> Iterator[tuple[str, Any]]:
    """The variables of a model, and of its optimizer, each behind the name that it has in a member's state."""
    kinds = {"trainable/": model.trainable_variables, "other/": model.non_trainable_variables}
    if optimizer is not None:
        kinds[OPTIMIZER] = optimizer.variables
    for kind, variables in kinds.items():
        for i, variable in enumerate(variables):
            yield f"{kind}{i}", variable


def _read(named: Iterable[tuple[str, Any]]) -> dict[str, np.ndarray]:
    from keras import ops

    return {name: ops.convert_to_numpy(variable.value) for name, variable in named}


def _assign(named: Iterable[tuple[str, Any]], values: list[dict[str, np.ndarray]]) -> None:
    (member,) = values
    for name, variable in named:
        variable.assign(member[name])
