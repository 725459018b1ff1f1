"""Whole process, cold: `train.py experiment=doc001/fnn_mnist` against a plain script that fits the same and saves it.

python benchmarks/cold.py 5     rounds; needs MNIST prepared
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support import ROOT, machine, ratios, spread

from eyechart.core import paths


def seconds(command: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=ROOT)
    return time.perf_counter() - began


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    prepared = paths.prepared("mnist")
    columns: dict[str, list[float]] = {"plain": [], "none": [], "local": []}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        (root / "data").mkdir()
        (root / "data" / "prepared").symlink_to(prepared.parent)
        environment = os.environ | {"EYECHART_ROOT": place}
        for round_ in range(rounds + 1):  # the first, which fills the disk's cache and makes the store, does not count
            plain = [sys.executable, "benchmarks/plain_fit.py", str(prepared), str(root / "model.keras")]
            taken = {"plain": seconds(plain, environment)}
            for tracking in ("none", "local"):
                shutil.rmtree(root / ".eyechart", ignore_errors=True)
                train = [sys.executable, "pipelines/train.py", "experiment=doc001/fnn_mnist", f"tracking={tracking}"]
                taken[tracking] = seconds([*train, f"tracking.experiment_name=round{round_}"], environment)
            if round_:
                for name, value in taken.items():
                    columns[name].append(value)
    print(f"Whole process, cold, FNN of document 001 on MNIST, {rounds} rounds. {machine()}\n")
    print("| program | seconds | times the plain script's |\n|:--|--:|--:|")
    print(f"| plain script | {spread(columns['plain'])} | 1 |")
    for tracking in ("none", "local"):
        shares = ratios(columns["plain"], columns[tracking])
        print(f"| train.py, tracking={tracking} | {spread(columns[tracking])} | {spread(shares)} |")


if __name__ == "__main__":
    main()
