"""What the engine of one backend does, as facts that `test_engine.py` and others assert on. Run as a process:

python engine_cases.py tensorflow|jax FOLDER

The backend is fixed for the life of a process and takes seconds to start, so all cases share one. Writes
`FOLDER/<backend>.json`; a case that fails leaves its traceback in place of its facts. The two backends run at the same
time and hand models to each other in FOLDER.
"""

from __future__ import annotations

import json
import time
import traceback
from typing import Any

import group_cases
import learning_cases
import numpy as np
from runs import ALL, BACKEND, FOLDER, SMALL, Run, copied, difference, digits, loss_of, synthetic

from eyechart.core.errors import ConfigError
from eyechart.data import Slice
from eyechart.models import FNN
from eyechart.runner.checkpoint import Checkpoint, resume
from eyechart.training import optimizers, schedules
from eyechart.training.augmentation import Augmentation
from eyechart.training.backend.choose import activate, worth_compiling
from eyechart.training.backend.chunks import PREDICTION_BATCH
from eyechart.training.callback import EpochRecord
from eyechart.training.early_stopping import EarlyStopping
from eyechart.training.member import members_of
from eyechart.training.order import order

import keras  # isort: skip  # only after `runs` has chosen its backend

OTHER = {"tensorflow": "jax", "jax": "tensorflow"}[BACKEND]
PATIENCE = 240  # seconds to wait for the other backend's models


def models() -> dict[str, Any]:
    """First, because the other backend waits for it: each architecture after a step on one batch, and what it says."""
    images, labels = synthetic(24, (12, 20, 3))
    facts = {}
    try:
        for name, architecture in SMALL.items():
            run = Run(architecture, (images, labels), batch_size=24, optimizer=optimizers.SGD(0.02))
            before = run.answers(images)
            run.train(1)
            after = run.answers(images)
            run.model.save(FOLDER / f"{BACKEND}-{name}.keras")
            np.save(FOLDER / f"{BACKEND}-{name}.npy", after)
            facts[name] = {
                "before": loss_of(before, labels),
                "after": loss_of(after, labels),
                "shape": after.shape,
                "sums": float(np.abs(after.sum(axis=-1) - 1).max()),
                "least": float(after.min()),
            }
    finally:
        (FOLDER / f"{BACKEND}.ready").touch()
    return facts


