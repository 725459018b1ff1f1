"""Sweeps whose jobs run in processes of a launcher, and many processes that begin at once."""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from types import SimpleNamespace

import pytest
from support import BROKEN, command, environment, forbid, link_data, mlflow_runs, run_program

from eyechart.runs.journal import read_journal

pytestmark = pytest.mark.slow

LAUNCHERS = ["joblib", "ray", "submitit_local"]
SWEEP = ["dataset=digits", "model=fnn", "seed=0,1", "debug=fast"]

NAMES = ["model.units=[3]", "model.units=[4]", "model.units=[5]"]


def processes_of(root):
    """The command lines of processes that work on this workspace, or on nothing any more."""
    mark = f"EYECHART_ROOT={root}".encode()
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/cmdline", "rb") as cmdline:
                if mark in environ.read().split(b"\0") and (words := cmdline.read()):
                    found.append(words.replace(b"\0", b" ").decode())
        except OSError:  # it ended while we looked
            continue
    return found


def wait_for_the_end_of_processes_of(root):
    """joblib's resource tracker and Ray's daemons end a moment after the sweep."""
    end = time.monotonic() + 30
    while (left := processes_of(root)) and time.monotonic() < end:
        time.sleep(0.2)
    assert left == []


def each_metric_once_per_step(root, runs):
    for run in runs:
        folder = root / ".eyechart/runs" / run.data.tags["eyechart.run_key"]
        journal = Counter(
            (name, record["step"])
            for record in read_journal(folder)
            if record["kind"] == "metrics"
            for name in record["values"]
        )
        delivered = Counter((name, step) for name in run.data.metrics for step, _ in run.history(name))
        assert set(journal.values()) == {1}
        assert journal == delivered


@pytest.fixture(scope="module", params=LAUNCHERS)
def sweep(request, digits_root, tmp_path_factory):
    root = link_data(digits_root, tmp_path_factory.mktemp(request.param) / "root")
    typed_in = root.parent / "typed_in"
    typed_in.mkdir()
    words = ["-m", f"hydra/launcher={request.param}", *SWEEP]
    done = run_program(root, "train", *words, cwd=typed_in, timeout=600)
    wait_for_the_end_of_processes_of(root)
    return SimpleNamespace(root=root, typed_in=typed_in, words=words, done=done, runs=mlflow_runs(root))


def test_a_sweep_that_goes_well_says_its_runs_and_its_board(sweep):
    assert sweep.done.returncode == 0, sweep.done.stderr
    assert sweep.done.stderr == ""
    lines = sweep.done.stdout.splitlines()
    assert lines[0] == "2 runs: 0 finished, 2 to train"
    told = [line.partition(":")[0] for line in lines if "run key" in line]
    assert sorted(told) == ["seed=0", "seed=1"]
    assert "best first by validation/accuracy" in sweep.done.stdout.partition("run key")[2]
    assert "\x1b" not in sweep.done.stdout


def test_each_run_is_in_mlflow_once_under_one_parent(sweep):
    (parent,) = [run for run in sweep.runs if "eyechart.sweep" in run.data.tags]
    children = [run for run in sweep.runs if run is not parent]
    assert parent.info.status == "FINISHED"
    assert sorted(child.info.run_name for child in children) == ["seed=0", "seed=1"]
    assert {child.info.status for child in children} == {"FINISHED"}
    assert {child.data.tags["mlflow.parentRunId"] for child in children} == {parent.info.run_id}
    each_metric_once_per_step(sweep.root, children)


def test_nothing_is_left_where_it_was_typed(sweep):
    assert list(sweep.typed_in.iterdir()) == []
    assert {path.name for path in sweep.root.iterdir()} == {"data", ".eyechart", "mlflow.db", "mlartifacts"}


def test_typed_again_it_starts_no_workers(sweep):
    modules = ("tensorflow", "keras", "jax", "joblib", "ray", "submitit")
    forbidden = forbid(sweep.root.parent / "forbidden", *modules)
    done = run_program(sweep.root, "train", *sweep.words, cwd=sweep.typed_in, env=forbidden)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 runs: 2 finished, 0 to train\n")
    assert "run key" not in done.stdout
    assert list(sweep.typed_in.iterdir()) == []


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_one_job_that_fails_leaves_the_other(launcher, digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "broken.py").write_text(BROKEN)
    words = "dataset=digits debug=fast model=fnn model._target_=broken.Broken model.units=[1],[4]"
    done = run_program(
        root, "train", "-m", f"hydra/launcher={launcher}", *words.split(), env={"PYTHONPATH": str(modules)}, timeout=600
    )
    assert done.returncode == 1, done
    assert done.stderr.splitlines()[-1] == "error: 1 of 2 runs failed: model.units=[1]: RuntimeError: broken on purpose"
    status = {run.info.run_name: run.info.status for run in mlflow_runs(root) if "eyechart.run_key" in run.data.tags}
    assert status == {"model.units=[1]": "FAILED", "model.units=[4]": "FINISHED"}
    wait_for_the_end_of_processes_of(root)


def test_a_worker_that_is_killed_leaves_the_others(digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    (tmp_path / "broken.py").write_text(BROKEN)
    words = ["-m", "hydra/launcher=joblib", "dataset=digits", "debug=fast", "model=fnn"]
    words += ["model._target_=broken.Broken", "model.units=[3],[4],[5]"]
    path = {"PYTHONPATH": str(tmp_path)}
    done = run_program(root, "train", *words, env=path, timeout=600)
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert "model.units=[3]: its process was killed (TerminatedWorkerError: " in last
    runs = [run for run in mlflow_runs(root) if "eyechart.run_key" in run.data.tags]
    # one that the same pool trained at that moment is lost with it, and told of; the rest is trained
    expected = {name: "KILLED" if f"{name}: its process" in last else "FINISHED" for name in NAMES}
    assert {run.info.run_name: run.info.status for run in runs} == expected
    done = run_program(root, "train", *words, env=path | {"SPARED": "1"}, timeout=600)
    assert done.returncode == 0, done.stderr
    assert {run.info.status for run in mlflow_runs(root)} == {"FINISHED"}


def test_eight_programs_that_begin_a_store_at_once_lose_nothing(digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    started = [
        subprocess.Popen(
            command("train", "dataset=digits", "model=fnn", "debug=fast", f"seed={seed}"),
            env=environment(root),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(8)
    ]
    errors = [program.communicate(timeout=600)[1] for program in started]
    assert [program.returncode for program in started] == [0] * 8, errors
    assert errors == [""] * 8
    runs = mlflow_runs(root)
    assert len({run.data.tags["eyechart.run_key"] for run in runs}) == len(runs) == 8
    assert {run.info.status for run in runs} == {"FINISHED"}
    each_metric_once_per_step(root, runs)
