"""`hydra/launcher=fused` as a person starts it: what it says, and what it leaves."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
from faults.sweeps import start, wait_until
from support import REPOSITORY, environment, error_line, forbid, link_data, mlflow_runs, run_program

from eyechart.runs.checkpoints import epochs_done

FUSED = ["hydra/launcher=fused", "dataset=digits"]
SWEEP = [*FUSED, "model=fnn,cnn_small", "optimizer.learning_rate=0.01,0.003", "seed=0,1", "trainer.epochs=4"]


def results(root):
    """Each run's result, by its name in tables."""
    found = {}
    for folder in (root / ".eyechart" / "runs").iterdir():
        journal = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
        name = next(record["name"] for record in journal if record["kind"] == "start")
        found[name] = journal[-1].get("result"), folder
    return found


@pytest.fixture(scope="module")
def root(digits_root, tmp_path_factory):
    return link_data(digits_root, tmp_path_factory.mktemp("fused") / "root")


@pytest.fixture(scope="module")
def done(root):
    done = run_program(root, "train", "-m", *SWEEP)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done


def test_what_it_says(done):
    lines = done.stdout.splitlines()
    assert lines[0] == "8 runs: 0 finished, 8 to train"
    assert "4 runs of fnn on digits, as one program" in lines
    assert any(line.startswith("4 runs of cnn_small on digits, in turn: convolutions") for line in lines)
    told = [line for line in lines if ": test accuracy " in line]
    assert len(told) == 8
    assert all("(its share of 4 members)" in line for line in told)


def test_each_member_is_a_run_of_its_own_in_mlflow(done, root):
    runs = mlflow_runs(root)
    children = [run for run in runs if "eyechart.run_key" in run.data.tags]
    (parent,) = (run for run in runs if "eyechart.sweep" in run.data.tags)
    assert len(children) == 8
    for run in children:
        assert run.info.status == "FINISHED"
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        together = "tensorflow, 4 members" + (" in turn" if run.data.params["model"] == "cnn_small" else "")
        assert run.data.tags["eyechart.engine"] == together
        assert [step for step, _ in run.history("validation/accuracy")] == [1, 2, 3, 4]
        assert run.models == 1
        assert run.data.metrics["seconds"] > 0


def test_each_member_has_its_files(done, root):
    for result, folder in results(root).values():
        names = {path.name for path in (folder / "artifacts").iterdir()}
        assert {"model.keras", "predictions.parquet", "confusion_matrix.png", "learning_curves.png"} <= names
        assert {"mistakes.png", "layers.txt", "config.yaml", "run.json", "per_class.json"} <= names
        assert result["members"] == 4
        assert not list(folder.glob("checkpoint*"))


def test_members_are_the_runs_that_they_would_be_alone(done, root, digits_root, tmp_path):
    alone = link_data(digits_root, tmp_path / "alone")
    words = ["dataset=digits", "optimizer.learning_rate=0.003", "seed=1", "trainer.epochs=4"]
    for model in ("fnn", "cnn_small"):
        assert run_program(alone, "train", *words, f"model={model}").returncode == 0
    mine = results(root)
    for folder in (alone / ".eyechart" / "runs").iterdir():
        (name,) = (name for name, (_, other) in mine.items() if other.name == folder.name)
        histories = [pd.read_csv(place / "artifacts" / "history.csv") for place in (folder, mine[name][1])]
        one, other = (history.drop(columns="seconds") for history in histories)
        exact = "cnn_small" in name  # in turn, by the very same program
        pd.testing.assert_frame_equal(one, other, check_exact=exact, **({} if exact else {"rtol": 1e-3, "atol": 0.02}))


def test_typed_again_it_trains_nothing_and_widened_what_is_new(done, root):
    again = run_program(root, "train", "-m", *SWEEP)
    assert again.stdout.startswith("8 runs: 8 finished, 0 to train\n")
    wide = [word.replace("seed=0,1", "seed=range(4)") for word in SWEEP if not word.startswith("model=")]
    wider = run_program(root, "train", "-m", *wide, "model=fnn")
    assert wider.stdout.startswith("8 runs: 4 finished, 4 to train, about ")
    assert "4 runs of fnn on digits, as one program" in wider.stdout
    assert wider.returncode == 0, wider.stderr


