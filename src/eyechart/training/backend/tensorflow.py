"""The engine on TensorFlow: a `tf.function` whose loop runs over the steps of an epoch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from eyechart.training.augmentation import DRAWS
from eyechart.training.backend.chunks import ahead, chunks, in_pieces, member_chunks, own, prediction_batches
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


def on_device(images: np.ndarray, labels: np.ndarray, device: str) -> dict[str, Any]:
    """Images and labels where several engines of one device find them."""
    with tf.device(_name_of(device)):
        return {"images": tf.constant(images), "labels": tf.constant(labels)}


def _by_itself(optimizer: Any) -> None:
    """Let an optimizer not sum gradients over replicas, of which there is one.

    TensorFlow keeps every program that does so for the life of the process: some 10 MB for each run of a sweep.
    """
    for one in (optimizer, getattr(optimizer, "inner_optimizer", None)):
        if one is not None:
            one._all_reduce_sum_gradients = list


def _name_of(device: str) -> str:
    return "/GPU:0" if device == "gpu" else "/CPU:0"


class Predictor:
    """See `eyechart.training.backend.engine.Predictor`."""

    members = 1

    def __init__(self, model: Any, device: str):
        self._model, self._device = model, _name_of(device)
        self._probabilities = tf.function(self._predict_batch)

    def predict(self, images: np.ndarray) -> Iterator[np.ndarray]:  # noqa: D102
        for batch, known in prediction_batches(len(images)):
            with tf.device(self._device):  # not left open while others work: the next batch may be another thread's
                probabilities = self._probabilities(tf.constant(images[batch])).numpy()
            yield probabilities[np.newaxis, known:]

    def _predict_batch(self, batch: Any) -> Any:
        return self._model(batch, training=False)

    def weights(self) -> list[dict[str, np.ndarray]]:  # noqa: D102
        return [{name: variable.numpy() for name, variable in self._weight_variables()}]

    def set_weights(self, weights: list[dict[str, np.ndarray]]) -> None:  # noqa: D102
        self._assign(self._weight_variables(), weights)

    def _weight_variables(self) -> list[tuple[str, Any]]:
        model = self._model
        named = [(f"trainable/{i}", v) for i, v in enumerate(model.trainable_variables)]
        return named + [(f"other/{i}", v) for i, v in enumerate(model.non_trainable_variables)]

    def _assign(self, variables: list[tuple[str, Any]], values: list[dict[str, np.ndarray]]) -> None:
        (member,) = values
        for name, variable in variables:
            variable.assign(member[name])


class Engine(Predictor):
    """See `eyechart.training.backend.engine.Engine`. The model's own variables hold the one member's state.

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
        super().__init__(model, device)
        self._optimizer, self._loss, self._augment = optimizer, loss, augment
        self._images, self._labels = images, labels
        self._batch_size, self._steps_per_chunk = batch_size, steps_per_chunk
        optimizer.build(model.trainable_variables)
        _by_itself(optimizer)
        if steps_per_chunk is None:
            with tf.device(self._device):
                self._resident = tf.constant(images), tf.constant(labels)
        self._totals = tf.Variable(tf.zeros(2), trainable=False)  # sums over the epoch: loss, right answers
        # compiling takes seconds, which the loop alone wins back
        self._steps = tf.function(self._run_steps, jit_compile=compiled)
        self._rest = tf.function(self._learn)

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

    def state(self) -> list[dict[str, np.ndarray]]:  # noqa: D102
        return [{name: variable.numpy() for name, variable in self._state_variables()}]

    def restore(self, state: list[dict[str, np.ndarray]]) -> None:  # noqa: D102
        self._assign(self._state_variables(), state)

    def _state_variables(self) -> list[tuple[str, Any]]:
        optimizer = [(f"optimizer/{i}", v) for i, v in enumerate(self._optimizer.variables)]
        return self._weight_variables() + optimizer


