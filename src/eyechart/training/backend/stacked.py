"""The variables of several members, stacked: what the engines that map a model over its members share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from eyechart.training.backend.engine import OPTIMIZER

RATE = "learning_rate"  # Keras' name of the variable in which an optimizer without a schedule keeps it


class Stacked:
    """Weights and optimizer of several members of one model.

    A trainable variable of all members is one of Keras' of shape (members, numbers): a learning rate for each member,
    (members, 1), then fits any, and the optimizer, which takes each number by itself, is Keras' own. What a member's
    state looks like from outside is as if it had been trained alone.

    Args:
        model: whose variables are the pattern; it stays as it is.
        optimizer: makes an optimizer from a learning rate, or from float32 (members, 1).
        rates: the learning rate of each member.
        unrolled: whether its recurrent layers take their time steps without a loop.

    Attributes:
        members: how many.
        optimizer: built for `trainable`.
        trainable: the stacked variables that are learned, in the model's order.
        other: those that are not, each (members, *shape).
    """

    def __init__(self, model: Any, optimizer: Callable[[Any], Any], rates: Sequence[float], *, unrolled: bool):
        import keras

        self._model, self._rates, self.members = model, rates, len(rates)
        self._unrolled = unrolled

        def stacked(variable: Any, shape: tuple[int, ...]) -> Any:
            zeros = np.zeros((self.members, *shape), variable.dtype)
            return keras.Variable(zeros, dtype=variable.dtype, trainable=variable.trainable, name=variable.name)

        self._shapes = [tuple(variable.shape) for variable in model.trainable_variables]
        self.trainable = [stacked(variable, (int(np.prod(variable.shape)),)) for variable in model.trainable_variables]
        self.other = [stacked(variable, tuple(variable.shape)) for variable in model.non_trainable_variables]
        self.optimizer = optimizer(np.array(rates, np.float32)[:, np.newaxis])
        self.optimizer.build(self.trainable)
        alone = optimizer(rates[0])
        alone.build(model.trainable_variables)
        self._alone = [(variable.name, tuple(variable.shape)) for variable in alone.variables]

    @contextmanager
    def unrolling(self) -> Iterator[None]:
        """While a program is made of the model: the model itself, which is saved, stays as it is."""
        layers = [layer for layer in self._model._flatten_layers() if self._unrolled and hasattr(layer, "unroll")]
        before = [layer.unroll for layer in layers]
        try:
            for layer in layers:
                layer.unroll = True
            yield
        finally:
            for layer, unroll in zip(layers, before, strict=True):
                layer.unroll = unroll

    def as_in_the_model(self, trainable: Sequence[Any]) -> list[Any]:
        """Values of `trainable`, each (members, numbers), as (members, *shape of the model's variable)."""
        from keras import ops

        pairs = zip(trainable, self._shapes, strict=True)
        return [ops.reshape(value, (self.members, *shape)) for value, shape in pairs]

    def weights(self) -> list[dict[str, np.ndarray]]:
        """See `eyechart.training.backend.engine.Engine`."""
        return self._read(self._weight_entries())

    def set_weights(self, weights: list[dict[str, np.ndarray]]) -> None:
        """See `eyechart.training.backend.engine.Engine`."""
        self._assign(self._weight_entries(), weights)

    def state(self) -> list[dict[str, np.ndarray]]:
        """See `eyechart.training.backend.engine.Engine`."""
        return self._read([*self._weight_entries(), *self._optimizer_entries()])

    def restore(self, state: list[dict[str, np.ndarray]]) -> None:
        """See `eyechart.training.backend.engine.Engine`."""
        self._assign([*self._weight_entries(), *self._optimizer_entries()], state)

    def _weight_entries(self) -> Iterator[tuple[str, Any, tuple[int, ...]]]:
        """The name that each has in a member's state, the stacked variable, and the shape of a member's share."""
        for i, (variable, shape) in enumerate(zip(self.trainable, self._shapes, strict=True)):
            yield f"trainable/{i}", variable, shape
        for i, variable in enumerate(self.other):
            yield f"other/{i}", variable, tuple(variable.shape[1:])

    def _optimizer_entries(self) -> Iterator[tuple[str, Any, tuple[int, ...]]]:
        """The same for the optimizer. A learning rate has no variable here: the optimizer was made from all of them."""
        mine = iter(self.optimizer.variables)
        for i, (name, shape) in enumerate(self._alone):
            yield f"{OPTIMIZER}{i}", None if name == RATE else next(mine), shape

    def _read(self, entries: Any) -> list[dict[str, np.ndarray]]:
        from keras import ops

        members: list[dict[str, np.ndarray]] = [{} for _ in range(self.members)]
        for name, variable, shape in entries:
            values = np.array(self._rates, np.float32) if variable is None else ops.convert_to_numpy(variable.value)
            for member, state in enumerate(members):
                # of its own, so that a member's best weights do not keep those of all in memory
                state[name] = (values[member] if values.ndim else values).reshape(shape).copy()
        return members

    def _assign(self, entries: Any, values: list[dict[str, np.ndarray]]) -> None:
        for name, variable, _ in entries:
            if variable is None:
                continue
            given = [member[name] for member in values]
            if len(variable.shape):
                variable.assign(np.stack(given).reshape(variable.shape))
            else:  # the count of steps: a member that has ended its training before the others lags behind
                variable.assign(max(given))
