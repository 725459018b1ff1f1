"""Sweeps that a person or a scheduler interrupts."""

from __future__ import annotations

import shutil
import signal
import time

import pytest
from faults.sweeps import epochs, start, wait_until
from support import link_data, mlflow_runs, run_program

pytestmark = pytest.mark.slow

SWEEP = ["model=lenet", "seed=0,1", "dataset=digits", "limit=[700,100]", "trainer.epochs=20"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_current_run_is_marked_and_goes_on(digits_root, empty_database, tmp_path, number):
    root = link_data(digits_root, tmp_path / "root")
    shutil.copyfile(empty_database, root / "mlflow.db")  # the time that an interrupted one waits is not for making it
    process = start(root, *SWEEP)
    wait_until(lambda: epochs(root) >= 3, process)
    began = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    print(f"{signal.Signals(number).name}: ended after {time.monotonic() - began:.1f} s")
    assert process.returncode == 130
    assert err.splitlines()[-1] == "interrupted; the same command goes on where this one stopped"
    assert "Traceback" not in err
    assert run_program(root, "sync").returncode == 0  # what there was no time for
    assert {run.info.status for run in mlflow_runs(root)} == {"KILLED"}
    told = run_program(root, "train", "-m", *SWEEP, "plan=true").stdout
    assert "2 runs: 0 finished, 1 resumed, 1 to train" in told
    assert "goes on after epoch " in told
    done = run_program(root, "train", "-m", *SWEEP)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 runs: 0 finished, 1 resumed, 1 to train")
    assert "going on after epoch " in done.stdout
    assert [run.info.status for run in mlflow_runs(root)] == ["FINISHED"] * 3


def test_two_terminals_train_each_run_once(digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    words = ["model=fnn,lenet", "seed=0,1", *SWEEP[2:-1], "trainer.epochs=6"]
    terminals = [start(root, *words) for _ in range(2)]
    told = [process.communicate(timeout=600) for process in terminals]
    assert [process.returncode for process in terminals] == [0, 0], told
    assert all("Traceback" not in err for _, err in told), told
    lines = [line for out, _ in told for line in out.splitlines() if ": test accuracy" in line]
    trained = [line.partition(":")[0] for line in lines if "s of training, run key" in line]
    assert sorted(trained) == sorted(set(trained))  # none twice
    assert len(trained) == 4
    runs = mlflow_runs(root)
    assert [run.info.status for run in runs] == ["FINISHED"] * 5
    assert sum("eyechart.sweep" in run.data.tags for run in runs) == 1
    assert all(out.rstrip().endswith(told[0][0].rstrip().splitlines()[-1]) for out, _ in told)  # one leaderboard
