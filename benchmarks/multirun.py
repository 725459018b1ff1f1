"""What each further job of a sweep in one process costs beyond its training time.

python benchmarks/multirun.py 9     jobs; needs Fashion-MNIST prepared
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from support import machine, spread, start_sweep

from eyechart.core import paths


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    print(f"Seconds of each further job beyond its training, {jobs - 1} jobs, tracking=local. {machine()}\n")
    print("| model | beyond training, s | training, s |\n|:--|--:|--:|")
    for model in ("fnn", "cnn"):
        ends, training = [], []
        with tempfile.TemporaryDirectory() as place:
            (Path(place) / "data").mkdir()
            (Path(place) / "data" / "prepared").symlink_to(paths.prepared("fashion_mnist").parent)
            sweep = f"model={model} seed=range({jobs}) trainer.epochs=2 limit=[10000,10000]"
            process = start_sweep(place, sweep)
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("seed="):
                    ends.append(time.perf_counter())
                    training.append(float(line.partition("s of training")[0].split()[-1]))
            process.wait()
        beyond = [end - before - taken for before, end, taken in zip(ends, ends[1:], training[1:], strict=False)]
        print(f"| {model} | {spread(beyond)} | {spread(training[1:])} |", flush=True)


if __name__ == "__main__":
    main()
