"""What tracking costs: its share of a run's wall time, records per second, and the time to bring many runs to MLflow.

python benchmarks/tracking.py 5 10 60000 100 50     rounds, epochs and training images of a run; runs to bring, and
                                                    their epochs; needs MNIST prepared
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import ROOT, machine, spread

from eyechart.core import paths
from eyechart.runs.journal import Journal, read_journal

MODES = ("none", "local", "server", "offline")
RECORDS = 20_000


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """MLflow's server on SQLite, answering; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "files")]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *words, "--port", str(port), "--workers", "1"],
        cwd=folder,
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def workspace(place: Path) -> Path:
    """A workspace with the prepared data of this one."""
    (place / "data").mkdir(parents=True)
    (place / "data" / "prepared").symlink_to(paths.prepared("mnist").parent)
    return place


def run(place: Path, *words: str) -> tuple[float, float, float]:
    """Seconds of one run: of its epochs from the first's end to the last's, before and after them, and of all."""
    known = set((place / ".eyechart" / "runs").glob("*"))
    began = time.time()
    command = [sys.executable, str(ROOT / "pipelines" / "train.py"), "dataset=mnist", "model=fnn", *words]
    subprocess.run(
        command, cwd=place, env=os.environ | {"EYECHART_ROOT": str(place)}, check=True, stdout=subprocess.DEVNULL
    )
    whole = time.time() - began
    (folder,) = set((place / ".eyechart" / "runs").glob("*")) - known
    epochs = [
        record["t"] / 1000
        for record in read_journal(folder)
        if record["kind"] == "metrics" and "train/loss" in record["values"]
    ]
    training = epochs[-1] - epochs[0]
    return training, whole - training, whole


def shares(rounds: int, epochs: int, images: int) -> None:
    """Each way of tracking against none, side by side in rounds, on stores that are there already."""
    print(f"A run of the FNN, {epochs} epochs, {images:,} images of MNIST, {rounds} rounds, seconds\n")
    print("| tracking | epochs 2 to last | start-up and end | all | epochs, against none | all, against none |")
    print("|:--|--:|--:|--:|--:|--:|")
    words = [f"trainer.epochs={epochs}", f"limit=[{images},10000]", "trainer.validation_fraction=0.1"]
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as uri:
        place = workspace(Path(folder) / "workspace")
        chosen = {mode: [f"tracking={mode}"] + ([f"tracking.uri={uri}"] if mode == "server" else []) for mode in MODES}
        seeds = itertools.count()
        for mode in MODES:  # the first makes the store, and does not count
            run(place, *chosen[mode], *words, f"seed={next(seeds)}")
        taken: dict[str, list[tuple[float, float, float]]] = {mode: [] for mode in MODES}
        for number in range(rounds):
            for mode in (MODES, MODES[::-1])[number % 2]:  # what comes first is not always the same
                taken[mode].append(run(place, *chosen[mode], *words, f"seed={next(seeds)}"))
    for mode in MODES:
        columns = [spread(list(column)) for column in zip(*taken[mode], strict=True)]
        more = [
            statistics.median(100 * (ours[part] / theirs[part] - 1) for ours, theirs in zip(*pair, strict=True))
            for pair in [(taken[mode], taken["none"])]
            for part in (0, 2)
        ]
        told = ["", ""] if mode == "none" else [f"{share:+.1f}%" for share in more]
        print(f"| {mode} | {' | '.join(columns + told)} |", flush=True)


def records_per_second() -> None:
    """How fast a journal takes an epoch's metrics."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        began = time.perf_counter()
        for step in range(RECORDS):
            journal.metrics(step, {f"metric{number}": step + number / 10 for number in range(9)})
        seconds = time.perf_counter() - began
        journal.close()
    print(f"\nThe journal takes {RECORDS / seconds:,.0f} records of 9 metrics per second.")


def bring(runs: int, epochs: int) -> None:
    """Journals of one real run, under other run keys and with more epochs, brought to each kind of store."""
    print(f"\nsync.py, {runs} runs of {epochs} epochs with models and pictures, seconds\n")
    print("| to | first | typed again |\n|:--|--:|--:|")
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as uri:
        place = workspace(Path(folder) / "workspace")
        words = [f"trainer.epochs={epochs}", "limit=[1000,1000]", "tracking=offline"]
        run(place, *words)
        (made,) = (place / ".eyechart" / "runs").glob("*")
        content = (made / "journal.jsonl").read_text()
        for number in range(runs - 1):
            key = f"{number:020x}"
            copy = made.with_name(key)
            copy.mkdir()
            (copy / "journal.jsonl").write_text(content.replace(made.name, key))
            (copy / "artifacts").symlink_to(made / "artifacts")
        for name, target in (("local", []), ("server", [f"to={uri}"])):
            print(f"| {name} | {sync(place, *target):.1f} | {sync(place, *target):.1f} |", flush=True)


def sync(place: Path, *words: str) -> float:
    began = time.perf_counter()
    command = [sys.executable, str(ROOT / "pipelines" / "sync.py"), *words]
    done = subprocess.run(
        command, cwd=place, env=os.environ | {"EYECHART_ROOT": str(place)}, check=True, capture_output=True, text=True
    )
    assert re.search(r"delivered: (\d+ runs|nothing)", done.stdout), done.stdout
    return time.perf_counter() - began


def main() -> None:
    given = [int(word) for word in sys.argv[1:]]
    rounds, epochs, images, runs, long = given if given else (5, 10, 60_000, 100, 50)
    print(f"{machine()}\n")
    shares(rounds, epochs, images)
    records_per_second()
    bring(runs, long)


if __name__ == "__main__":
    main()
