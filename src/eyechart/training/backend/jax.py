"""The engine on JAX: a jitted loop over the steps of an epoch, with the state handed through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eyechart.training.backend.chunks import ahead, chunks, in_pieces, member_chunks, own, prediction_batches
from eyechart.training.backend.engine import Epoch
from eyechart.training.backend.recipe import Execution, Recipe, TrainingData
from eyechart.training.backend.single import Single
from eyechart.training.backend.stacked import Stacked


def find_device(device: str) -> str:
    """`gpu` or `cpu`: what will be used."""
    return "cpu" if device == "cpu" or jax.default_backend() == "cpu" else "gpu"


def kernels(device: str) -> str:
    """Whose programs multiply and convolve."""
    return "XLA"


def on_device(data: TrainingData, device: str) -> TrainingData:
    """The data with all images on the device, where several engines may find them; chunks are left where they are."""
    if data.steps_per_chunk is not None:
        return data
    images, labels = jax.device_put((data.images, data.labels), _device_of(device))
    return replace(data, images=images, labels=labels)


def _device_of(device: str) -> Any:
    return jax.devices("cpu")[0] if device == "cpu" else jax.devices()[0]


class Predictor(Single):
    """See `eyechart.training.backend.engine.Predictor`."""

    def __init__(self, model: Any, device: str, optimizer: Any = None):
        super().__init__(model, optimizer)
        self._device = _device_of(device)
        self._probabilities = jax.jit(self._predict_batch)

    def predict(self, images: np.ndarray) -> Iterator[np.ndarray]:  # noqa: D102
        trainable, other = jax.device_put([_copies(kind) for kind in _kinds(self._model)], self._device)
        for batch, known in prediction_batches(len(images)):
            probabilities = self._probabilities(trainable, other, jax.device_put(images[batch], self._device))
            yield np.asarray(probabilities)[np.newaxis, known:]

    def _predict_batch(self, trainable: Any, other: Any, batch: Any) -> Any:
        return self._model.stateless_call(trainable, other, batch, training=False)[0]


class Engine(Predictor):
    """See `eyechart.training.backend.engine.Engine`.

    JAX compiles every program; without `compiled`, on a CPU, that is one step and not a loop of them: XLA's
    convolutions are four times slower within a loop there (measured). Between epochs the state lies in this object;
    the model's own variables follow after each epoch, so that the model can be saved at any time.
    """

    def __init__(self, model: Any, rate: float, recipe: Recipe, data: TrainingData, execution: Execution):
        super().__init__(model, execution.device, recipe.optimizer(rate))
        self._recipe, self._data = recipe, on_device(data, execution.device)
        self._looped = execution.compiled or execution.device != "cpu"
        self._steps = jax.jit(self._run_steps, donate_argnums=0)
        self._step = jax.jit(self._learn, donate_argnums=0)

    @property
    def alone(self) -> Predictor:  # noqa: D102
        return self

    def epoch(self, epoch: Epoch, tick: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray]:  # noqa: D102
        (order,) = epoch.orders
        batch_size = self._recipe.batch_size
        kinds = (*_kinds(self._model), self.optimizer.variables)
        # the state, and sums over the epoch of loss and right answers
        carry = jax.device_put((tuple(map(_copies, kinds)), jnp.zeros(2)), self._device)
        for part in chunks(order, self._data.steps_per_chunk, batch_size):
            data, positions = self._read_part(part, epoch.draws)
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
        _write(kinds, state)
        loss, right = np.asarray(totals, np.float64) / len(order)
        return np.array([loss]), np.array([right])

    def _read_part(self, part: np.ndarray, draws: np.ndarray | None) -> tuple[Any, Any]:
        """Images, labels and random numbers on the device, and where among them a part of the order is."""
        images, labels = self._data.images, self._data.labels
        drawn = None if draws is None else draws[0]
        if self._data.steps_per_chunk is None:
            return (images, labels, jax.device_put(drawn, self._device)), jax.device_put(part, self._device)
        chunk = (images[part], labels[part], None if drawn is None else drawn[part])
        return jax.device_put(chunk, self._device), jnp.arange(len(part), dtype=jnp.int32)

    def _run_steps(self, carry: Any, data: Any, positions: Any, start: Any, stop: Any) -> Any:
        batch_size = self._recipe.batch_size

        def step(index: Any, carry: Any) -> Any:
            batch = jax.lax.dynamic_slice(positions, (index * batch_size,), (batch_size,))
            return self._learn(carry, data, batch)

        return jax.lax.fori_loop(start, stop, step, carry)

    def _learn(self, carry: Any, data: Any, positions: Any) -> Any:
        """One step: forward, backward, update."""
        (trainable, other, optimizer), totals = carry
        images, labels, draws = data
        batch, truth = images[positions], labels[positions]
        augment = self._recipe.augment
        if augment is not None:
            batch = augment(batch, draws[positions])

        def forward(trainable: Any) -> Any:
            probabilities, state, losses = self._model.stateless_call(
                trainable, other, batch, training=True, return_losses=True
            )
            loss = self._recipe.loss(truth, probabilities) + sum(losses)
            return self.optimizer.scale_loss(loss), (loss, probabilities, state)

        gradients, (loss, probabilities, other) = jax.grad(forward, has_aux=True)(trainable)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        if probabilities.ndim == 3:  # a model that answers after each time step is judged by its last answer
            probabilities = probabilities[:, -1]
            loss = self._recipe.loss(truth, probabilities)
        right = jnp.sum(jnp.argmax(probabilities, axis=-1) == truth)
        totals = totals + jnp.stack([loss * len(positions), right.astype(jnp.float32)])
        return (trainable, other, optimizer), totals


class MappedEngine(Stacked):
    """Several members as one program: the model mapped over them, one optimizer over their stacked variables.

    Images are put together on the host where that is the device: XLA is slow at it.
    """

    def __init__(self, model: Any, rates: Sequence[float], recipe: Recipe, data: TrainingData, execution: Execution):
        super().__init__(model, recipe.optimizer, rates, unrolled=execution.unrolled)
        self.alone = Predictor(model, execution.device)
        self._device = _device_of(execution.device)
        self._resident = execution.device != "cpu" and data.steps_per_chunk is None
        self._recipe, self._data = recipe, on_device(data, execution.device) if self._resident else data
        self._image_bytes = int(np.prod(model.input_shape[1:]))
        self._steps = jax.jit(self._run_steps, donate_argnums=0)
        self._probabilities = jax.jit(self._predict_batch)

    def epoch(self, epoch: Epoch, tick: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray]:  # noqa: D102
        kinds = (self.trainable, self.other, self.optimizer.variables)
        carry = jax.device_put((tuple(map(_copies, kinds)), jnp.zeros((self.members, 2))), self._device)
        parts = member_chunks(epoch.orders, self._recipe.batch_size, self._image_bytes, self._data.steps_per_chunk)
        for chunk, data in ahead(parts, lambda positions: self._read_data(positions, epoch.draws)):
            steps, members, images = chunk.positions.shape

            def run(start: int, stop: int, data=data) -> None:  # type: ignore[no-untyped-def]
                nonlocal carry
                carry = self._steps(carry, data, start, stop)
                jax.block_until_ready(carry)

            in_pieces(steps, members * images, run, tick, chunk.first)
        state, totals = carry
        _write(kinds, state)
        loss, right = np.asarray(totals, np.float64).T / epoch.orders.shape[1]
        return loss, right

    def _read_data(self, positions: np.ndarray, draws: np.ndarray | None) -> tuple[Any, Any, Any]:
        """Images, labels and random numbers of positions (steps, members, images of a step)."""
        drawn = None if draws is None else own(draws, positions)
        places = jax.device_put(positions, self._device) if self._resident else positions
        images, labels = self._data.images[places], self._data.labels[places]
        put: tuple[Any, Any, Any] = jax.device_put((images, labels, drawn), self._device)
        return put

    def _run_steps(self, carry: Any, data: Any, start: Any, stop: Any) -> Any:
        def step(index: Any, carry: Any) -> Any:
            batch = jax.tree.map(lambda part: jax.lax.dynamic_index_in_dim(part, index, keepdims=False), data)
            return self._learn(carry, batch)

        return jax.lax.fori_loop(start, stop, step, carry)

    def _learn(self, carry: Any, data: Any) -> Any:
        """One step of every member: forward and backward mapped over them, update at once."""
        (trainable, other, optimizer), totals = carry
        images, labels, draws = data
        augment = self._recipe.augment
        if augment is not None:
            flat = augment(images.reshape(-1, *images.shape[2:]), draws.reshape(-1, draws.shape[2]))
            images = flat.reshape(images.shape)

        def one(trainable: Any, other: Any, batch: Any, truth: Any) -> Any:
            def forward(trainable: Any) -> Any:
                with self.unrolling():
                    probabilities, state, losses = self._model.stateless_call(
                        trainable, other, batch, training=True, return_losses=True
                    )
                loss = self._recipe.loss(truth, probabilities) + sum(losses)
                return loss, (loss, probabilities, state)

            gradients, (loss, probabilities, state) = jax.grad(forward, has_aux=True)(trainable)
            if probabilities.ndim == 3:  # a model that answers after each time step is judged by its last answer
                probabilities = probabilities[:, -1]
                loss = self._recipe.loss(truth, probabilities)
            right = jnp.sum(jnp.argmax(probabilities, axis=-1) == truth)
            return gradients, state, loss, right.astype(jnp.float32)

        gradients, other, loss, right = jax.vmap(one)(self.as_in_the_model(trainable), other, images, labels)
        flat = [gradient.reshape(self.members, -1) for gradient in gradients]
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, flat, trainable)
        totals = totals + jnp.stack([loss * labels.shape[1], right], axis=1)
        return (trainable, other, optimizer), totals

    def predict(self, images: np.ndarray) -> Iterator[np.ndarray]:  # noqa: D102
        trainable, other = jax.device_put([_copies(kind) for kind in (self.trainable, self.other)], self._device)
        for batch, known in prediction_batches(len(images)):
            probabilities = self._probabilities(trainable, other, jax.device_put(images[batch], self._device))
            yield np.asarray(probabilities)[:, known:]

    def _predict_batch(self, trainable: Any, other: Any, batch: Any) -> Any:
        def one(trainable: Any, other: Any) -> Any:
            with self.unrolling():
                return self._model.stateless_call(trainable, other, batch, training=False)[0]

        return jax.vmap(one)(self.as_in_the_model(trainable), other)


def _kinds(model: Any) -> tuple[list[Any], list[Any]]:
    """The variables of a model that are learned, and the others."""
    return model.trainable_variables, model.non_trainable_variables


def _copies(variables: list[Any]) -> list[Any]:
    """Their values, as copies, because the compiled programs reuse the memory of what they are given."""
    return [jnp.array(variable.value) for variable in variables]


def _write(kinds: Sequence[list[Any]], state: Any) -> None:
    for variables, values in zip(kinds, state, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
