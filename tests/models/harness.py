"""Every model on every small data set, as facts that `tests/slow/test_models.py` asserts on. Run as a process:

python harness.py train tensorflow|jax FOLDER    train a little, save, and write FOLDER/train.json
python harness.py load tensorflow|jax FOLDER     load what was saved, and write FOLDER/load.json

EYECHART_ROOT has to hold the prepared digits. A case that fails leaves its traceback in place of its facts.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from models.cases import MODELS, SHAPES, architecture

from eyechart.data import open_dataset
from eyechart.models.loading import load_model
from eyechart.training import losses, optimizers
from eyechart.training.backend.assembly import make_engine
from eyechart.training.backend.choose import activate, set_seed, worth_compiling
from eyechart.training.backend.engine import Epoch
from eyechart.training.backend.recipe import Execution, Recipe, TrainingData

STEP, BACKEND, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
BATCH = 10  # images, one of each class
STEPS = 5
RATE = 1e-3

activate(BACKEND, "cpu", "float32")


def batch(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Digits where they have the shape; else noise."""
    labels = np.arange(BATCH, dtype=np.int32)
    digits = open_dataset("digits")
    if shape == digits.image_shape:
        train = digits.split().train
        first = [int(np.flatnonzero(train.labels == label)[0]) for label in labels]
        return train.load()[first], labels
    return np.random.default_rng(0).integers(0, 256, (BATCH, *shape), np.uint8), labels


def train(name: str, shape: tuple[int, int, int]) -> dict[str, Any]:
    """A few steps of Adam on one batch, by the engine, as a run makes it."""
    images, labels = batch(shape)
    set_seed(0)
    model = architecture(name).build(shape, 10)
    engine, _ = make_engine(
        models=[model],
        rates=[RATE],
        recipe=Recipe(
            optimizer=lambda rate: optimizers.Adam(rate).build(rate, "float32"),
            loss=losses.crossentropy(),
            batch_size=BATCH + 1,  # so that the batch is the rest of an epoch: compiled in half the time of the loop
        ),
        data=TrainingData(images, labels),
        execution=Execution("cpu", worth_compiling(model, "cpu")),
    )

    def answers() -> np.ndarray:
        return np.concatenate(list(engine.predict(images)), axis=1)[0]

    before = answers()
    for _ in range(STEPS):  # an epoch of one batch
        engine.epoch(Epoch(np.arange(BATCH, dtype=np.int32)[np.newaxis]), lambda images: None)
    after = answers()
    model.save(FOLDER / f"{title(name, shape)}.keras")
    np.save(FOLDER / f"{title(name, shape)}.npy", after)
    return {"parameters": model.count_params(), "before": loss(before, labels), "after": loss(after, labels)}


def loss(answers: np.ndarray, labels: np.ndarray) -> float:
    """Mean cross-entropy, over the answers after all steps where there are several."""
    steps = answers.reshape(len(labels), -1, answers.shape[-1])
    return float(-np.log(steps[np.arange(len(labels)), :, labels]).mean())


def load(name: str, shape: tuple[int, int, int]) -> dict[str, Any]:
    """How far the answers of a saved model are from those before it was saved."""
    images, _ = batch(shape)
    model = load_model(FOLDER / f"{title(name, shape)}.keras")
    expected = np.load(FOLDER / f"{title(name, shape)}.npy")
    answers = np.asarray(model(images, training=False))
    assert answers.shape == expected.shape
    return {"difference": float(np.abs(answers - expected).max()), "parameters": model.count_params()}


def title(name: str, shape: tuple[int, int, int]) -> str:
    return f"{name}-{'x'.join(map(str, shape))}"


def main() -> None:
    case: Callable[..., dict[str, Any]] = {"train": train, "load": load}[STEP]
    facts: dict[str, Any] = {}
    for name in MODELS:
        for shape in SHAPES:
            try:
                facts[title(name, shape)] = case(name, shape)
            except Exception:
                facts[title(name, shape)] = traceback.format_exc()
    (FOLDER / f"{STEP}.json").write_text(json.dumps(facts, indent=1))


main()
