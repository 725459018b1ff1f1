"""The engine on TensorFlow: a `tf.function` whose loop runs over the steps of an epoch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from eyechart.training.backend.pieces import chunks, in_pieces, prediction_batches


def find_device(device: str) -> str:
    """Let memory on GPUs grow as needed, hide them for `cpu`; `gpu` or `cpu`: what will be used."""
    # each run of a sweep has its own programs, which TensorFlow takes for a mistake and warns of
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    gpus = tf.config.list_physical_devices("GPU")
    if device == "cpu" or not gpus:
        return "cpu"
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return "gpu"


class Engine:
    """See `eyechart.training.backend.Engine`. The model's own variables hold the one member's state.

    Args:
        model: takes uint8 images, gives probabilities: for each image, or for each image and time step.
        optimizer: built by this engine for the model's variables.
        loss: from labels (batch,) and probabilities to one number.
        augment: from uint8 images and their random numbers (batch, n) to uint8 images; None: nothing is augmented.
        images: uint8 (images, height, width, channels); with chunks, anything that gives such an array for an array
            of positions.
        labels: int32 (images,).
        batch_size: images per step; the last step of an epoch has the rest.
        steps_per_chunk: steps whose images are on the device at a time; None: all images stay there.
        compiled: whether XLA compiles the epoch.
        device: `cpu` or `gpu`.
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
        self._device = "/GPU:0" if device == "gpu" else "/CPU:0"
        optimizer.build(model.trainable_variables)
        if steps_per_chunk is None:
            with tf.device(self._device):
                self._resident = tf.constant(images), tf.constant(labels)
        self._totals = tf.Variable(tf.zeros(2), trainable=False)  # sums over the epoch: loss, right answers
        # compiling takes seconds, which the loop alone wins back
        self._steps = tf.function(self._run_steps, jit_compile=compiled)
        self._rest = tf.function(self._learn)
        self._probabilities = tf.function(self._predict_batch)

    def epoch(  # noqa: D102
        self, orders: np.ndarray, tick: Callable[[int], None], draws: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        (order,) = orders
        batch_size = self._batch_size
        with tf.device(self._device):
            self._totals.assign(tf.zeros(2))
            for part in chunks(order, self._steps_per_chunk, batch_size):
                if self._steps_per_chunk is None:
                    data: Any = (*self._resident, None if draws is None else tf.constant(draws[0]))
                    positions = tf.constant(part)
                else:
                    chunk = (self._images[part], self._labels[part], None if draws is None else draws[0, part])
                    data = tuple(None if array is None else tf.constant(array) for array in chunk)
                    positions = tf.range(len(part))
                steps = len(part) // batch_size

                def run(start: int, stop: int, data=data, positions=positions) -> None:  # type: ignore[no-untyped-def]
                    self._steps(data, positions, tf.constant(start), tf.constant(stop))

                in_pieces(steps, batch_size, run, tick)
                if rest := len(part) - steps * batch_size:
                    self._rest(data, positions[-rest:])
                    tick(rest)
            loss, right = self._totals.numpy().astype(np.float64) / len(order)
        return np.array([loss]), np.array([right])

    def _run_steps(self, data: Any, positions: Any, start: Any, stop: Any) -> None:
        # a range would be a constant to XLA, which would compile the program again for every other one
        step = start
        while step < stop:
            self._learn(data, tf.slice(positions, [step * self._batch_size], [self._batch_size]))
            step += 1

    def _learn(self, data: Any, positions: Any) -> None:
        """One step: forward, backward, update."""
        images, labels, draws = data
        batch, truth = tf.gather(images, positions), tf.gather(labels, positions)
        if self._augment is not None:
            batch = self._augment(batch, tf.gather(draws, positions))
        variables = self._model.trainable_variables
        with tf.GradientTape() as tape:
            probabilities = self._model(batch, training=True)
            loss = self._loss(truth, probabilities) + sum(self._model.losses)
            scaled = self._optimizer.scale_loss(loss)
        self._optimizer.apply(tape.gradient(scaled, variables), variables)
        if len(probabilities.shape) == 3:  # a model that answers after each time step is judged by its last answer
            probabilities = probabilities[:, -1]
            loss = self._loss(truth, probabilities)
        right = tf.equal(tf.argmax(probabilities, axis=-1, output_type=truth.dtype), truth)
        count = tf.cast(tf.shape(truth)[0], tf.float32)
        self._totals.assign_add(tf.stack([loss * count, tf.reduce_sum(tf.cast(right, tf.float32))]))

    def predict(self, images: np.ndarray) -> Iterator[np.ndarray]:  # noqa: D102
        for batch, known in prediction_batches(len(images)):
            with tf.device(self._device):
                yield self._probabilities(tf.constant(images[batch])).numpy()[np.newaxis, known:]

    def _predict_batch(self, batch: Any) -> Any:
        return self._model(batch, training=False)

    def weights(self) -> list[dict[str, np.ndarray]]:  # noqa: D102
        return [{name: variable.numpy() for name, variable in self._weight_variables()}]

    def set_weights(self, weights: list[dict[str, np.ndarray]]) -> None:  # noqa: D102
        self._assign(self._weight_variables(), weights)

    def state(self) -> list[dict[str, np.ndarray]]:  # noqa: D102
        return [{name: variable.numpy() for name, variable in self._state_variables()}]

    def restore(self, state: list[dict[str, np.ndarray]]) -> None:  # noqa: D102
        self._assign(self._state_variables(), state)

    def _weight_variables(self) -> list[tuple[str, Any]]:
        model = self._model
        named = [(f"trainable/{i}", v) for i, v in enumerate(model.trainable_variables)]
        return named + [(f"other/{i}", v) for i, v in enumerate(model.non_trainable_variables)]

    def _state_variables(self) -> list[tuple[str, Any]]:
        optimizer = [(f"optimizer/{i}", v) for i, v in enumerate(self._optimizer.variables)]
        return self._weight_variables() + optimizer

    def _assign(self, variables: list[tuple[str, Any]], values: list[dict[str, np.ndarray]]) -> None:
        (member,) = values
        for name, variable in variables:
            variable.assign(member[name])
