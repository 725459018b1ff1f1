"""A sweep of 16 dense nets as whole processes: fused, as a loop of `fit`, and by KerasTuner.

python benchmarks/fused_sweep.py 5     rounds; needs Fashion-MNIST prepared, and KerasTuner for its own line
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support import ROOT, machine, ratios, spread, start_sweep

from eyechart.core import paths

SEEDS, EPOCHS = 16, 5
SWEEP = f"hydra/launcher=fused dataset=fashion_mnist model=fnn seed=range({SEEDS}) trainer.epochs={EPOCHS}"


def ours(prepared: Path) -> float:
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "data").mkdir()
        (Path(place) / "data" / "prepared").symlink_to(prepared.parent)
        began = time.perf_counter()
        process = start_sweep(place, SWEEP)
        process.communicate()
        assert process.returncode == 0
        return time.perf_counter() - began


def script(prepared: Path, name: str) -> float:
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, f"benchmarks/{name}.py", str(prepared), place, str(SEEDS), str(EPOCHS)]
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=os.environ)
        return time.perf_counter() - began


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    prepared = paths.prepared("fashion_mnist")
    programs = {
        "train.py, hydra/launcher=fused": lambda: ours(prepared),
        "a loop of fit, with MLflow": lambda: script(prepared, "plain_sweep"),
    }
    if importlib.util.find_spec("keras_tuner"):
        programs["KerasTuner's grid search"] = lambda: script(prepared, "tuner_sweep")
    taken: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            taken[name].append(program())
    fused = next(iter(taken.values()))
    print(f"{SEEDS} dense nets, {EPOCHS} epochs, whole processes, {rounds} rounds. {machine()}\n")
    print("| program | seconds | times the fused sweep's |\n|:--|--:|--:|")
    for name, seconds in taken.items():
        print(f"| {name} | {spread(seconds, 1)} | {spread(ratios(fused, seconds))} |", flush=True)


if __name__ == "__main__":
    main()
