"""How long the leaderboard and the report take, on runs that were never trained.

python benchmarks/report.py 50 1000     runs of the report, runs of the leaderboard
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from support import ROOT, machine

from eyechart.core import paths
from eyechart.core.files import write_json
from eyechart.data.dataset import DESCRIPTION
from eyechart.evaluation import predictions, scores
from eyechart.runs.journal import Journal

IMAGES, CLASSES, SEEDS, EPOCHS, SHAPE = 10_000, 10, 3, 30, (32, 32, 3)


def main() -> None:
    report, board = (int(word) for word in sys.argv[1:3]) if len(sys.argv) > 2 else (50, 1000)
    print(f"Seconds of python pipelines/compare.py, {IMAGES:,} test images, {SEEDS} seeds per row. {machine()}\n")
    print("| runs | typed | seconds | file |\n|--:|:--|--:|--:|")
    for runs, words in ((report, ["report=report.html"]), (board, [])):
        with tempfile.TemporaryDirectory() as place:
            os.environ["EYECHART_ROOT"] = place
            labels = write_data()
            for number in range(runs):
                write_run(number, labels)
            began = time.perf_counter()
            program = [sys.executable, str(ROOT / "pipelines" / "compare.py"), *words]
            subprocess.run(program, cwd=place, check=True, stdout=subprocess.DEVNULL)
            seconds = time.perf_counter() - began
            file = Path(place) / "report.html"
            size = f"{file.stat().st_size / 1e6:.1f} MB" if file.exists() else "-"
            print(f"| {runs:,} | {' '.join(words)} | {seconds:.1f} | {size} |", flush=True)


def write_data() -> np.ndarray:
    """A prepared data set of colour noise, which no compression makes small; its test labels."""
    random = np.random.default_rng(0)
    folder = paths.prepared("noise")
    folder.mkdir(parents=True)
    labels = random.integers(0, CLASSES, IMAGES).astype(np.int32)
    counts, permutation = {"train": CLASSES, "test": IMAGES}, np.arange(CLASSES)
    np.save(folder / "train_images.npy", np.zeros((CLASSES, *SHAPE), np.uint8))
    np.save(folder / "train_labels.npy", permutation.astype(np.int32))
    np.save(folder / "test_images.npy", random.integers(0, 256, (IMAGES, *SHAPE), np.uint8))
    np.save(folder / "test_labels.npy", labels)
    np.save(folder / "permutation.npy", permutation)
    class_counts = {"train": [1] * CLASSES, "test": np.bincount(labels, minlength=CLASSES).tolist()}
    about = {"name": "noise", "class_names": [f"class {i}" for i in range(CLASSES)], "image_shape": SHAPE}
    about |= {"counts": counts, "class_counts": class_counts, "digest": "0" * 64, "mean": [127.5], "std": [73.9]}
    write_json(folder / DESCRIPTION, about)
    return labels


def write_run(number: int, labels: np.ndarray) -> None:
    """A finished run as its state folder keeps it: some images are hard for all, and rows differ in skill."""
    row, seed = divmod(number, SEEDS)
    random, hardness = np.random.default_rng(number), np.random.default_rng(0).normal(size=IMAGES)
    logits = 2 * random.normal(size=(IMAGES, CLASSES))
    logits[np.arange(IMAGES), labels] += 6 - 0.01 * row - 2 * hardness
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)
    table = predictions.make_table({"test": (np.arange(IMAGES), labels, probabilities)})
    folder = paths.runs() / f"{number:020x}"
    predictions.write(table, folder / "artifacts" / "predictions.parquet")
    epochs = np.arange(1, EPOCHS + 1)
    learned = 1 - 0.5 / epochs**0.5 - 0.001 * row + 0.01 * random.normal(size=EPOCHS)
    curves = {f"{part}/{metric}": learned for part in ("train", "validation") for metric in ("accuracy", "loss")}
    pd.DataFrame({"epoch": epochs, **curves}).to_csv(folder / "artifacts" / "history.csv", index=False)
    values = {"model": "cnn", "dataset": "noise", "optimizer.learning_rate": 0.001 * (row + 1), "seed": seed}
    accuracies = {f"{part}/accuracy": float(learned.max()) for part in ("train", "validation")}
    result = {"monitor": "validation/accuracy", "best_epoch": int(learned.argmax()) + 1, "parameters": 1000 + 100 * row}
    result |= {"seconds": 10.0 + number, "test/accuracy": scores.accuracy(table), "validation/loss": 1.0, **accuracies}
    journal = Journal(folder)
    journal.append("start", name=f"run {number}", experiment_name="eyechart", identity=["", ""])
    journal.append("params", values=values)
    journal.append("tags", values={"eyechart.data_digest": "0" * 64})
    for epoch in range(EPOCHS):
        journal.metrics(epoch + 1, {name: float(curve[epoch]) for name, curve in curves.items()})
    journal.append("end", status="FINISHED", result=result)
    journal.close()


if __name__ == "__main__":
    main()
