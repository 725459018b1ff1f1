"""Boards of real networks: 60 of a small net on the digits, split at random into rows that are equal in truth.

The test images are the same in every repetition, so nothing is said of new images: all that rows differ by is seeds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from comparison_cache import CHUNKS, repetitions, save
from comparison_draws import Cell, statistics
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
PREDICTIONS = ".eyechart/runs/*/artifacts/predictions.parquet"
SWEEP = (
    "dataset=digits model=fnn model.units=[8] seed=range(60) optimizer.learning_rate=0.01 trainer.epochs=12 "
    "tracking=none hydra/launcher=fused hydra.launcher.max_members=20"
)


@dataclass(frozen=True)
class RealCell(Cell):
    """A cell of networks that are drawn without replacement, of those that have `least` test accuracy."""

    least: float = 0.0


def real_cell(rows: int, seeds: int, least: float = 0.0, *, exempt: bool = False) -> RealCell:
    name = f"real: {rows} rows x {seeds} of 60 networks on digits" + (f", those above {least:.0%}" if least else "")
    return RealCell(name, rows=rows, seeds=seeds, images=360, exempt=exempt, least=least)


def train(place: Path) -> None:
    """Train the networks in a workspace of their own, unless they are there."""
    if len(list(place.glob(PREDICTIONS))) == 60:
        return
    for words in ("fetch dataset=digits", "preprocess dataset=digits", f"train -m {SWEEP}"):
        program, *rest = words.split()
        command = [sys.executable, f"pipelines/{program}.py", *rest]
        subprocess.run(command, cwd=ROOT, env=os.environ | {"EYECHART_ROOT": str(place)}, check=True)


def generate_real(folder: Path, cell: RealCell, chunk: int, place: Path) -> None:
    """Split the networks at random into rows, for one tenth of the repetitions of a cell."""
    rng = np.random.default_rng([chunk, *cell.name.encode()])
    boards, networks = [], np.flatnonzero(answers(place)["test"].mean(axis=1) >= cell.least)
    for _ in range(repetitions(cell) // CHUNKS):
        chosen = rng.permutation(networks)[: cell.each_seeds.sum()]
        found = statistics(cell, answers(place)["test"][chosen])
        if cell.rows > 2:
            of_validation = statistics(cell, answers(place)["validation"][chosen])
            found |= {f"val_{name}": value for name, value in of_validation.items()}
        boards.append(found)
    save(folder, cell, chunk, {name: np.stack([board[name] for board in boards]) for name in boards[0]})


@cache
def answers(place: Path) -> dict[str, NDArray[np.bool_]]:
    """Which images of either part each network classified right, bool (networks, images)."""
    from pyarrow import parquet

    found: dict[str, list[Any]] = {"test": [], "validation": []}
    for path in sorted(place.glob(PREDICTIONS)):
        table = parquet.read_table(path, columns=["part", "label", "prediction"])
        part, label, prediction = (column.to_numpy() for column in table.columns)
        for name, rows in found.items():
            rows.append((label == prediction)[part == name])
    return {name: np.stack(rows) for name, rows in found.items()}
