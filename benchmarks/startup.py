"""How soon train.py answers when nothing is to be trained.

python benchmarks/startup.py 5      rounds
"""

from __future__ import annotations

import subprocess
import sys
import time

from support import ROOT, machine, spread

CASES = {
    "--help": ["--help"],
    "--cfg job": ["--cfg", "job"],
    "an unknown key": ["modle=cnn"],
    "a wrong value": ["trainer.batch_size=0"],
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"Seconds until train.py has answered, {rounds} rounds. {machine()}\n")
    print("| typed | seconds |\n|:--|--:|")
    for name, arguments in CASES.items():
        taken = []
        for _ in range(rounds):
            began = time.perf_counter()
            subprocess.run([sys.executable, "pipelines/train.py", *arguments], capture_output=True, cwd=ROOT)
            taken.append(time.perf_counter() - began)
        print(f"| {name} | {spread(taken)} |", flush=True)


if __name__ == "__main__":
    main()
