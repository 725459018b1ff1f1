"""Sweeps in which one job cannot be done: the others go on, and the end says which it was and why."""

from __future__ import annotations

import resource
import subprocess

import pytest
from faults.sweeps import leftovers
from support import BROKEN, command, environment, link_data, mlflow_runs

pytestmark = pytest.mark.slow

BASE = ["dataset=digits", "limit=[64,32]", "trainer.epochs=1", "model=fnn"]


def sweep(root, *words, **more):
    """Run a sweep to its end."""
    path = {"PYTHONPATH": str(root.parent)}
    return subprocess.run(
        command("train", "-m", *BASE, *words),
        cwd=root,
        env=environment(root, **path),
        capture_output=True,
        text=True,
        timeout=600,
        **more,
    )


def test_one_that_raises_and_one_that_runs_out_of_memory(digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    (tmp_path / "broken.py").write_text(BROKEN)
    words = ["model._target_=broken.Broken", "model.units=[1],[2],[5]"]
    for told in ("3 runs: 0 finished, 3 to train\n", "3 runs: 1 finished, 2 to train, 2 failed before and tried again"):
        done = sweep(root, *words)
        assert done.returncode == 1
        assert done.stdout.startswith(told)
        assert done.stderr.splitlines()[-1] == (
            "error: 2 of 3 runs failed: model.units=[1]: RuntimeError: broken on purpose; "
            "model.units=[2]: MemoryError: a tensor of 640 GiB"
        )
    status = {run.info.run_name: run.info.status for run in mlflow_runs(root)}
    assert status == {
        "sweep of 3": "FAILED",
        "model.units=[1]": "FAILED",
        "model.units=[2]": "FAILED",
        "model.units=[5]": "FINISHED",
    }


@pytest.fixture
def small_disk(digits_root, tmp_path):
    """A workspace, and what limits a process to a disk that is too small for a large network's checkpoint."""
    root = link_data(digits_root, tmp_path / "root")
    state = root / ".eyechart"
    state.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(state)], capture_output=True)
    if mount.returncode == 0:
        yield root, None
        subprocess.run(["umount", str(state)], check=True)
    else:
        yield root, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))


def test_one_whose_disk_is_full(small_disk):
    root, limit = small_disk
    words = ["tracking=none", "model.units=[4],[20000],[5]"]
    done = sweep(root, *words, preexec_fn=limit)
    assert done.returncode == 1, done
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: 1 of 3 runs failed: model.units=[20000]: "), done.stderr
    assert "No space left on device" in last or "File too large" in last
    assert "Traceback" not in done.stderr
    assert done.stdout.count(": test accuracy 0.") == 2
    assert leftovers(root) == []  # of what could not be written, nothing takes room
    if limit is None:
        subprocess.run(["mount", "-o", "remount,size=200m", str(root / ".eyechart")], check=True)
    done = sweep(root, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 runs: 2 finished, 1 to train, 1 failed before and tried again")
