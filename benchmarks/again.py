"""How long a sweep of 16 runs takes that is finished already, and how long one that is interrupted takes to end.

python benchmarks/again.py 5     rounds; needs the digits prepared
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support import machine, spread, start_sweep

from eyechart.core import paths

FINISHED = "dataset=digits model=fnn,cnn_small seed=range(8) limit=[64,32] trainer.epochs=1"
LONG = "dataset=digits model=lenet seed=0,1 trainer.epochs=1000"


def seconds(process: subprocess.Popen[str]) -> float:
    began = time.perf_counter()
    process.communicate()
    return time.perf_counter() - began


def interrupted(place: str, number: signal.Signals) -> float:
    """Seconds from a signal in the middle of a training to the end of the process."""
    process = start_sweep(place, LONG)
    time.sleep(20)
    process.send_signal(number)
    return seconds(process)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"Seconds, {rounds} rounds, tracking=local. {machine()}\n")
    print("| what | seconds |\n|:--|--:|")
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "data").mkdir()
        (Path(place) / "data" / "prepared").symlink_to(paths.prepared("digits").parent)
        start_sweep(place, FINISHED).communicate()
        again = [seconds(start_sweep(place, FINISHED)) for _ in range(rounds)]
        print(f"| a finished sweep of 16 runs, typed again | {spread(again)} |", flush=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            ends = [interrupted(place, number) for _ in range(rounds)]
            print(f"| from {number.name} to the end of the process | {spread(ends)} |", flush=True)


if __name__ == "__main__":
    main()
