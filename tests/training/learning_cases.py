"""What is learned from: every answer of a model, weighted classes, changed images, normalised batches.

Cases of `engine_cases.py`, beside the same in plain NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from runs import ALL, BACKEND, FOLDER, SMALL, Run, difference, loss_of, synthetic

from eyechart.core.errors import ConfigError
from eyechart.models import FNN, RNN
from eyechart.training import losses, optimizers
from eyechart.training.augmentation import DRAWS, Augmentation
from eyechart.training.backend.choose import set_seed
from eyechart.training.backend.chunks import PREDICTION_BATCH
from eyechart.training.predict import predict

import keras  # isort: skip  # only after `runs` has chosen its backend


def per_step() -> dict[str, Any]:
    """A simple recurrent net that answers after each row: one step on one batch, and the answers to many images."""
    images, labels = synthetic(15, (5, 4, 1))
    rate = 0.5
    run = Run(RNN(units=3, per_step=True), (images, labels), batch_size=15, optimizer=optimizers.SGD(rate))
    weights = [array.astype(float) for array in run.model.get_weights()]
    said = _recurrent_answers(weights, images)
    facts: dict[str, Any] = {
        "loss": float(losses.crossentropy()(labels, said.astype(np.float32))),
        "expected_loss": loss_of(said, labels),
        "expected_last_loss": loss_of(said[:, -1], labels),
        "expected_last_accuracy": float((said[:, -1].argmax(axis=1) == labels).mean()),
    }
    run.train(1)
    expected = [array - rate * slope for array, slope in zip(weights, _slopes(weights, images, labels), strict=True)]
    learned = run.model.get_weights()
    facts["epoch_loss"], facts["epoch_accuracy"] = run.losses[0], run.accuracies[0]
    facts["moved"] = max(float(np.abs(a - b).max()) for a, b in zip(learned, weights, strict=True))
    facts["weights"] = max(float(np.abs(a - b).max()) for a, b in zip(learned, expected, strict=True))

    many, truth = synthetic(1234, (5, 4, 1))
    facts["asked"] = {}
    for count in (37, PREDICTION_BATCH, PREDICTION_BATCH + 1, 1234):
        (answers,) = predict(run.engine, many[:count], truth[:count])
        expected = _recurrent_answers([array.astype(float) for array in learned], many[:count])
        right = expected.argmax(axis=2) == truth[:count, np.newaxis]
        facts["asked"][str(count)] = {
            "step_accuracy": answers.step_accuracy.tolist(),
            "expected": (right.sum(axis=0) / count).tolist(),
            "probabilities": float(np.abs(answers.probabilities - expected[:, -1]).max()),
        }
    return facts


def _recurrent_answers(weights: list[np.ndarray], images: np.ndarray) -> np.ndarray:
    """The answers after each row, (images, rows, classes)."""
    read, remember, shift, answer, answer_shift = weights
    state, answers = np.zeros((len(images), len(shift))), []
    for row in np.moveaxis(images[..., 0] / 255, 1, 0):
        state = np.tanh(row @ read + state @ remember + shift)
        scores = np.exp(state @ answer + answer_shift)
        answers.append(scores / scores.sum(axis=1, keepdims=True))
    return np.stack(answers, axis=1)


def _slopes(weights: list[np.ndarray], images: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """How the loss over all answers changes with each weight: from a tiny step to either side."""
    slopes, tiny = [], 1e-5
    for array in weights:
        slope = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            kept = array[place]
            sides = []
            for step in (tiny, -tiny):
                array[place] = kept + step
                sides.append(loss_of(_recurrent_answers(weights, images), labels))
            array[place] = kept
            slope[place] = (sides[0] - sides[1]) / (2 * tiny)
        slopes.append(slope)
    return slopes


def class_weights() -> dict[str, Any]:
    """8 images of one class and 4 of another, weighted, beside the same with each of the 4 twice."""
    images, _ = synthetic(12)
    labels = np.array([0, 1, 0] * 4, np.int32)
    twice = np.concatenate([np.arange(12), np.flatnonzero(labels)])
    weights = losses.balanced(labels, 2)
    facts = {}
    for name, architecture in {"dense": FNN(units=[6]), "per step": RNN(units=4, per_step=True)}.items():

        def run(data: tuple[np.ndarray, np.ndarray], weights: Any = None, architecture: Any = architecture) -> Run:
            return Run(architecture, data, batch_size=16, class_weights=weights).train(1)

        weighted, plain = run((images, labels), weights), run((images, labels))
        repeated = run((images[twice], labels[twice]))
        untrained = Run(architecture, (images, labels))
        facts[name] = {
            "weights": difference(weighted.weights(), repeated.weights()),
            "unweighted": difference(weighted.weights(), plain.weights()),
            "moved": difference(weighted.weights(), untrained.weights()),
            "losses": [weighted.losses, repeated.losses],
        }
    return facts


def augmented() -> dict[str, Any]:
    """25 images of no black pixel, changed: by each shift there is, or by draws at random."""
    draw = np.random.default_rng(5)
    images = draw.integers(1, 256, (25, 7, 9, 2), np.uint8)
    some = draw.random((25, DRAWS), np.float32)
    every = some.copy()
    every[:, :2] = (np.indices((5, 5)).reshape(2, 25).T + 0.5) / 5
    cases = {
        "shift": (Augmentation(shift=2), every),
        "flip": (Augmentation(flip=True), some),
        "shift and flip": (Augmentation(flip=True, shift=2), every),
        "cutout": (Augmentation(cutout=3), some),
        "even cutout": (Augmentation(cutout=4), some),
        "all": (ALL, every),
    }
    facts = {}
    for name, (augmentation, draws) in cases.items():
        apply = augmentation.apply
        changed = np.asarray(apply(keras.ops.convert_to_tensor(images), keras.ops.convert_to_tensor(draws)))
        facts[name] = {
            "images": images.tolist(),
            "draws": draws.tolist(),
            "changed": changed.tolist(),
            "type": str(changed.dtype),
        }
    return facts


def normalised() -> dict[str, Any]:
    """The moving statistics of batch normalisation: after one step, and in the file of the model."""
    images, labels = synthetic(12)
    run = Run(SMALL["normalised"], (images, labels), batch_size=12)
    convolution, normalisation = run.model.layers[2:4]
    maps = np.asarray(keras.Model(run.model.input, convolution.output)(images))
    remembered = normalisation.momentum
    run.train(1)
    moving = [np.asarray(normalisation.moving_mean), np.asarray(normalisation.moving_variance)]
    expected = [
        (1 - remembered) * maps.mean(axis=(0, 1, 2)),
        remembered + (1 - remembered) * maps.var(axis=(0, 1, 2)),
    ]
    path = FOLDER / f"{BACKEND}-normalised-alone.keras"
    run.train(1)
    run.model.save(path)
    saved = keras.saving.load_model(path, compile=False)
    mean, variance = (np.asarray(value) for value in saved.layers[3].non_trainable_variables)
    return {
        "layer": type(normalisation).__name__,
        "moving": [array.tolist() for array in moving],
        "expected": [array.tolist() for array in expected],
        "kept": [array.tolist() for name, array in run.weights().items() if name.startswith("other/")],
        "saved": [mean.tolist(), variance.tolist()],
        "said": float(np.abs(np.asarray(saved(images, training=False)) - run.predict(images)).max()),
    }


def channels_first() -> dict[str, Any]:
    """With Keras' setting that maps have their channels first: what each model says, learns, or why it cannot."""
    images, labels = synthetic(8, (12, 12, 3))
    facts: dict[str, Any] = {}
    for name in ("fnn", "birnn", "cnn", "normalised", "cnn_rnn"):
        set_seed(7)  # as Run does
        plain = np.asarray(SMALL[name].build((12, 12, 3), 3)(images, training=False))
        keras.config.set_image_data_format("channels_first")
        try:
            run = Run(SMALL[name], (images, labels), batch_size=8)
            before = run.answers(images)
            run.train(1)
            moved = float(np.abs(run.answers(images) - before).max())
            facts[name] = {"same": float(np.abs(before - plain).max()), "moved": moved}
        except ConfigError as error:
            facts[name] = {"refused": str(error)}
        finally:
            keras.config.set_image_data_format("channels_last")
    return facts


CASES = (per_step, class_weights, augmented, normalised, channels_first)
