"""Searches with real trainings in several processes, killed and taken up, against undisturbed ones."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pandas as pd
import pytest
from support import command, environment, link_data, mlflow_runs, run_program

pytestmark = pytest.mark.slow

SEARCH = ["hydra/sweeper=optuna", "hydra/sweeper/pruner=median", "hydra.sweeper.pruner.n_startup_trials=2"]
SEARCH += ["hydra.sweeper.sampler.n_startup_trials=3", "hydra.sweeper.n_trials=8", "dataset=digits", "model=fnn"]
SEARCH += ["limit=[256,64]", "trainer.epochs=3", "optimizer.learning_rate=tag(log,interval(1e-6,1e-1))"]


def trials(root):
    (table,) = root.glob(".eyechart/sweeps/*/trials.csv")
    return pd.read_csv(table)


def kill_at_random(root, seconds, *words):
    """Start a search, and kill it with all its processes so long after its first result."""
    process = subprocess.Popen(
        command("train", "-m", *words),
        cwd=root,
        env=environment(root),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for line in process.stdout:
        if "run key" in line:
            break
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.stdout.close()
    process.wait()


def search(root, *words):
    done = run_program(root, "train", "-m", *SEARCH, *words, timeout=1800)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return trials(root)


@pytest.fixture(scope="module")
def undisturbed(digits_root, tmp_path_factory):
    return search(link_data(digits_root, tmp_path_factory.mktemp("undisturbed") / "root"))


@pytest.mark.parametrize("seconds", [0, 2.3])
def test_a_killed_search_ends_as_an_undisturbed_one(undisturbed, digits_root, tmp_path, seconds):
    root = link_data(digits_root, tmp_path / "root")
    kill_at_random(root, seconds, *SEARCH)
    pd.testing.assert_frame_equal(search(root), undisturbed)
    assert (undisturbed["state"] == "pruned").any()
    for run in mlflow_runs(root):
        key = run.data.tags.get("eyechart.run_key")
        pruned = key in set(undisturbed[undisturbed["state"] == "pruned"]["run_key"])
        assert run.info.status == ("KILLED" if pruned else "FINISHED")


def test_pruning_across_processes(digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    table = search(root, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "hydra.sweeper.n_jobs=2")
    assert len(table) == 8
    assert table["optimizer.learning_rate"].is_unique
    pruned = table[table["state"] == "pruned"]
    assert len(pruned) > 0
    assert (pruned["given_up_after"] < 3).all()
    runs = {run.data.tags["eyechart.run_key"]: run for run in mlflow_runs(root) if "eyechart.run_key" in run.data.tags}
    for key in pruned["run_key"]:
        assert runs[key].info.status == "KILLED"
        assert "eyechart.pruned" in runs[key].data.tags


def test_a_pruned_run_goes_on_when_it_is_typed_by_hand(undisturbed, digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    table = search(root)
    pruned = table[table["state"] == "pruned"].iloc[0]
    rate = f"optimizer.learning_rate={pruned['optimizer.learning_rate']}"
    words = ["dataset=digits", "model=fnn", "limit=[256,64]", "trainer.epochs=3", rate]
    done = run_program(root, "train", *words)
    assert done.returncode == 0, done.stderr
    assert f"going on after epoch {pruned['given_up_after']:.0f}" in done.stdout
    (run,) = [run for run in mlflow_runs(root) if run.data.tags.get("eyechart.run_key") == pruned["run_key"]]
    assert run.info.status == "FINISHED"
    assert run.data.tags["eyechart.pruned"] == ""
