"""Sweeps that are started, watched and disturbed."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from support import command, environment, mlflow_runs

from eyechart.evaluation import predictions
from eyechart.runs.journal import read_journal

# how long something took differs each time
INCOMPARABLE = ("seconds", "epoch_seconds", "system/")


def start(root: Path, *words: str, **more: Any) -> subprocess.Popen[str]:
    """A sweep as a process of its own."""
    return subprocess.Popen(
        command("train", "-m", *words),
        cwd=root,
        env=environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 120) -> None:
    """Wait until something is true, while the process is running; if it does not become true, end the process."""
    end = time.monotonic() + seconds
    try:
        while not true():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, f"still waiting after {seconds:.0f} s"
            time.sleep(0.02)
    except BaseException:  # it would disturb the tests that come after
        process.kill()
        process.communicate()
        raise


def records(root: Path) -> dict[str, list[dict[str, Any]]]:
    """Every run's journal, by run key."""
    return {path.name: read_journal(path) for path in (root / ".eyechart" / "runs").glob("*")}


def epochs(root: Path) -> int:
    """How many epochs have been recorded in all."""
    return sum(
        record["kind"] == "metrics" and "train/loss" in record["values"]
        for journal in records(root).values()
        for record in journal
    )


def runs_in_mlflow(root: Path) -> int:
    """How many runs MLflow has heard of by now; its tables are there before anything is in them."""
    if not (root / "mlflow.db").exists():
        return 0
    with closing(sqlite3.connect(f"file:{root / 'mlflow.db'}?mode=ro", uri=True)) as database:
        (count,) = database.execute("SELECT COUNT(*) FROM runs").fetchone()
    return int(count)


def weights(file: Path) -> dict[str, np.ndarray]:
    """Every array in a `.keras` file."""
    found: dict[str, np.ndarray] = {}

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with zipfile.ZipFile(file) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as opened:
        opened.visititems(take)
    assert found
    return found


def assert_like_undisturbed(root: Path, undisturbed: Path) -> None:
    """Every run exists once, finished, bit for bit as in a sweep that nothing happened to; nothing else is there."""
    runs, expected = by_key(root), by_key(undisturbed)
    assert runs.keys() == expected.keys()
    for key, run in runs.items():
        assert run.info.status == "FINISHED"
        assert run.models == 1
        assert metrics(run) == metrics(expected[key])
        one, other = (place / ".eyechart" / "runs" / key / "artifacts" for place in (root, undisturbed))
        pd.testing.assert_frame_equal(
            predictions.read(one / "predictions.parquet"), predictions.read(other / "predictions.parquet")
        )
        theirs = weights(other / "model.keras")
        mine = weights(one / "model.keras")
        assert mine.keys() == theirs.keys()
        for name, array in mine.items():
            np.testing.assert_array_equal(array, theirs[name])
        result, known = (json.loads((place / "run.json").read_text())["result"] for place in (one, other))
        assert comparable(result) == comparable(known)
    parents = [run for run in mlflow_runs(root) if "eyechart.sweep" in run.data.tags]
    assert [parent.info.status for parent in parents] == ["FINISHED"]
    assert leftovers(root) == []


def by_key(root: Path) -> dict[str, Any]:
    """The children in MLflow, each once."""
    children = [run for run in mlflow_runs(root) if "eyechart.run_key" in run.data.tags]
    keys = [run.data.tags["eyechart.run_key"] for run in children]
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, children, strict=True))


def metrics(run: Any) -> dict[str, list[tuple[int, float]]]:
    """Every comparable metric of a run in MLflow, step by step, each step once."""
    found = {name: run.history(name) for name in comparable(run.data.metrics)}
    for name, history in found.items():
        steps = [step for step, _ in history]
        assert len(set(steps)) == len(steps), name
    return found


def comparable(values: Iterable[str] | dict[str, Any]) -> dict[str, Any]:
    """Without what differs each time."""
    return {name: value for name, value in dict(values).items() if not name.startswith(INCOMPARABLE)}


def leftovers(root: Path) -> list[str]:
    """What should not be in the folders of runs that are finished: checkpoints, half files, notes of holders."""
    folders = root / ".eyechart" / "runs"
    return [
        str(path.relative_to(folders))
        for path in folders.rglob("*")
        if path.name.startswith((".", "checkpoint", "holder"))
    ]
