"""The engine on JAX: a jitted loop over the steps of an epoch, with the state handed through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eyechart.training.backend.chunks import ahead, chunks, in_pieces, member_chunks, own, prediction_batches
from eyechart.training.backend.stacked import Stacked


def find_device(device: str) -> str:
    """`gpu` or `cpu`: what will be used."""
    return "cpu" if device == "cpu" or jax.default_backend() == "cpu" else "gpu"


def on_device(images: np.ndarray, labels: np.ndarray, device: str) -> dict[str, Any]:
    """Images and labels where several engines of one device find them."""
    images, labels = jax.device_put((images, labels), _device_of(device))
    return {"images": images, "labels": labels}


def _device_of(device: str) -> Any:
    return jax.devices("cpu")[0] if device == "cpu" else jax.devices()[0]


class Predictor:
    """See `eyechart.training.backend.engine.Predictor`."""

    members = 1

    def __init__(self, model: Any, device: str):
        self._model = model
        self._device = _device_of(device)
        self._probabilities = jax.jit(self._predict_batch)

    def predict(self, images: np.ndarray) -> Iterator[np.ndarray]:  # noqa: D102
        trainable, other = jax.device_put([_copies(variables) for variables in self._kinds()[:2]], self._device)
        for batch, known in prediction_batches(len(images)):
            probabilities = self._probabilities(trainable, other, jax.device_put(images[batch], self._device))
            yield np.asarray(probabilities)[np.newaxis, known:]

    def _predict_batch(self, trainable: Any, other: Any, batch: Any) -> Any:
        return self._model.stateless_call(trainable, other, batch, training=False)[0]

    def weights(self) -> list[dict[str, np.ndarray]]:  # noqa: D102
        return [{name: np.asarray(variable.value) for name, variable in self._named_variables(2)}]

    def set_weights(self, weights: list[dict[str, np.ndarray]]) -> None:  # noqa: D102
        self._assign(self._named_variables(2), weights)

    def _kinds(self) -> tuple[list[Any], ...]:
        return self._model.trainable_variables, self._model.non_trainable_variables

    def _named_variables(self, kinds: int) -> list[tuple[str, Any]]:
        """The variables of the first 2 or of all 3 kinds."""
        named = zip(("trainable", "other", "optimizer")[:kinds], self._kinds(), strict=False)
        return [(f"{kind}/{i}", variable) for kind, variables in named for i, variable in enumerate(variables)]

    def _assign(self, variables: list[tuple[str, Any]], values: list[dict[str, np.ndarray]]) -> None:
        (member,) = values
        for name, variable in variables:
            variable.assign(member[name])


class Engine(Predictor):
    """See `eyechart.training.backend.engine.Engine`, and the arguments at the engine on TensorFlow.

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
        super().__init__(model, device)
        self._optimizer, self._loss, self._augment = optimizer, loss, augment
        self._images, self._labels = images, labels
        self._batch_size, self._steps_per_chunk = batch_size, steps_per_chunk
        optimizer.build(model.trainable_variables)
        if steps_per_chunk is None:
            self._resident = jax.device_put((images, labels), self._device)
        self._looped = compiled or device != "cpu"
        self._steps = jax.jit(self._run_steps, donate_argnums=0)
        self._step = jax.jit(self._learn, donate_argnums=0)

    @property
    def alone(self) -> Predictor:  # noqa: D102
        return self

    def epoch(  # noqa: D102
        self,
        orders: np.ndarray,
        tick: Callable[[int], None],
        draws: np.ndarray | None = None,
        active: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        (order,) = orders
        batch_size = self._batch_size
        totals = jnp.zeros(2)  # sums over the epoch of loss and right answers
        carry = (tuple(map(_copies, self._kinds())), totals)
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
        _write(self._kinds(), state)
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

    def state(self) -> list[dict[str, np.ndarray]]:  # noqa: D102
        return [{name: np.asarray(variable.value) for name, variable in self._named_variables(3)}]

    def restore(self, state: list[dict[str, np.ndarray]]) -> None:  # noqa: D102
        self._assign(self._named_variables(3), state)

    def _kinds(self) -> tuple[list[Any], ...]:
        return (*super()._kinds(), self._optimizer.variables)


class MappedEngine(Stacked):
    """Several members as one program: the model mapped over them, one optimizer over their stacked variables.

    The arguments are those of `Engine`, but for `optimizer`, which is made from learning rates, and `rates`, one for
    each member, and `unrolled`, whether recurrent layers are. Images are put together on the host where that is the
    device: XLA is slow at it.
    """

    def __init__(
        self,
        *,
        model: Any,
        optimizer: Callable[[Any], Any],
        rates: Sequence[float],
        loss: Callable[[Any, Any], Any],
        augment: Callable[[Any, Any], Any] | None = None,
        images: Any,
        labels: np.ndarray,
        batch_size: int,
        steps_per_chunk: int | None,
        compiled: bool,
        unrolled: bool,
        device: str,
    ):
        super().__init__(model, optimizer, rates, unrolled=unrolled)
        self.alone = Predictor(model, device)
        self._loss, self._augment = loss, augment
        self._images, self._labels = images, labels
        self._batch_size, self._steps_per_chunk = batch_size, steps_per_chunk
        self._device = _device_of(device)
        self._image_bytes = int(np.prod(model.input_shape[1:]))
        self._resident = None
        if device != "cpu" and steps_per_chunk is None:
            self._resident = jax.device_put((images, labels), self._device)
        self._steps = jax.jit(self._run_steps, donate_argnums=0)
        self._probabilities = jax.jit(self._predict_batch)

    def epoch(  # noqa: D102
        self,
        orders: np.ndarray,
        tick: Callable[[int], None],
        draws: np.ndarray | None = None,
        active: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        kinds = (self.trainable, self.other, self.optimizer.variables)
        carry = jax.device_put((tuple(map(_copies, kinds)), jnp.zeros((self.members, 2))), self._device)
        parts = member_chunks(orders, self._batch_size, self._image_bytes, self._steps_per_chunk)
        for chunk, data in ahead(parts, lambda positions: self._read_data(positions, draws)):
            steps, members, images = chunk.positions.shape

            def run(start: int, stop: int, data=data) -> None:  # type: ignore[no-untyped-def]
                nonlocal carry
                carry = self._steps(carry, data, start, stop)
                jax.block_until_ready(carry)

            in_pieces(steps, members * images, run, tick, chunk.first)
        state, totals = carry
        _write(kinds, state)
        loss, right = np.asarray(totals, np.float64).T / orders.shape[1]
        return loss, right

    def _read_data(self, positions: np.ndarray, draws: np.ndarray | None) -> tuple[Any, Any, Any]:
        """Images, labels and random numbers of positions (steps, members, images of a step)."""
        drawn = None if draws is None else own(draws, positions)
        if self._resident is None:
            images, labels = self._images[positions], self._labels[positions]
        else:
            placed = jax.device_put(positions, self._device)
            images, labels = (array[placed] for array in self._resident)
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
        if self._augment is not None:
            flat = self._augment(images.reshape(-1, *images.shape[2:]), draws.reshape(-1, draws.shape[2]))
            images = flat.reshape(images.shape)

        def one(trainable: Any, other: Any, batch: Any, truth: Any) -> Any:
            def forward(trainable: Any) -> Any:
                with self.unrolling():
                    probabilities, state, losses = self._model.stateless_call(
                        trainable, other, batch, training=True, return_losses=True
                    )
                loss = self._loss(truth, probabilities) + sum(losses)
                return loss, (loss, probabilities, state)

            gradients, (loss, probabilities, state) = jax.grad(forward, has_aux=True)(trainable)
            if probabilities.ndim == 3:  # a model that answers after each time step is judged by its last answer
                probabilities = probabilities[:, -1]
                loss = self._loss(truth, probabilities)
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


def _copies(variables: list[Any]) -> list[Any]:
    """Their values, as copies, because the compiled programs reuse the memory of what they are given."""
    return [jnp.array(variable.value) for variable in variables]


def _write(kinds: Sequence[list[Any]], state: Any) -> None:
    for variables, values in zip(kinds, state, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
