"""Members trained together against a loop of `model.fit` over the same seeds, training alone, in one process.

python benchmarks/members.py                     the models below, on TensorFlow; needs Fashion-MNIST prepared
python benchmarks/members.py jax fnn,rnn 5       another backend, these models, five rounds
python benchmarks/members.py tensorflow fnn 5 1,4,16,64    so many members each: how time grows with them
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import hydra
import numpy as np
import psutil
from support import machine, ratios, spread

from eyechart.config import check
from eyechart.data import open_dataset
from eyechart.training import losses
from eyechart.training.backend import activate, set_seed, worth_compiling
from eyechart.training.backend.assembly import make_engine
from eyechart.training.order import order

CONF = Path(__file__).resolve().parents[1] / "conf"
BATCH, RATE = 128, 1e-3
MODELS = {  # words, training images, members
    "fnn": ("model=fnn", 20000, 16),
    "rnn": ("model=rnn", 20000, 8),
    "bilstm, rows": ("model=birnn model.directions=rows", 2560, 4),
    "cnn": ("model=cnn", 6400, 4),
    "cnn_small": ("model=cnn_small", 6400, 4),
    "lenet": ("model=lenet", 2560, 4),
}


def measure(backend: str, name: str, rounds: int, members: int | None) -> str:
    words, size, usual = MODELS[name]
    members = members or usual
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        config = check(hydra.compose("config", words.split()))
    device = activate(backend, "auto", "float32")
    import keras

    dataset = open_dataset("fashion_mnist")
    train = dataset.split(validation_fraction=0, limit=(size, None)).train
    images, labels = train.load(), train.labels

    def build(seed: int) -> Any:
        set_seed(seed)
        return config.model.build(dataset.image_shape, 10)

    models = [build(seed) for seed in range(members)]
    before = psutil.Process().memory_info().rss
    engine, _ = make_engine(
        models=models,
        optimizer=lambda rate: config.optimizer.build(config.schedule.build(rate, 1, 1), "float32"),
        rates=[RATE] * members,
        compiled=worth_compiling(models[0], device),
        device=device,
        loss=losses.crossentropy(),
        images=images,
        labels=labels,
        batch_size=BATCH,
        steps_per_chunk=None,
    )
    plain = build(0)
    plain.compile(keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy", metrics=["accuracy"])
    ours, theirs = [], []
    for epoch in range(rounds + 1):  # the first round, which compiles, does not count
        began = time.perf_counter()
        engine.epoch(np.stack([order(seed, epoch, size) for seed in range(members)]), lambda images: None)
        middle = time.perf_counter()
        plain.fit(images, labels, batch_size=BATCH, epochs=1, verbose=0)  # each further one takes as long again
        if epoch:
            ours.append((middle - began) / size / members * 1e6)
            theirs.append((time.perf_counter() - middle) / size * 1e6)
    grown = (psutil.Process().memory_info().rss - before) / 1e6
    cells = [name, str(members), spread(ours), spread(theirs, 1), spread(ratios(ours, theirs)), f"{grown:,.0f}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    backend = sys.argv[1] if len(sys.argv) > 1 else "tensorflow"
    names = sys.argv[2].split(",") if len(sys.argv) > 2 else list(MODELS)
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    counts = [int(count) for count in sys.argv[4].split(",")] if len(sys.argv) > 4 else [None]
    print(f"Together against a loop of fit, {backend}, batch {BATCH}, float32, {rounds} rounds. {machine()}\n")
    print("| model | members | together, us per image and member | fit, us per image | times as fast | memory, MB |")
    print("|:--|--:|--:|--:|--:|--:|")
    for name in names:
        for count in counts:
            print(measure(backend, name, rounds, count), flush=True)


if __name__ == "__main__":
    main()