class MappedEngine(Stacked):
    """Several members as one program: the model mapped over them, one optimizer over their stacked variables.

    The arguments are those of `Engine`, but for `optimizer`, which is made from learning rates, and `rates`, one for
    each member, and `unrolled`, whether recurrent layers are. Images are put together on the host where that is the
    device: XLA is slow at it.

    Raises:
        ValueError: TensorFlow cannot map an operation of the model.
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
        _by_itself(self.optimizer)
        self.alone = Predictor(model, device)
        self._loss, self._augment = loss, augment
        self._images, self._labels = images, labels
        self._batch_size, self._steps_per_chunk = batch_size, steps_per_chunk
        self._device = _name_of(device)
        self._image_bytes = int(np.prod(model.input_shape[1:]))
        self._on_device = device == "gpu" and steps_per_chunk is None
        if self._on_device:
            with tf.device(self._device):
                self._resident = tf.constant(images), tf.constant(labels)
        with tf.device(self._device):
            self._totals = tf.Variable(tf.zeros((self.members, 2)), trainable=False)
        # to map a loop over time steps takes seconds, so one step of any number of images is all that is traced then
        self._steps = tf.function(self._run_steps, jit_compile=True) if compiled else None
        signature = [
            tf.TensorSpec((self.members, None, *model.input_shape[1:]), tf.uint8),
            tf.TensorSpec((self.members, None), tf.int32),
            None if augment is None else tf.TensorSpec((self.members, None, DRAWS), tf.float32),
        ]
        self._step = tf.function(self._learn)
        self._probabilities = tf.function(self._predict_batch)
        with tf.device(self._device):
            self._step.get_concrete_function(*signature)  # where it shows what TensorFlow cannot map

    def epoch(  # noqa: D102
        self,
        orders: np.ndarray,
        tick: Callable[[int], None],
        draws: np.ndarray | None = None,
        active: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        batch_size = self._batch_size
        with tf.device(self._device):
            self._totals.assign(tf.zeros((self.members, 2)))
            parts = member_chunks(orders, batch_size, self._image_bytes, self._steps_per_chunk)
            for chunk, data in ahead(parts, lambda positions: self._read_data(positions, draws)):
                steps, members, images = chunk.positions.shape

                def run(start: int, stop: int, data=data, whole=images == batch_size) -> None:  # type: ignore[no-untyped-def]
                    if whole and self._steps is not None:
                        self._steps(*data, tf.constant(start), tf.constant(stop))
                    else:
                        for step in range(start, stop):
                            self._step(*_batch(data, step))

                in_pieces(steps, members * images, run, tick, chunk.first)
            loss, right = self._totals.numpy().astype(np.float64).T / orders.shape[1]
        return loss, right

    def _read_data(self, positions: np.ndarray, draws: np.ndarray | None) -> tuple[Any, Any, Any]:
        """Images, labels and random numbers of positions (steps, members, images of a step)."""
        with tf.device(self._device):
            drawn = None if draws is None else tf.constant(own(draws, positions))
            if self._on_device:
                return tf.gather(self._resident[0], positions), tf.gather(self._resident[1], positions), drawn
            return tf.constant(self._images[positions]), tf.constant(self._labels[positions]), drawn

    def _run_steps(self, images: Any, labels: Any, draws: Any, start: Any, stop: Any) -> None:
        step = start
        while step < stop:
            self._learn(*_batch((images, labels, draws), step))
            step += 1

    def _learn(self, images: Any, labels: Any, draws: Any) -> None:
        """One step of every member: forward and backward mapped over them, update at once."""
        if self._augment is not None:
            flat = self._augment(tf.reshape(images, (-1, *images.shape[2:])), tf.reshape(draws, (-1, draws.shape[2])))
            images = tf.reshape(flat, tf.shape(images))

        def one(member: Any) -> Any:
            trainable, other, batch, truth = member
            with tf.GradientTape() as tape:
                tape.watch(trainable)
                with self.unrolling():
                    probabilities, other, losses = self._model.stateless_call(
                        trainable, other, batch, training=True, return_losses=True
                    )
                loss = self._loss(truth, probabilities) + sum(losses)
            gradients = tape.gradient(loss, trainable)
            if len(probabilities.shape) == 3:  # a model that answers after each time step is judged by its last answer
                probabilities = probabilities[:, -1]
                loss = self._loss(truth, probabilities)
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
