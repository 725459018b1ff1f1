"""Training alone: the engine against plain `model.fit`, microseconds per image, side by side in one process.

python benchmarks/training.py            every model, on prepared Fashion-MNIST
python benchmarks/training.py fnn 5      one model, five rounds
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import hydra
from support import machine, ratios, spread

from eyechart.config import check
from eyechart.data import open_dataset
from eyechart.training.backend.assembly import make_engine
from eyechart.training.backend.choose import activate, worth_compiling
from eyechart.training.backend.recipe import Execution, Recipe, TrainingData
from eyechart.training.order import Reading

CONF = Path(__file__).resolve().parents[1] / "conf"
SIZES = {"fnn": 60000, "cnn": 12800, "lenet": 3840, "rnn": 12800, "birnn": 3840}  # training images, by model
BATCH = 128


def measure(name: str, rounds: int) -> str:
    size = SIZES[name]
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        architecture = check(hydra.compose("config", [f"model={name}"])).model
    device = activate("tensorflow", "auto", "float32")
    import keras

    dataset = open_dataset("fashion_mnist")
    train = dataset.split(validation_fraction=0, limit=(size, None)).train
    images, labels = train.load(), train.labels
    loss = keras.losses.SparseCategoricalCrossentropy()
    model = architecture.build(dataset.image_shape, 10)
    engine, _ = make_engine(
        models=[model],
        rates=[0.001],
        recipe=Recipe(keras.optimizers.Adam, loss, BATCH),
        data=TrainingData(images, labels),
        execution=Execution(device, worth_compiling(model, device)),
    )
    reading = Reading([0], size)
    plain = architecture.build(dataset.image_shape, 10)
    plain.compile(optimizer="adam", loss=loss, metrics=["accuracy"])

    ours, theirs = [], []
    for epoch in range(rounds + 1):  # the first round, which compiles, does not count
        began = time.perf_counter()
        engine.epoch(reading.epoch(epoch), lambda images: None)
        middle = time.perf_counter()
        plain.fit(images, labels, batch_size=BATCH, epochs=1, verbose=0)
        if epoch:
            ours.append((middle - began) / size * 1e6)
            theirs.append((time.perf_counter() - middle) / size * 1e6)
    return f"| {name} | {spread(ours, 1)} | {spread(theirs, 1)} | {spread(ratios(ours, theirs))} |"


def main() -> None:
    names = [sys.argv[1]] if len(sys.argv) > 1 else list(SIZES)
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print(f"Training alone, batch {BATCH}, float32, median (least to greatest) of {rounds} rounds. {machine()}\n")
    print("| model | engine, us per image | fit, us per image | times as fast |\n|:--|--:|--:|--:|")
    for name in names:
        print(measure(name, rounds), flush=True)


if __name__ == "__main__":
    main()
