"""Members trained together, against one at a time and against a loop of `model.fit`: training alone, in one process.

python benchmarks/members.py                     the models below, on TensorFlow; needs Fashion-MNIST prepared
python benchmarks/members.py jax fnn,rnn 5       another backend, these models, five rounds
python benchmarks/members.py jax fnn 5 1,4,16,64,256    so many members each: how time grows with them
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
import psutil
from support import machine, ratios, spread

from eyechart.config import check
from eyechart.data import open_dataset
from eyechart.training import losses
from eyechart.training.backend.assembly import make_engine
from eyechart.training.backend.choose import activate, set_seed, worth_compiling
from eyechart.training.backend.engine import Engine
from eyechart.training.backend.recipe import Execution, Recipe, TrainingData
from eyechart.training.order import Reading

CONF = Path(__file__).resolve().parents[1] / "conf"
BATCH, RATE = 128, 1e-3
MODELS = {  # words, training images, members; `bilstm` reads the rows alone
    "fnn": ("model=fnn", 20000, 16),
    "rnn": ("model=rnn", 20000, 8),
    "bilstm": ("model=birnn model.directions=rows", 2560, 4),
    "cnn": ("model=cnn", 6400, 4),
    "cnn_small": ("model=cnn_small", 6400, 4),
    "lenet": ("model=lenet", 2560, 4),
}


def measure(backend: str, name: str, rounds: int, members: int | None, dataset_name: str) -> str:
    words, size, usual = MODELS[name]
    members = members or usual
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        config = check(hydra.compose("config", words.split()))
    device = activate(backend, "auto", "float32")
    import keras

    dataset = open_dataset(dataset_name)
    train = dataset.split(validation_fraction=0, limit=(size, None)).train
    images, labels, size = train.load(), train.labels, len(train)

    def build(seed: int) -> Any:
        set_seed(seed)
        return config.model.build(dataset.image_shape, 10)

    recipe = Recipe(
        optimizer=lambda rate: config.optimizer.build(config.schedule.build(rate, 1, 1), "float32"),
        loss=losses.crossentropy(),
        batch_size=BATCH,
    )
    data = TrainingData(images, labels)

    def engine_of(models: list[Any]) -> Engine:
        execution = Execution(device, worth_compiling(models[0], device))
        engine, _ = make_engine(
            models=models, rates=[RATE] * len(models), recipe=recipe, data=data, execution=execution
        )
        return engine

    read_together, read_alone = Reading(range(members), size), Reading([0], size)
    before = psutil.Process().memory_info().rss
    together = engine_of([build(seed) for seed in range(members)])
    together.epoch(read_together.epoch(0), lambda images: None)
    grown = (psutil.Process().memory_info().rss - before) / 1e6
    alone, plain = engine_of([build(0)]), build(0)
    plain.compile(keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy", metrics=["accuracy"])
    # of what trains one at a time, each further one takes as long again
    programs: dict[str, tuple[int, Callable[[int], Any]]] = {
        "together": (members, lambda epoch: together.epoch(read_together.epoch(epoch), lambda images: None)),
        "alone": (1, lambda epoch: alone.epoch(read_alone.epoch(epoch), lambda images: None)),
        "fit": (1, lambda epoch: plain.fit(images, labels, batch_size=BATCH, epochs=1, verbose=0)),
    }
    taken: dict[str, list[float]] = {program: [] for program in programs}
    for epoch in range(rounds + 1):  # the first round, which compiles, does not count
        for program, (count, run) in programs.items():
            began = time.perf_counter()
            run(epoch)
            if epoch:
                taken[program].append((time.perf_counter() - began) / size / count * 1e6)
    cells = [name, str(members), spread(taken["together"]), spread(taken["alone"]), spread(taken["fit"], 1)]
    cells += [spread(ratios(taken["together"], taken[other])) for other in ("alone", "fit")]
    return f"| {' | '.join(cells)} | {grown:,.0f} |"


def main() -> None:
    usual = ["tensorflow", ",".join(MODELS), "5", "0", "fashion_mnist"]
    backend, names, rounds, counts, dataset = [*sys.argv[1:], *usual[len(sys.argv) - 1 :]]
    print(f"Training alone, {backend}, batch {BATCH}, float32, {rounds} rounds; us per image and member. {machine()}\n")
    print("| model | members | together | one at a time | fit | times one at a time | times fit | memory, MB |")
    print("|:--|--:|--:|--:|--:|--:|--:|--:|")
    for name in names.split(","):
        for count in counts.split(","):  # 0: as many as the table above says
            print(measure(backend, name, int(rounds), int(count), dataset), flush=True)


if __name__ == "__main__":
    main()