def reference() -> dict[str, Any]:
    """Two epochs of a dense net, beside the same in NumPy with float64: 70 images are 4 steps of 16 and one of 6."""
    images, labels = synthetic(70)
    momentum, rate = 0.5, 0.1
    run = Run(FNN(units=[8, 6]), (images, labels), optimizer=optimizers.SGD(rate, momentum))
    values = [array.astype(float) for array in run.model.get_weights()]
    speeds = [np.zeros_like(array) for array in values]
    losses, accuracies = [], []
    for epoch in (1, 2):
        loss = right = 0.0
        positions = order(3, epoch, len(images))
        for start in range(0, len(images), 16):
            batch = positions[start : start + 16]
            inputs, truth = [images[batch].reshape(len(batch), -1) / 255], np.eye(3)[labels[batch]]
            for i in (0, 2):
                inputs.append(np.maximum(inputs[-1] @ values[i] + values[i + 1], 0))
            scores = np.exp(inputs[-1] @ values[4] + values[5])
            probabilities = scores / scores.sum(axis=1, keepdims=True)
            loss -= np.log((probabilities * truth).sum(axis=1)).sum()
            right += (probabilities.argmax(axis=1) == labels[batch]).sum()
            slope, gradients = (probabilities - truth) / len(batch), [np.zeros(0)] * 6
            for i in (4, 2, 0):
                gradients[i], gradients[i + 1] = inputs[i // 2].T @ slope, slope.sum(axis=0)
                slope = (slope @ values[i].T) * (inputs[i // 2] > 0)
            speeds = [momentum * speed - rate * g for speed, g in zip(speeds, gradients, strict=True)]
            values = [value + speed for value, speed in zip(values, speeds, strict=True)]
        losses.append(loss / len(images))
        accuracies.append(right / len(images))
    run.train(2)
    return {
        "weights": max(float(np.abs(a - b).max()) for a, b in zip(run.model.get_weights(), values, strict=True)),
        "losses": [run.losses, losses],
        "accuracies": [run.accuracies, accuracies],
        "ticks": sum(run.ticks),
    }


def dense_on_digits() -> dict[str, Any]:
    """The default dense net on real images, compiled where that is worth it: learning, predicting, weights."""
    images, labels = digits()
    run = Run(FNN(), (images, labels), batch_size=64, compiled=True)
    draw = np.random.default_rng(0)
    run.model.set_weights([draw.normal(0, 0.1, array.shape) for array in run.model.get_weights()])
    facts: dict[str, Any] = {"before": loss_of(run.predict(images), labels)}
    run.train(1)
    facts["after"], facts["first_loss"] = loss_of(run.predict(images), labels), run.losses[0]
    differences = {}
    for count in (1, 37, PREDICTION_BATCH, PREDICTION_BATCH + 1, 1234):
        one, other = run.predict(images[:count]), run.model.predict(images[:count], verbose=0)
        assert one.shape == other.shape
        differences[str(count)] = float(np.abs(one - other).max())
    facts["predictions"] = differences
    weights = run.weights()
    kept = copied(weights)
    saved = run.predict(images[:50])
    run.train(1)
    facts["kept_weights"] = difference(weights, kept)
    facts["trained_on"] = difference(run.weights(), kept)
    run.engine.set_weights([weights])
    facts["put_back"] = difference(run.weights(), kept)
    facts["put_back_predictions"] = float(np.abs(run.predict(images[:50]) - saved).max())
    facts["put_back_model"] = float(np.abs(run.model.predict(images[:50], verbose=0) - saved).max())
    run.train(1)
    facts["kept_after_putting_back"] = difference(weights, kept)
    return facts


def chunked() -> dict[str, Any]:
    """The same training with all images on the device and with few at a time: 6 steps of 16 and one of 4."""
    facts = {}
    data = synthetic(100)
    images, labels = data
    # the same images at every other position of a larger array, as a slice of a data set on disk has them
    larger = np.repeat(images, 2, axis=0)
    larger[::2] = 0
    disk = Slice(larger, labels, np.arange(1, 200, 2))
    ways = ((None, None), (1, None), (3, None), (3, disk))
    cases: dict[str, tuple[Any, dict[str, Any]]] = {
        "dense, compiled": (FNN(), {"optimizer": optimizers.SGD(0.1, 0.9), "compiled": True}),
        "dropout": (SMALL["lenet"], {"optimizer": optimizers.Adam()}),
        "augmented": (FNN(), {"augmentation": ALL, "compiled": True}),
    }
    for name, (architecture, chosen) in cases.items():
        runs = [
            Run(architecture, data, steps_per_chunk=steps, source=source, **chosen).train(2) for steps, source in ways
        ]
        facts[name] = {
            "states": [difference(run.state(), runs[0].state()) for run in runs],
            "losses": [run.losses for run in runs],
            "accuracies": [run.accuracies for run in runs],
            "ticks": [sum(run.ticks) for run in runs],
        }
    return facts


def sizes() -> dict[str, Any]:
    """Batches of one image, as large as the data, and larger."""
    facts = {}
    for batch_size in (1, 10, 1000):
        run = Run(FNN(units=[4]), synthetic(10), batch_size=batch_size).train(3)
        facts[str(batch_size)] = {"losses": run.losses, "ticks": sum(run.ticks), "state": len(run.state())}
    return facts


def resumed() -> dict[str, Any]:
    """Four epochs with Adam, and two with a checkpoint that another engine goes on from."""
    data = synthetic(50)
    cases: dict[str, tuple[Any, Augmentation | None]] = {
        "dropout": (SMALL["lenet"], None),
        "normalised": (SMALL["normalised"], None),
        "augmented": (SMALL["fnn"], ALL),
    }
    facts = {}
    for name, (architecture, augmentation) in cases.items():
        straight, first, second = (
            Run(architecture, data, optimizer=optimizers.Adam(0.01), augmentation=augmentation) for _ in range(3)
        )
        straight.train(4)
        first.train(2)
        checkpoint = Checkpoint(FOLDER / f"{BACKEND}-{name}", [EarlyStopping(None)])
        checkpoint(EpochRecord(2), members_of(first.engine)[0])
        second.train(1)  # elsewhere in every respect, before the checkpoint is loaded
        different = difference(second.state(), first.state())
        done = resume([Checkpoint(checkpoint.folder, [EarlyStopping(None)])], second.engine)
        restored = difference(second.state(), first.state())
        second.losses[:], second.accuracies[:] = first.losses, first.accuracies
        second.train(2)
        facts[name] = {
            "done": done,
            "different": different,
            "restored": restored,
            "state": difference(second.state(), straight.state()),
            "losses": [second.losses, straight.losses],
            "accuracies": [second.accuracies, straight.accuracies],
            "layers' state": len(straight.model.non_trainable_variables),
        }
    return facts


def compilation() -> dict[str, Any]:
    """A dense net compiled by XLA, and not."""
    one, other = (Run(FNN(), synthetic(100), compiled=compiled).train(2) for compiled in (True, False))
    return {"weights": difference(one.weights(), other.weights()), "losses": [one.losses, other.losses]}


def worth() -> dict[str, Any]:
    """For which architectures XLA is switched on."""
    built = {name: architecture.build((12, 12, 1), 3) for name, architecture in SMALL.items()}
    return {device: [name for name in built if worth_compiling(built[name], device)] for device in ("cpu", "gpu")}


def precision() -> dict[str, Any]:
    """Half precision, for a dense net (compiled) and a convolutional one."""
    facts = {}
    data = synthetic(96, (12, 12, 1))
    for kind in ("mixed_float16", "mixed_bfloat16"):
        for name in ("fnn", "cnn"):
            run = Run(SMALL[name], data, precision=kind, compiled=name == "fnn").train(6)
            probabilities = run.predict(data[0][:40])
            facts[f"{kind} {name}"] = {
                "losses": run.losses,
                "output": str(run.model.output.dtype),
                "hidden": run.model.layers[-2].compute_dtype,
                "sums": float(np.abs(probabilities.sum(axis=1) - 1).max()),
            }
    activate(BACKEND, "cpu", "float32")
    return facts


def optimizers_built() -> dict[str, Any]:
    """Every optimizer with values unlike its defaults, as Keras describes it."""
    chosen = {
        "sgd": optimizers.SGD(0.3, 0.8, True),
        "adam": optimizers.Adam(0.02, 0.8, 0.9, 1e-5),
        "adamw": optimizers.AdamW(0.02, 0.3, 0.8, 0.9, 1e-5),
        "rmsprop": optimizers.RMSprop(0.02, 0.7, 0.6, 1e-5),
    }
    facts: dict[str, Any] = {}
    for name, optimizer in chosen.items():
        built = optimizer.build(0.5, "float32")
        facts[name] = {"class": type(built).__name__, **built.get_config()}
    facts["bfloat16"] = type(chosen["sgd"].build(0.5, "mixed_bfloat16")).__name__
    scaled = chosen["sgd"].build(0.5, "mixed_float16")
    facts["float16"] = [type(scaled).__name__, type(scaled.inner_optimizer).__name__]
    return facts


def schedules_built() -> dict[str, Any]:
    """Learning rates at some steps, of a run of 10 epochs of 20 steps."""
    chosen = {
        "constant": schedules.Constant(),
        "cosine": schedules.Cosine(final=0.1),
        "warm": schedules.Cosine(final=0.1, warmup_epochs=2),
        "warm all along": schedules.Cosine(warmup_epochs=10),
        "exponential": schedules.Exponential(0.5),
    }
    facts = {}
    for name, schedule in chosen.items():
        built = schedule.build(0.4, 20, 10)
        steps = (0, 10, 20, 40, 100, 120, 200)
        facts[name] = {str(step): float(built(step)) if callable(built) else built for step in steps}
    # and as training meets it: two steps an epoch
    run = Run(FNN(units=[4]), synthetic(32), schedule=schedules.Exponential(0.5))
    facts["after each epoch"] = [float(run.train(1).optimizer.learning_rate) for _ in range(3)]
    return facts


def activation() -> dict[str, Any]:
    """What is refused once a backend runs, or where there is no GPU."""
    facts = {"found": [activate(BACKEND, device, "float32") for device in ("auto", "cpu")]}
    for name, arguments in {"other": (OTHER, "cpu"), "gpu": (BACKEND, "gpu")}.items():
        try:
            activate(*arguments, "float32")
        except ConfigError as error:
            facts[name] = str(error)
    return facts


def exchanged() -> dict[str, Any]:
    """The other backend's models, read by this one."""
    end = time.monotonic() + PATIENCE
    while not (FOLDER / f"{OTHER}.ready").exists():
        assert time.monotonic() < end, f"no models from {OTHER}"
        time.sleep(0.1)
    images, _ = synthetic(24, (12, 20, 3))
    facts = {}
    for name in SMALL:
        model = keras.saving.load_model(FOLDER / f"{OTHER}-{name}.keras")
        expected = np.load(FOLDER / f"{OTHER}-{name}.npy")
        facts[name] = float(np.abs(np.asarray(model(images, training=False)) - expected).max())
    return facts


CASES = (
    models,
    reference,
    dense_on_digits,
    chunked,
    sizes,
    resumed,
    compilation,
    worth,
    precision,
    optimizers_built,
    schedules_built,
    activation,
    *group_cases.CASES,
    *learning_cases.CASES,
    exchanged,
)


def main() -> None:
    facts: dict[str, Any] = {"seconds": {}}
    for case in CASES:
        began = time.perf_counter()
        try:
            facts[case.__name__] = case()
        except Exception:
            facts[case.__name__] = traceback.format_exc()
        facts["seconds"][case.__name__] = round(time.perf_counter() - began, 2)
    (FOLDER / f"{BACKEND}.json").write_text(json.dumps(facts, indent=1))


main()
