"""The engine on JAX: a jitted loop over the steps of an epoch, with the state handed through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eyechart.training.backend import PREDICTION_BATCH
from eyechart.training.backend.pieces import chunks, in_pieces


def find_device(device: str) -> str:
    """`gpu` or `cpu`: what will be used."""
    return "cpu" if device == "cpu" or jax.default_backend() == "cpu" else "gpu"


class Engine:
    """See `eyechart.training.backend.Engine`, and the arguments at the engine on TensorFlow.

    JAX compiles every program, so `compiled` changes nothing here. Between epochs the state lies in this object; the
    model's own variables follow after each epoch, so that the model can be saved at any time.
    """

    def __init__(
        self,
        *,
        model: Any,
        optimizer: Any,
        loss: Any,
        images: Any,
        labels: np.ndarray,
        batch_size: int,
        steps_per_chunk: int | None,
        compiled: bool,
        device: str,
    ):
        self._model, self._optimizer, self._loss = model, optimizer, loss
        self._images, self._labels = images, labels
        self._batch_size, self._steps_per_chunk = batch_size, steps_per_chunk
        self._device = jax.devices("cpu")[0] if device == "cpu" else jax.devices()[0]
        optimizer.build(model.trainable_variables)
        if steps_per_chunk is None:
            self._resident = jax.device_put((images, labels), self._device)
        self._steps = jax.jit(self._run_steps, donate_argnums=0)
        self._rest = jax.jit(self._learn, donate_argnums=0)
        self._probabilities = jax.jit(self._predict_batch)

    def epoch(self, orders: np.ndarray, tick: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray]:  # noqa: D102
        (order,) = orders
        batch_size = self._batch_size
        carry = (self._read_variables(), jnp.zeros(2))  # totals: sums over the epoch of loss and right answers
        carry = jax.device_put(carry, self._device)
        for part in chunks(order, self._steps_per_chunk, batch_size):
            if self._steps_per_chunk is None:
                images, labels = self._resident
                positions = jax.device_put(part, self._device)
            else:
                images, labels = jax.device_put((self._images[part], self._labels[part]), self._device)
                positions = jnp.arange(len(part), dtype=jnp.int32)
            steps = len(part) // batch_size

            def run(start: int, stop: int, images=images, labels=labels, positions=positions) -> None:  # type: ignore[no-untyped-def]
                nonlocal carry
                carry = self._steps(carry, images, labels, positions, start, stop)
                jax.block_until_ready(carry)

            in_pieces(steps, batch_size, run, tick)
            if rest := len(part) - steps * batch_size:
                carry = self._rest(carry, images, labels, positions[-rest:])
                tick(rest)
        state, totals = carry
        self._write_variables(state)
        loss, right = np.asarray(totals, np.float64) / len(order)
        return np.array([loss]), np.array([right])

    def _run_steps(self, carry: Any, images: Any, labels: Any, positions: Any, start: Any, stop: Any) -> Any:
        def step(index: Any, carry: Any) -> Any:
            batch = jax.lax.dynamic_slice(positions, (index * self._batch_size,), (self._batch_size,))
            return self._learn(carry, images, labels, batch)

        return jax.lax.fori_loop(start, stop, step, carry)

    def _learn(self, carry: Any, images: Any, labels: Any, positions: Any) -> Any:
        """One step: forward, backward, update."""
        (trainable, other, optimizer), totals = carry
        batch, truth = images[positions], labels[positions]

        def forward(trainable: Any) -> Any:
            probabilities, state, losses = self._model.stateless_call(
                trainable, other, batch, training=True, return_losses=True
            )
            loss = self._loss(truth, probabilities) + sum(losses)
            return self._optimizer.scale_loss(loss), (loss, probabilities, state)

        gradients, (loss, probabilities, other) = jax.grad(forward, has_aux=True)(trainable)
        trainable, optimizer = self._optimizer.stateless_apply(optimizer, gradients, trainable)
        right = jnp.sum(jnp.argmax(probabilities, axis=-1) == truth)
        totals = totals + jnp.stack([loss * len(positions), right.astype(jnp.float32)])
        return (trainable, other, optimizer), totals

    def predict(self, images: np.ndarray) -> np.ndarray:  # noqa: D102
        size = min(PREDICTION_BATCH, len(images))
        trainable, other, _ = jax.device_put(self._read_variables(), self._device)
        result = np.empty((1, len(images), self._model.output_shape[-1]), np.float32)
        for start in range(0, len(images), size):
            start = min(start, len(images) - size)  # the last batch overlaps: one shape, one compilation
            batch = jax.device_put(images[start : start + size], self._device)
            result[0, start : start + size] = self._probabilities(trainable, other, batch)
        return result

    def _predict_batch(self, trainable: Any, other: Any, batch: Any) -> Any:
        return self._model.stateless_call(trainable, other, batch, training=False)[0]

    def weights(self) -> list[dict[str, np.ndarray]]:  # noqa: D102
        return [self._named(2)]

    def set_weights(self, weights: list[dict[str, np.ndarray]]) -> None:  # noqa: D102
        self._assign(weights, 2)

    def state(self) -> list[dict[str, np.ndarray]]:  # noqa: D102
        return [self._named(3)]

    def restore(self, state: list[dict[str, np.ndarray]]) -> None:  # noqa: D102
        self._assign(state, 3)

    def _variables(self) -> tuple[list[Any], list[Any], list[Any]]:
        return self._model.trainable_variables, self._model.non_trainable_variables, self._optimizer.variables

    def _read_variables(self) -> Any:
        # copies, because the compiled programs reuse the memory of what they are given
        return tuple([jnp.array(variable.value) for variable in kind] for kind in self._variables())

    def _write_variables(self, state: Any) -> None:
        for variables, values in zip(self._variables(), state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def _named(self, kinds: int) -> dict[str, np.ndarray]:
        named = zip(("trainable", "other", "optimizer"), self._variables(), strict=True)
        return {
            f"{kind}/{i}": np.asarray(variable.value)
            for kind, variables in list(named)[:kinds]
            for i, variable in enumerate(variables)
        }

    def _assign(self, values: list[dict[str, np.ndarray]], kinds: int) -> None:
        (member,) = values
        for kind, variables in list(zip(("trainable", "other", "optimizer"), self._variables(), strict=True))[:kinds]:
            for i, variable in enumerate(variables):
                variable.assign(member[f"{kind}/{i}"])
