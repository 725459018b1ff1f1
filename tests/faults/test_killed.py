"""Sweeps that are killed, as by a crash or a reboot, and typed again."""

from __future__ import annotations

import random
import signal
import subprocess
from contextlib import suppress

import pytest
from faults.sweeps import assert_like_undisturbed, epochs, records, runs_in_mlflow, start, wait_until
from support import link_data, mlflow_runs, run_program

pytestmark = pytest.mark.slow

SWEEP = [
    "model=lenet,fnn",
    "seed=0,1",
    "dataset=digits",
    "limit=[700,100]",
    "trainer.epochs=30",
    "callbacks=early_stopping",  # with dropout and augmentation: all that has a state
    "augmentation=flip_shift",
]


@pytest.mark.parametrize(
    ("more", "runs", "kills"),
    [
        ([], 4, 20),
        (["backend=jax"], 4, 4),
        (["hydra/launcher=fused", "seed=range(4)", "limit=[300,100]"], 8, 6),  # four dense nets: two by two, mapped
    ],
    ids=["tensorflow", "jax", "fused"],
)
def test_killed_at_random_moments(digits_root, tmp_path, more, runs, kills):
    given = {word.partition("=")[0] for word in more}
    words = [*(word for word in SWEEP if word.partition("=")[0] not in given), *more]
    undisturbed = link_data(digits_root, tmp_path / "undisturbed")
    done = run_program(undisturbed, "train", "-m", *words, timeout=600)
    assert done.returncode == 0, done.stderr

    root = link_data(digits_root, tmp_path / "root")
    chance, struck = random.Random(4), 0
    for kill in range(kills):
        process = start(root, *words)
        before = epochs(root)
        with suppress(AssertionError):  # the process has ended by itself
            if kill % 4:  # while it trains, or delivers, or draws; else at any time from its first moment on
                wait_until(lambda before=before: epochs(root) > before, process)
        with suppress(subprocess.TimeoutExpired):
            # soon after an epoch, so that a fast machine has not finished before the last kill
            process.wait(timeout=chance.uniform(0.0, 0.4 if kill % 4 else 1.5))
        struck += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
    print(f"{struck} of {kills} kills struck a running process")
    assert struck >= kills // 2
    done = run_program(root, "train", "-m", *words, timeout=600)
    assert done.returncode == 0, done.stderr
    assert_like_undisturbed(root, undisturbed)
    again = run_program(root, "train", "-m", *words)
    assert again.stdout.startswith(f"{runs} runs: {runs} finished, 0 to train\n")
    assert_like_undisturbed(root, undisturbed)


def test_what_a_killed_sweep_left_running_is_marked_by_the_next_command(digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    process = start(root, "model=lenet", "seed=0,1", "dataset=digits", "trainer.epochs=1000")  # is not finished by then
    wait_until(lambda: epochs(root) > 0 and runs_in_mlflow(root) == 2, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert {run.info.status for run in mlflow_runs(root)} == {"RUNNING"}
    (key,) = records(root)
    done = run_program(root, "train", "dataset=digits", "debug=fast", "model=fnn")
    assert done.returncode == 0, done.stderr
    status = {run.data.tags.get("eyechart.run_key", "parent"): run.info.status for run in mlflow_runs(root)}
    assert status.pop("parent") == "KILLED"
    assert status.pop(key) == "KILLED"
    assert set(status.values()) == {"FINISHED"}
