"""The engine on JAX: a jitted loop over the steps of an epoch, with the state handed through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eyechart.training.backend.pieces import chunks, in_pieces, prediction_batches


def find_device(device: str) -> str:
    """`gpu` or `cpu`: what will be used."""
    return "cpu" if device == "cpu" or jax.default_backend() == "cpu" else "gpu"


class Engine:
    """See `eyechart.training.backend.Engine`, and the arguments at the engine on TensorFlow.

    JAX compiles every program; without `compiled`, on a CPU, that is one step and not a loop of them: XLA's
    convolutions are four times slower within a loop there (measured). Between epochs the state lies in this object;
    the model's own variables follow after each epoch, so that the model can be saved at any time.
    """

    def __init__(
        self,
        *,
        model: Any,
        optimizer: Any,
        loss: Callable[[Any, Any], Any],
        augment: Callable[[Any, Any], Any] | None = None,
        images: Any,
        labels: np.ndarray,
        batch_size: int,
        steps_per_chunk: int | None,
        compiled: bool,
        device: str,
    ):
        self._model, self._optimizer, self._loss, self._augment = model, optimizer, loss, augment
        self._images, self._labels = images, labels
        self._batch_size, self._steps_per_chunk = batch_size, steps_per_chunk
        self._device = jax.devices("cpu")[0] if device == "cpu" else jax.devices()[0]
        optimizer.build(model.trainable_variables)
        if steps_per_chunk is None:
            self._resident = jax.device_put((images, labels), self._device)
        self._looped = compiled or device != "cpu"
        self._steps = jax.jit(self._run_steps, donate_argnums=0)
        self._step = jax.jit(self._learn, donate_argnums=0)
        self._probabilities = jax.jit(self._predict_batch)

    def epoch(  # noqa: D102
        self, orders: np.ndarray, tick: Callable[[int], None], draws: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        (order,) = orders
        batch_size = self._batch_size
        carry = (self._read_variables(), jnp.zeros(2))  # totals: sums over the epoch of loss and right answers
        carry = jax.device_put(carry, self._device)
        for part in chunks(order, self._steps_per_chunk, batch_size):
            if self._steps_per_chunk is None:
                data = (*self._resident, None if draws is None else jax.device_put(draws[0], self._device))
                positions = jax.device_put(part, self._device)
            else:
                chunk = (self._images[part], self._labels[part], None if draws is None else draws[0, part])
                data = jax.device_put(chunk, self._device)
                positions = jnp.arange(len(part), dtype=jnp.int32)
            steps = len(part) // batch_size

            def run(start: int, stop: int, data=data, positions=positions) -> None:  # type: ignore[no-untyped-def]
                nonlocal carry
                if self._looped:
                    carry = self._steps(carry, data, positions, start, stop)
                else:
                    for first in range(start * batch_size, stop * batch_size, batch_size):
                        carry = self._step(carry, data, positions[first : first + batch_size])
                jax.block_until_ready(carry)

            in_pieces(steps, batch_size, run, tick)
            if rest := len(part) - steps * batch_size:
                carry = self._step(carry, data, positions[-rest:])
                tick(rest)
        state, totals = carry
        self._write_variables(state)
        loss, right = np.asarray(totals, np.float64) / len(order)
        return np.array([loss]), np.array([right])

    def _run_steps(self, carry: Any, data: Any, positions: Any, start: Any, stop: Any) -> Any:
        def step(index: Any, carry: Any) -> Any:
            batch = jax.lax.dynamic_slice(positions, (index * self._batch_size,), (self._batch_size,))
            return self._learn(carry, data, batch)

        return jax.lax.fori_loop(start, stop, step, carry)

    def _learn(self, carry: Any, data: Any, positions: Any) -> Any:
        """One step: forward, backward, update."""
        (trainable, other, optimizer), totals = carry
        images, labels, draws = data
        batch, truth = images[positions], labels[positions]
        if self._augment is not None:
            batch = self._augment(batch, draws[positions])

        def forward(trainable: Any) -> Any:
            probabilities, state, losses = self._model.stateless_call(
                trainable, other, batch, training=True, return_losses=True
            )
            loss = self._loss(truth, probabilities) + sum(losses)
            return self._optimizer.scale_loss(loss), (loss, probabilities, state)

        gradients, (loss, probabilities, other) = jax.grad(forward, has_aux=True)(trainable)
        trainable, optimizer = self._optimizer.stateless_apply(optimizer, gradients, trainable)
        if probabilities.ndim == 3:  # a model that answers after each time step is judged by its last answer
            probabilities = probabilities[:, -1]
            loss = self._loss(truth, probabilities)
        right = jnp.sum(jnp.argmax(probabilities, axis=-1) == truth)
        totals = totals + jnp.stack([loss * len(positions), right.astype(jnp.float32)])
        return (trainable, other, optimizer), totals

    def predict(self, images: np.ndarray) -> Iterator[np.ndarray]:  # noqa: D102
        trainable, other, _ = jax.device_put(self._read_variables(), self._device)
        for batch, known in prediction_batches(len(images)):
            probabilities = self._probabilities(trainable, other, jax.device_put(images[batch], self._device))
            yield np.asarray(probabilities)[np.newaxis, known:]

    def _predict_batch(self, trainable: Any, other: Any, batch: Any) -> Any:
        return self._model.stateless_call(trainable, other, batch, training=False)[0]

    def weights(self) -> list[dict[str, np.ndarray]]:  # noqa: D102
        return [{name: np.asarray(variable.value) for name, variable in self._named_variables(2)}]

    def set_weights(self, weights: list[dict[str, np.ndarray]]) -> None:  # noqa: D102
        self._assign(self._named_variables(2), weights)

    def state(self) -> list[dict[str, np.ndarray]]:  # noqa: D102
        return [{name: np.asarray(variable.value) for name, variable in self._named_variables(3)}]

    def restore(self, state: list[dict[str, np.ndarray]]) -> None:  # noqa: D102
        self._assign(self._named_variables(3), state)

    def _variables(self) -> tuple[list[Any], list[Any], list[Any]]:
        return self._model.trainable_variables, self._model.non_trainable_variables, self._optimizer.variables

    def _named_variables(self, kinds: int) -> list[tuple[str, Any]]:
        """The variables of the first 2 or of all 3 kinds."""
        named = zip(("trainable", "other", "optimizer")[:kinds], self._variables(), strict=False)
        return [(f"{kind}/{i}", variable) for kind, variables in named for i, variable in enumerate(variables)]

    def _read_variables(self) -> Any:
        # copies, because the compiled programs reuse the memory of what they are given
        return tuple([jnp.array(variable.value) for variable in kind] for kind in self._variables())

    def _write_variables(self, state: Any) -> None:
        for variables, values in zip(self._variables(), state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def _assign(self, variables: list[tuple[str, Any]], values: list[dict[str, np.ndarray]]) -> None:
        (member,) = values
        for name, variable in variables:
            variable.assign(member[name])
