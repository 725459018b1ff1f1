"""What the benchmarks share: the machine they ran on, and ratios with their spread."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]


def machine() -> str:
    name = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            name = line.partition(":")[2].strip()
            break
    memory = psutil.virtual_memory().total / 2**30
    return f"{name}, {psutil.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def spread(values: list[float], digits: int = 2) -> str:
    """Median and, in brackets, least and greatest."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def ratios(ours: list[float], theirs: list[float]) -> list[float]:
    """Pair by pair, because the machine's speed drifts: how many times faster ours is."""
    return [b / a for a, b in zip(ours, theirs, strict=True)]


def start_sweep(place: str, words: str) -> subprocess.Popen[str]:
    """A sweep on the workspace `place`, as a process whose output can be read."""
    return subprocess.Popen(
        [sys.executable, "pipelines/train.py", "-m", *words.split()],
        cwd=ROOT,
        env=os.environ | {"EYECHART_ROOT": place},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def read_prepared(folder: Path, held_back: int = 10) -> tuple[np.ndarray, ...]:
    """Images and labels to train with, to validate with (one in so many), and to test with."""
    x, y, x_test, y_test = (
        np.load(folder / f"{name}.npy") for name in ("train_images", "train_labels", "test_images", "test_labels")
    )
    validation = np.arange(len(x)) % held_back == 0
    return x[~validation], y[~validation], x[validation], y[validation], x_test, y_test


def dense(image_shape: tuple[int, ...]) -> Any:
    """The FNN of document 001, compiled for `fit`."""
    import keras

    layers = [
        keras.Input(image_shape),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
