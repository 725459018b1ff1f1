"""The engine on TensorFlow: a `tf.function` whose loop runs over the steps of an epoch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from eyechart.training.augmentation import DRAWS
from eyechart.training.backend.chunks import ahead, chunks, in_pieces, member_chunks, own, prediction_batches
from eyechart.training.backend.engine import Epoch
from eyechart.training.backend.recipe import Execution, Recipe, TrainingData
from eyechart.training.backend.single import Single
from eyechart.training.backend.stacked import Stacked


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


def kernels(device: str) -> str:
    """Whose programs multiply and convolve."""
    if device == "gpu":
        return "cuDNN"
    from tensorflow.python.util import _pywrap_util_port  # TensorFlow tells it nowhere else

    return "oneDNN" if _pywrap_util_port.IsMklEnabled() else "Eigen"


def on_device(data: TrainingData, device: str) -> TrainingData:
    """The data with all images on the device, where several engines may find them; chunks are left where they are."""
    if data.steps_per_chunk is not None:
        return data
    with tf.device(_name_of(device)):
        return replace(data, images=tf.constant(data.images), labels=tf.constant(data.labels))


def _by_itself(optimizer: Any) -> None:
    """Let an optimizer not sum gradients over replicas, of which there is one.

    TensorFlow keeps every program that does so for the life of the process: some 10 MB for each run of a sweep.
    """
    for one in (optimizer, getattr(optimizer, "inner_optimizer", None)):
        if one is not None:
            one._all_reduce_sum_gradients = list


def _name_of(device: str) -> str:
    return "/GPU:0" if device == "gpu" else "/CPU:0"


class Predictor(Single):
    """See `eyechart.training.backend.engine.Predictor`."""

    def __init__(self, model: Any, device: str, optimizer: Any = None):
        super().__init__(model, optimizer)
        self._device = _name_of(device)
        self._probabilities = tf.function(self._predict_batch)

    def predict(self, images: np.ndarray) -> Iterator[np.ndarray]:  # noqa: D102
        for batch, known in prediction_batches(len(images)):
            with tf.device(self._device):  # not left open while others work: the next batch may be another thread's
                probabilities = self._probabilities(tf.constant(images[batch])).numpy()
            yield probabilities[np.newaxis, known:]

    def _predict_batch(self, batch: Any) -> Any:
        return self._model(batch, training=False)


class Engine(Predictor):
    """See `eyechart.training.backend.engine.Engine`. The model's own variables hold the one member's state."""

    def __init__(self, model: Any, rate: float, recipe: Recipe, data: TrainingData, execution: Execution):
        super().__init__(model, execution.device, recipe.optimizer(rate))
        _by_itself(self.optimizer)
        self._recipe, self._data = recipe, on_device(data, execution.device)
        self._totals = tf.Variable(tf.zeros(2), trainable=False)  # sums over the epoch: loss, right answers
        # compiling takes seconds, which the loop alone wins back
        self._steps = tf.function(self._run_steps, jit_compile=execution.compiled)
        self._rest = tf.function(self._learn)

    @property
    def alone(self) -> Predictor:  # noqa: D102
        return self

    def epoch(self, epoch: Epoch, tick: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray]:  # noqa: D102
        (order,) = epoch.orders
        batch_size = self._recipe.batch_size
        with tf.device(self._device):
            self._totals.assign(tf.zeros(2))
            for part in chunks(order, self._data.steps_per_chunk, batch_size):
                data, positions = self._read_part(part, epoch.draws)
                steps = len(part) // batch_size

                def run(start: int, stop: int, data=data, positions=positions) -> None:  # type: ignore[no-untyped-def]
                    self._steps(data, positions, tf.constant(start), tf.constant(stop))

                in_pieces(steps, batch_size, run, tick)
                if rest := len(part) - steps * batch_size:
                    self._rest(data, positions[-rest:])
                    tick(rest)
            loss, right = self._totals.numpy().astype(np.float64) / len(order)
        return np.array([loss]), np.array([right])

    def _read_part(self, part: np.ndarray, draws: np.ndarray | None) -> tuple[Any, Any]:
        """Images, labels and random numbers on the device, and where among them a part of the order is."""
        images, labels = self._data.images, self._data.labels
        drawn = None if draws is None else draws[0]
        if self._data.steps_per_chunk is None:
            return (images, labels, None if drawn is None else tf.constant(drawn)), tf.constant(part)
        chunk = (images[part], labels[part], None if drawn is None else drawn[part])
        return tuple(None if array is None else tf.constant(array) for array in chunk), tf.range(len(part))

    def _run_steps(self, data: Any, positions: Any, start: Any, stop: Any) -> None:
        batch_size = self._recipe.batch_size
        # a range would be a constant to XLA, which would compile the program again for every other one
        step = start
        while step < stop:
            self._learn(data, tf.slice(positions, [step * batch_size], [batch_size]))
            step += 1

    def _learn(self, data: Any, positions: Any) -> None:
        """One step: forward, backward, update."""
        images, labels, draws = data
        batch, truth = tf.gather(images, positions), tf.gather(labels, positions)
        augment = self._recipe.augment
        if augment is not None:
            batch = augment(batch, tf.gather(draws, positions))
        variables = self._model.trainable_variables
        with tf.GradientTape() as tape:
            probabilities = self._model(batch, training=True)
            loss = self._recipe.loss(truth, probabilities) + sum(self._model.losses)
            scaled = self.optimizer.scale_loss(loss)
        self.optimizer.apply(tape.gradient(scaled, variables), variables)
        if len(probabilities.shape) == 3:  # a model that answers after each time step is judged by its last answer
            probabilities = probabilities[:, -1]
            loss = self._recipe.loss(truth, probabilities)
        right = tf.equal(tf.argmax(probabilities, axis=-1, output_type=truth.dtype), truth)
        count = tf.cast(tf.shape(truth)[0], tf.float32)
        self._totals.assign_add(tf.stack([loss * count, tf.reduce_sum(tf.cast(right, tf.float32))]))


class MappedEngine(Stacked):
    """Several members as one program: the model mapped over them, one optimizer over their stacked variables.

    Images are put together on the host where that is the device: XLA is slow at it.

    Raises:
        ValueError: TensorFlow cannot map an operation of the model.
    """

    def __init__(self, model: Any, rates: Sequence[float], recipe: Recipe, data: TrainingData, execution: Execution):
        super().__init__(model, recipe.optimizer, rates, unrolled=execution.unrolled)
        _by_itself(self.optimizer)
        self.alone = Predictor(model, execution.device)
        self._device = _name_of(execution.device)
        self._resident = execution.device == "gpu" and data.steps_per_chunk is None
        self._recipe, self._data = recipe, on_device(data, execution.device) if self._resident else data
        self._image_bytes = int(np.prod(model.input_shape[1:]))
        with tf.device(self._device):
            self._totals = tf.Variable(tf.zeros((self.members, 2)), trainable=False)
        # to map a loop over time steps takes seconds, so one step of any number of images is all that is traced then
        self._steps = tf.function(self._run_steps, jit_compile=True) if execution.compiled else None
        signature = [
            tf.TensorSpec((self.members, None, *model.input_shape[1:]), tf.uint8),
            tf.TensorSpec((self.members, None), tf.int32),
            None if recipe.augment is None else tf.TensorSpec((self.members, None, DRAWS), tf.float32),
        ]
        self._step = tf.function(self._learn)
        self._probabilities = tf.function(self._predict_batch)
        with tf.device(self._device):
            self._step.get_concrete_function(*signature)  # where it shows what TensorFlow cannot map

    def epoch(self, epoch: Epoch, tick: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray]:  # noqa: D102
        batch_size = self._recipe.batch_size
        with tf.device(self._device):
            self._totals.assign(tf.zeros((self.members, 2)))
            parts = member_chunks(epoch.orders, batch_size, self._image_bytes, self._data.steps_per_chunk)
            for chunk, data in ahead(parts, lambda positions: self._read_data(positions, epoch.draws)):
                steps, members, images = chunk.positions.shape

                def run(start: int, stop: int, data=data, whole=images == batch_size) -> None:  # type: ignore[no-untyped-def]
                    if whole and self._steps is not None:
                        self._steps(*data, tf.constant(start), tf.constant(stop))
                    else:
                        for step in range(start, stop):
                            self._step(*_batch(data, step))

                in_pieces(steps, members * images, run, tick, chunk.first)
            loss, right = self._totals.numpy().astype(np.float64).T / epoch.orders.shape[1]
        return loss, right

    def _read_data(self, positions: np.ndarray, draws: np.ndarray | None) -> tuple[Any, Any, Any]:
        """Images, labels and random numbers of positions (steps, members, images of a step)."""
        with tf.device(self._device):
            drawn = None if draws is None else tf.constant(own(draws, positions))
            images, labels = self._data.images, self._data.labels
            if self._resident:
                return tf.gather(images, positions), tf.gather(labels, positions), drawn
            return tf.constant(images[positions]), tf.constant(labels[positions]), drawn

    def _run_steps(self, images: Any, labels: Any, draws: Any, start: Any, stop: Any) -> None:
        step = start
        while step < stop:
            self._learn(*_batch((images, labels, draws), step))
            step += 1

    def _learn(self, images: Any, labels: Any, draws: Any) -> None:
        """One step of every member: forward and backward mapped over them, update at once."""
        augment = self._recipe.augment
        if augment is not None:
            flat = augment(tf.reshape(images, (-1, *images.shape[2:])), tf.reshape(draws, (-1, draws.shape[2])))
            images = tf.reshape(flat, tf.shape(images))

        def one(member: Any) -> Any:
            trainable, other, batch, truth = member
            with tf.GradientTape() as tape:
                tape.watch(trainable)
                with self.unrolling():
                    probabilities, other, losses = self._model.stateless_call(
                        trainable, other, batch, training=True, return_losses=True
                    )
                loss = self._recipe.loss(truth, probabilities) + sum(losses)
            gradients = tape.gradient(loss, trainable)
            if len(probabilities.shape) == 3:  # a model that answers after each time step is judged by its last answer
                probabilities = probabilities[:, -1]
                loss = self._recipe.loss(truth, probabilities)
            right = tf.equal(tf.argmax(probabilities, axis=-1, output_type=truth.dtype), truth)
            return gradients, other, loss, tf.reduce_sum(tf.cast(right, tf.float32))

        state = (*self._values(), images, labels)
        gradients, other, loss, right = tf.vectorized_map(one, state, fallback_to_while_loop=False)
        self.optimizer.apply([tf.reshape(g, (self.members, -1)) for g in gradients], self.trainable)
        for variable, value in zip(self.other, other, strict=True):
            variable.assign(value)
        count = tf.cast(tf.shape(labels)[1], tf.float32)
        self._totals.assign_add(tf.stack([loss * count, right], axis=1))

    def predict(self, images: np.ndarray) -> Iterator[np.ndarray]:  # noqa: D102
        for batch, known in prediction_batches(len(images)):
            with tf.device(self._device):
                probabilities = self._probabilities(tf.constant(images[batch])).numpy()
            yield probabilities[:, known:]

    def _predict_batch(self, batch: Any) -> Any:
        def one(member: Any) -> Any:
            with self.unrolling():
                return self._model.stateless_call(*member, batch, training=False)[0]

        return tf.vectorized_map(one, self._values(), fallback_to_while_loop=False)

    def _values(self) -> tuple[list[Any], list[Any]]:
        trainable, other = ([variable.value for variable in kind] for kind in (self.trainable, self.other))
        return self.as_in_the_model(trainable), other


def _batch(data: Any, step: Any) -> list[Any]:
    return [None if part is None else part[step] for part in data]
