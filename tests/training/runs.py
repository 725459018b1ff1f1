"""Small models trained by the engine of one backend, for what `engine_cases.py` runs.

Importing this starts the backend that the command line names: `engine_cases.py tensorflow|jax FOLDER`.
"""

from __future__ import annotations

import functools
import importlib.abc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eyechart.data import Slice, open_dataset
from eyechart.models import CNN, CNNRNN, FNN, RNN, BiRNN
from eyechart.training import losses, optimizers, schedules
from eyechart.training.augmentation import Augmentation
from eyechart.training.backend.assembly import make_engine
from eyechart.training.backend.choose import activate, set_seed
from eyechart.training.backend.recipe import Execution, Recipe, TrainingData
from eyechart.training.order import Reading
from eyechart.training.predict import predict

BACKEND, FOLDER = sys.argv[1], Path(sys.argv[2])
SMALL = {
    "fnn": FNN(),
    "cnn": CNN(filters=[6, 8], units=16),
    "lenet": CNN(filters=[4, 6], kernel_size=5, padding="same", dropout=0.5, units=16),
    "normalised": CNN(filters=[6], batch_norm=True, units=8),
    "birnn": BiRNN(units=6),
    "per_step": RNN(units=6, per_step=True),
    "cnn_rnn": CNNRNN(filters=[3], units=5),
}
ALL = Augmentation(flip=True, shift=2, cutout=3)


class Absent(importlib.abc.MetaPathFinder):
    """Finds no TensorFlow, as where it is not installed."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        if fullname.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named '{fullname}'", name=fullname)


if BACKEND == "jax":
    sys.meta_path.insert(0, Absent())
activate(BACKEND, "cpu", "float32")

Weights = dict[str, np.ndarray]


def synthetic(size: int, shape: tuple[int, int, int] = (8, 8, 1), classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Noise on a pattern per class: learnable in a few steps."""
    draw = np.random.default_rng(1)
    labels = (np.arange(size) % classes).astype(np.int32)
    patterns = draw.integers(0, 156, (classes, *shape))
    return (patterns[labels] + draw.integers(0, 100, (size, *shape))).astype(np.uint8), labels


def digits() -> tuple[np.ndarray, np.ndarray]:
    train = open_dataset("digits").split().train
    return train.load(), train.labels


class Run:
    """A model and its engine on some images, and what its epochs gave.

    `source` is where else to read the images. `seeds` are those of the members' order and augmentation, and 4 more of
    their weights; `rates` are their learning rates, where they are not the optimizer's.
    """

    def __init__(
        self,
        architecture: Any,
        data: tuple[np.ndarray, np.ndarray],
        *,
        optimizer: optimizers.Optimizer | None = None,
        schedule: schedules.Schedule | None = None,
        batch_size: int = 16,
        steps_per_chunk: int | None = None,
        compiled: bool = False,
        precision: str = "float32",
        source: Slice | None = None,
        augmentation: Augmentation | None = None,
        class_weights: np.ndarray | None = None,
        seeds: Sequence[int] = (3,),
        rates: Sequence[float] | None = None,
        lanes: int | None = 1,
    ):
        activate(BACKEND, "cpu", precision)
        images, labels = data
        self.size, self.seeds = len(images), seeds
        every = np.arange(self.size)
        self.reading = Reading(
            seeds, self.size, functools.partial(augmentation.draw, indices=every) if augmentation else None
        )
        chosen = optimizer or optimizers.SGD(learning_rate=0.1)
        models = []
        for seed in seeds:
            set_seed(seed + 4)
            models.append(architecture.build(images.shape[1:], int(labels.max()) + 1))
        self.model = models[0]

        def built(rate: Any) -> Any:
            steps = -(-self.size // batch_size)
            self.optimizer = chosen.build((schedule or schedules.Constant()).build(rate, steps, 10), precision)
            return self.optimizer

        self.engine, self.obstacle = make_engine(
            models=models,
            rates=rates or [chosen.learning_rate] * len(seeds),
            recipe=Recipe(
                optimizer=built,
                loss=losses.crossentropy(class_weights),
                batch_size=batch_size,
                augment=augmentation.apply if augmentation else None,
                element_wise=chosen.element_wise,
            ),
            data=TrainingData(images if source is None else source, labels, steps_per_chunk),
            execution=Execution("cpu", compiled),
            lanes=lanes,
        )
        self.losses: list[Any] = []  # of each epoch; of several members a list
        self.accuracies: list[Any] = []
        self.ticks: list[int] = []

    def train(self, epochs: int, active: np.ndarray | None = None) -> Run:
        for _ in range(epochs):
            epoch = self.reading.epoch(len(self.losses) + 1, active)
            losses, accuracies = self.engine.epoch(epoch, self.ticks.append)
            one = len(self.seeds) == 1
            self.losses.append(float(losses[0]) if one else losses.tolist())
            self.accuracies.append(float(accuracies[0]) if one else accuracies.tolist())
        return self

    def weights(self) -> Weights:
        (weights,) = self.engine.weights()
        return weights

    def state(self) -> Weights:
        (state,) = self.engine.state()
        return state

    def answers(self, images: np.ndarray) -> np.ndarray:
        """Everything that the engine says: probabilities (images, classes) or (images, steps, classes)."""
        return np.concatenate(list(self.engine.predict(images)), axis=1)[0]

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The last answers."""
        (answers,) = predict(self.engine, images, np.zeros(len(images), np.int32))
        return answers.probabilities


def difference(one: Weights, other: Weights) -> float:
    """The largest between two sets of arrays, which must have the same names and shapes."""
    assert one.keys() == other.keys()
    assert all(one[name].shape == other[name].shape for name in one)
    return max(float(np.abs(one[name].astype(float) - other[name].astype(float)).max(initial=0)) for name in one)


def copied(weights: Weights) -> Weights:
    return {name: np.array(array, copy=True) for name, array in weights.items()}


def loss_of(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean cross-entropy; where there is an answer for each time step, over all of them."""
    each = probabilities if probabilities.ndim == 3 else probabilities[:, np.newaxis]
    right = each[np.arange(len(labels)), :, labels]
    return float(-np.log(np.maximum(right, 1e-7)).mean())