def test_members_stop_early_each_by_itself(root):
    words = [*FUSED, "model=fnn", "seed=range(3)", "optimizer.learning_rate=0.1,0.001", "trainer.epochs=12"]
    done = run_program(root, "train", "-m", *words, "callbacks.patience=2", "callbacks.monitor=validation/loss")
    assert done.returncode == 0, done.stderr
    known = [result for result, _ in results(root).values() if result["monitor"] == "validation/loss"]
    epochs = {result["epochs"] for result in known}
    assert len(known) == 6
    assert len(epochs) > 1
    assert all(result["epochs"] in (12, result["best_epoch"] + 2) for result in known)


def test_a_member_that_diverges_is_finished_and_the_others_go_on(digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    words = [*FUSED, "model=fnn", "optimizer=sgd", "optimizer.learning_rate=0.01,1e30", "trainer.epochs=3"]
    done = run_program(root, "train", "-m", *words)
    assert (done.returncode, done.stderr) == (0, "")
    said = [line for line in done.stdout.splitlines() if "diverged in epoch 1: test accuracy 0." in line]
    assert [line.partition(":")[0] for line in said] == ["optimizer.learning_rate=1e+30"]
    found = results(root)
    (sane, _), (wild, folder) = found["optimizer.learning_rate=0.01"], found["optimizer.learning_rate=1e+30"]
    assert (sane["epochs"], wild["epochs"], wild["best_epoch"]) == (3, 1, 0)
    assert all(math.isfinite(value) for value in wild.values() if not isinstance(value, str))
    assert wild["test/loss"] == pytest.approx(math.log(10))
    assert wild["test/accuracy"] == pytest.approx(0.1, abs=0.05)
    table = pd.read_parquet(folder / "artifacts" / "predictions.parquet")
    assert not table.isna().any().any()
    assert json.loads((folder / "artifacts" / "run.json").read_text())["diverged"] == 1
    tags = {run.data.tags["eyechart.run_key"]: run for run in mlflow_runs(root) if "eyechart.run_key" in run.data.tags}
    assert {run.info.status for run in tags.values()} == {"FINISHED"}
    assert [key for key, run in tags.items() if run.data.tags.get("eyechart.diverged") == "1"] == [folder.name]
    again = run_program(root, "train", "-m", *words)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("2 runs: 2 finished, 0 to train\n")
    assert f"{folder.name} in epoch 1" in again.stdout


@pytest.mark.slow
def test_what_does_not_fit_into_memory_is_halved(digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    small = (
        "import runpy, sys\n"
        "from eyechart.training.backend import assembly\n"
        "whole = assembly.make_engine\n"
        "def make_engine(**arguments):\n"
        "    if len(arguments['models']) > 2:\n"
        "        raise MemoryError('simulated')\n"
        "    return whole(**arguments)\n"
        "assembly.make_engine = make_engine\n"
        f"sys.argv = ['train.py', *{['-m', *FUSED, 'model=fnn', 'seed=range(5)', 'debug=fast']}]\n"
        f"sys.path.insert(0, {str(REPOSITORY / 'pipelines')!r})\n"
        "if __name__ == '__main__':\n"
        f"    runpy.run_path({str(REPOSITORY / 'pipelines/train.py')!r}, run_name='__main__')\n"
    )
    (tmp_path / "small.py").write_text(small)
    program = [sys.executable, str(tmp_path / "small.py")]
    done = subprocess.run(program, cwd=root, env=environment(root), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "5 members do not fit into memory: going on with 3 at a time\n" in done.stdout
    assert "3 members do not fit into memory: going on with 2 at a time\n" in done.stdout
    found = results(root)
    assert len(found) == 5
    assert sorted(result.get("members", 1) for result, _ in found.values()) == [1, 2, 2, 2, 2]


def test_ctrl_c_ends_it_soon_and_the_same_command_goes_on(digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    words = [*FUSED, "model=cnn_small", "seed=range(4)", "trainer.epochs=40"]
    process = start(root, *words)

    def recorded():
        done = [epochs_done(folder) for folder in (root / ".eyechart" / "runs").glob("*")]
        return len(done) == 4 and min(done) >= 2

    wait_until(recorded, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "interrupted; the same command goes on where this one stopped\n"
    assert run_program(root, "sync").returncode == 0  # what there was no time for
    assert {run.info.status for run in mlflow_runs(root)} == {"KILLED"}
    plan = run_program(root, "train", "-m", *words, "plan=true")
    assert plan.stdout.count("goes on after epoch") == 4


@pytest.mark.slow
def test_an_assistant_that_is_killed_costs_no_run(digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    process = start(root, *FUSED, "model=fnn", "seed=range(3)", "trainer.epochs=20")
    wait_until(lambda: assistant_of(process), process)
    os.kill(assistant_of(process), signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert err == "warning: a process that scores and draws ended before its time: the one that trains does its work\n"
    assert [run.info.status for run in mlflow_runs(root)] == ["FINISHED"] * 4
    for _, folder in results(root).values():
        assert (folder / "artifacts" / "confusion_matrix.png").exists()


def assistant_of(process):
    """The process that scores and draws for a sweep; None if there is none."""
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        with suppress(OSError):  # it has ended
            if b"multiprocessing.spawn" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    return None


# for a program's `sitecustomize`: tells when another thread than the first adds a name to the environment, or removes
# one. Both move what a process that is started at that moment is given, and it does not start (EFAULT).
UNSETTLED = """
import os, sys, threading

def listen(event, values):
    if event not in ("os.putenv", "os.unsetenv") or threading.current_thread() is threading.main_thread():
        return
    if event == "os.unsetenv" or os.fsdecode(values[0]) not in os.environ:
        print(threading.current_thread().name, event, values[0], file=sys.stderr)

sys.addaudithook(listen)
"""


def test_no_thread_changes_the_environment_while_processes_are_started(digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    (tmp_path / "sitecustomize.py").write_text(UNSETTLED)
    words = [*FUSED, "model=fnn", "seed=0,1", "debug=fast"]
    done = run_program(root, "train", "-m", *words, env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert [run.info.status for run in mlflow_runs(root)] == ["FINISHED"] * 3


@pytest.mark.parametrize("value", ["0", "many", "1.5"])
def test_a_wrong_number_of_members(root, value):
    said = error_line(run_program(root, "train", "-m", *FUSED, f"hydra.launcher.max_members={value}", "seed=0,1"))
    assert said.startswith("error: hydra.launcher.max_members must be a whole number above 0, or null")


def test_hydras_own_sweeper_cannot_use_it(root):
    said = error_line(run_program(root, "train", "-m", *FUSED, "hydra/sweeper=basic", "seed=0,1"))
    assert "works with hydra/sweeper=grid or optuna" in said


def test_two_backends_are_refused_before_anything_is_imported(root, tmp_path):
    done = run_program(
        root, "train", "-m", *FUSED, "backend=tensorflow,jax", "seed=3,4", env=forbid(tmp_path, "keras", "mlflow")
    )
    assert "expected one backend, received jax, tensorflow" in error_line(done)


@pytest.mark.slow
def test_as_many_members_as_asked_for(root):
    words = [*FUSED, "model=fnn", "seed=range(5)", "model.units=[9]", "debug=fast", "hydra.launcher.max_members=2"]
    done = run_program(root, "train", "-m", *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("2 runs of fnn on digits, as one program") == 2
    units = [result for result, folder in results(root).values() if "- 9\n" in config(folder)]
    assert sorted(result.get("members", 1) for result in units) == [1, 2, 2, 2, 2]


def config(folder):
    return (folder / "artifacts" / "config.yaml").read_text()
