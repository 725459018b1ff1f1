"""A sweep: planned whole, trained once, told as one."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import pytest
from support import BROKEN, environment, files_below, forbid, link_data, mlflow_runs, run_program

from eyechart.code.used import UsedCode
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.runner.job import Job
from eyechart.runs.journal import RunState
from eyechart.runs.status import RunStatus
from eyechart.runs.sweep import Sweep
from eyechart.sweeps.sweep import OpenSweep
from eyechart.tracking.config import TrackingConfig

BASE = ["dataset=digits", "limit=[64,32]", "trainer.epochs=1"]
SWEEP = ["model=fnn,cnn", "seed=0,1,0", *BASE]
WIDER = ["model=fnn,cnn", "seed=range(3)", *BASE]


def load_rows(root):
    """What `eyechart.load_results` gives in a workspace."""
    code = "import eyechart; print(eyechart.load_results().to_json(orient='records'))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(root), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def parent_and_children(root):
    """The runs of the only sweep in a workspace, in MLflow."""
    runs = mlflow_runs(root)
    parents = [run for run in runs if "eyechart.sweep" in run.data.tags]
    (parent,) = parents
    return parent, [run for run in runs if run is not parent]


# --- a sweep of four, typed with two duplicates


@pytest.fixture(scope="module")
def sweep(digits_root, tmp_path_factory):
    root = link_data(digits_root, tmp_path_factory.mktemp("sweep") / "root")
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    done = run_program(root, "train", "-m", *SWEEP, cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    parent, children = parent_and_children(root)
    return SimpleNamespace(
        root=root, elsewhere=elsewhere, out=done.stdout, err=done.stderr, parent=parent, children=children
    )


def test_the_plan_is_told_first(sweep):
    assert sweep.out.startswith("4 runs: 0 finished, 4 to train, 2 duplicates left out\n")


def test_a_sweep_that_goes_well_is_silent_on_stderr(sweep):
    assert sweep.err == ""


def test_each_run_is_one_line_and_the_board_comes_last(sweep):
    names = [f"model={model} seed={seed}" for model in ("fnn", "cnn") for seed in (0, 1)]
    for name in names:
        assert f"\n{name}: test accuracy 0." in sweep.out
    assert "best first by validation/accuracy" in sweep.out.rpartition("run key")[2]


def test_a_sweep_leaves_nothing_where_it_was_typed(sweep):
    assert files_below(sweep.elsewhere) == []
    assert {path.name for path in sweep.root.iterdir()} == {"data", ".eyechart", "mlflow.db", "mlartifacts"}


def test_one_parent_and_its_children(sweep):
    assert sweep.parent.info.status == "FINISHED"
    assert sweep.parent.info.run_name == "sweep of 4"
    assert len(sweep.children) == 4
    for child in sweep.children:
        assert child.data.tags["mlflow.parentRunId"] == sweep.parent.info.run_id
        assert child.info.status == "FINISHED"
    names = [child.info.run_name for child in sweep.children]
    assert names == ["model=fnn seed=0", "model=fnn seed=1", "model=cnn seed=0", "model=cnn seed=1"]


def test_the_manifest_names_every_run(sweep):
    manifest = json.loads((sweep.parent.artifacts / "manifest.json").read_text())
    keys = [job["run_key"] for job in manifest["jobs"]]
    assert keys == [child.data.tags["eyechart.run_key"] for child in sweep.children]
    assert manifest["command"] == shlex.join(["python", "pipelines/train.py", "-m", *SWEEP])
    assert manifest["jobs"][0]["overrides"] == [
        "model=fnn",
        "seed=0",
        "dataset=digits",
        "limit=[64,32]",
        "trainer.epochs=1",
    ]


def test_the_parent_carries_the_leaderboard(sweep):
    table = pd.read_csv(sweep.parent.artifacts / "runs.csv")
    assert sorted(table["run_key"]) == sorted(child.data.tags["eyechart.run_key"] for child in sweep.children)
    assert table["validation/accuracy"].is_monotonic_decreasing
    text = (sweep.parent.artifacts / "leaderboard.md").read_text()
    assert "digits, limit=[64, 32]" in text


@pytest.fixture(scope="module")
def compared(sweep):
    """The board asked for by the newest sweep and by its MLflow run."""
    words = ("last", sweep.parent.info.run_id)
    done = [run_program(sweep.root, "compare", f"sweep={word}") for word in words]
    assert [process.returncode for process in done] == [0, 0], done
    return [process.stdout for process in done]


def test_compare_knows_a_sweep_by_its_mlflow_run(compared):
    assert compared[0] == compared[1]
    assert "cnn" in compared[0]
    assert "leaderboard.csv and .md" in compared[0]


def test_compare_leaves_the_parent_finished(compared, sweep):
    parent, children = parent_and_children(sweep.root)
    assert parent.info.status == "FINISHED"
    assert len(children) == 4


def test_compare_with_an_unknown_sweep_names_the_known(sweep):
    done = run_program(sweep.root, "compare", "sweep=nothing")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: there is no sweep 'nothing': expected last, an MLflow run id, or an id such as 20")


def test_again_nothing_is_trained(sweep, compared):
    forbidden = forbid(sweep.root.parent / "forbidden", "tensorflow", "keras", "jax")
    before = files_below(sweep.root / ".eyechart/runs")
    done = run_program(sweep.root, "train", "-m", *SWEEP, env=forbidden)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("4 runs: 4 finished, 0 to train, 2 duplicates left out\n")
    assert "best first by validation/accuracy" in done.stdout
    assert files_below(sweep.root / ".eyechart/runs") == before
    parent, children = parent_and_children(sweep.root)  # the same one
    assert parent.info.run_id == sweep.parent.info.run_id
    assert parent.info.status == "FINISHED"
    assert len(children) == 4


def test_the_plan_alone_changes_nothing(sweep, compared):
    forbidden = forbid(sweep.root.parent / "forbidden", "tensorflow", "keras", "jax", "mlflow")
    before = files_below(sweep.root / ".eyechart")
    done = run_program(sweep.root, "train", "-m", *WIDER, "plan=true", env=forbidden)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"6 runs: 4 finished, 2 to train, about \d+ s of training, going by earlier runs", lines[-1])
    assert [re.sub(r"^[0-9a-f]{20}  |, about .*", "", line) for line in lines[:-1]] == [
        f"model={model} seed={seed}  {'new' if seed == 2 else 'finished'}"
        for model in ("fnn", "cnn")
        for seed in range(3)
    ]
    alone = run_program(sweep.root, "train", *BASE, "model=fnn", "plan=true", env=forbidden)
    assert alone.stdout.splitlines()[-1] == "1 run: 1 finished, 0 to train"
    forced = run_program(sweep.root, "train", *BASE, "model=fnn", "plan=true", "force=true", env=forbidden)
    assert forced.stdout.splitlines()[-1].startswith("1 run: 0 finished, 1 to train")
    assert files_below(sweep.root / ".eyechart") == before


@pytest.fixture(scope="module")
def widened(sweep, compared):
    """The same with one seed more, after all that is asked of the first four."""
    done = run_program(sweep.root, "train", "-m", *WIDER)
    assert done.returncode == 0, done.stderr
    runs = mlflow_runs(sweep.root)
    (parent,) = [run for run in runs if run.info.run_name == "sweep of 6"]
    return SimpleNamespace(out=done.stdout, parent=parent, runs=runs)


def test_widening_trains_what_is_new_and_the_board_covers_all(sweep, widened):
    assert widened.out.startswith("6 runs: 4 finished, 2 to train")
    trained = [line.partition(":")[0] for line in widened.out.splitlines() if "s of training, run key" in line]
    assert trained == ["model=fnn seed=2", "model=cnn seed=2"]
    assert len(widened.runs) == 6 + 2
    assert len(pd.read_csv(widened.parent.artifacts / "runs.csv")) == 6


@pytest.fixture(scope="module")
def forced(sweep, widened):
    """Two of them trained anew."""
    before = {run.info.run_id: run for run in mlflow_runs(sweep.root)}
    done = run_program(sweep.root, "train", "-m", *BASE, "model=fnn", "seed=0,1", "force=true")
    assert done.returncode == 0, done.stderr
    new = [run for run in mlflow_runs(sweep.root) if run.info.run_id not in before]
    return SimpleNamespace(out=done.stdout, before=before, new=new)


def test_force_trains_anew(forced):
    assert forced.out.startswith("2 runs: 0 finished, 2 to train")
    assert forced.out.count("s of training, run key") == 2


def test_what_was_trained_anew_is_marked_and_counts_once(sweep, forced):
    runs = {run.info.run_id: run for run in mlflow_runs(sweep.root)}
    children = [run for run in forced.new if "eyechart.run_key" in run.data.tags]
    assert [run.data.tags["eyechart.attempt"] for run in children] == ["2", "2"]
    for child in children:
        key = child.data.tags["eyechart.run_key"]
        (old,) = [
            run
            for run_id, run in runs.items()
            if run_id in forced.before and run.data.tags.get("eyechart.run_key") == key
        ]
        assert old.data.tags["eyechart.replaced"] == "true"
        assert old.info.run_name == f"replaced: {forced.before[old.info.run_id].info.run_name}"
        assert "eyechart.replaced" not in child.data.tags
        same = [name for name in old.data.metrics if not name.startswith(("system", "epoch_seconds", "seconds"))]
        assert {name: child.history(name) for name in same} == {name: old.history(name) for name in same}
    replaced = [run for run in runs.values() if "eyechart.replaced" in run.data.tags]
    assert len(replaced) == 2
    everything = run_program(sweep.root, "compare")
    assert everything.returncode == 0, everything.stderr
    results = pd.DataFrame(load_rows(sweep.root))
    assert len(results) == 6
    assert not results.duplicated(["model", "seed"]).any()


def test_what_was_typed_last_is_the_last_though_nothing_was_left_to_do(sweep, forced):
    again = run_program(sweep.root, "train", "-m", *SWEEP)
    assert again.stdout.startswith("4 runs: 4 finished, 0 to train")
    compared = run_program(sweep.root, "compare", "sweep=last")
    assert f"written to {sweep.root}/.eyechart/sweeps/{sweep.parent.data.tags['eyechart.sweep']}:" in compared.stdout


# --- experiments that sweep themselves


def test_each_experiment_brings_its_own_sweep_and_typed_again_it_is_finished(digits_root, tmp_path):
    root, conf = link_data(digits_root, tmp_path / "root"), tmp_path / "conf" / "experiment"
    conf.mkdir(parents=True)
    for name, params in (("units", '{model.units: "[4],[5]"}'), ("seeds", '{seed: "0,1", trainer.epochs: "3,4"}')):
        (conf / f"{name}.yaml").write_text(f"# @package _global_\nhydra:\n  sweeper:\n    params: {params}\n")
    words = ["--config-dir", str(conf.parent), "model=fnn", "dataset=digits", "limit=[64,32]", "hydra/launcher=fused"]
    words += ["experiment=units,seeds", "trainer.epochs=1", "++trainer.epochs=2"]
    words += ["tracking.experiment_name=${hydra:job.name}s"]
    done = run_program(root, "train", "-m", *words)
    assert done.returncode == 0, done.stderr
    # units=[5], seed=0 and the default units are three pieces of work, and so is seed=1
    assert done.stdout.startswith("4 runs: 0 finished, 4 to train\n")
    assert "2 runs of fnn on digits, as one program" in done.stdout
    names = {run.info.run_name for run in mlflow_runs(root, "trains") if "eyechart.run_key" in run.data.tags}
    assert names == {f"experiment=units model.units=[{n}]" for n in (4, 5)} | {
        f"experiment=seeds seed={seed}" for seed in (0, 1)
    }
    again = run_program(root, "train", "-m", *words, env=forbid(tmp_path / "forbidden", "tensorflow", "keras", "jax"))
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("4 runs: 4 finished, 0 to train\n")


# --- a sweep in which one job fails


@pytest.fixture(scope="module")
def failed(digits_root, tmp_path_factory):
    """The second of three passes every check, and breaks when its network is built."""
    root = link_data(digits_root, tmp_path_factory.mktemp("failed") / "root")
    modules = root.parent / "modules"
    modules.mkdir()
    (modules / "broken.py").write_text(BROKEN)
    words = "model=fnn model._target_=broken.Broken model.units=[4],[1],[5] dataset=digits limit=[64,32]"
    done = run_program(root, "train", "-m", *words.split(), "trainer.epochs=1", env={"PYTHONPATH": str(modules)})
    parent, children = parent_and_children(root)
    return SimpleNamespace(root=root, done=done, parent=parent, children=children)


def test_the_others_go_on(failed):
    status = {child.info.run_name: child.info.status for child in failed.children}
    assert status == {"model.units=[4]": "FINISHED", "model.units=[1]": "FAILED", "model.units=[5]": "FINISHED"}


def test_one_clear_summary(failed):
    assert failed.done.returncode == 1
    last = failed.done.stderr.splitlines()[-1]
    assert last == "error: 1 of 3 runs failed: model.units=[1]: RuntimeError: broken on purpose"
    assert failed.done.stderr.count("Traceback") == 1  # of a bug there is one
    assert "best first by validation/accuracy" in failed.done.stdout


def test_the_parent_of_a_failed_sweep_is_closed(failed):
    assert failed.parent.info.status == "FAILED"
    assert len(pd.read_csv(failed.parent.artifacts / "runs.csv")) == 2


def test_a_worker_finds_its_job_by_the_run_key_however_it_was_typed(root):
    typed = ("tracking.uri=http://me:secret@host", "seed=0")
    job = Job(typed, SimpleNamespace(), "k1", "seed=0", RunStatus(), trial=3, choices_key="c1")
    sweep = OpenSweep.start([job], "train.py -m", TrackingConfig("none"), name="sweep of 1", identity="i")
    try:
        worker = OpenSweep(sweep.id)
        found = worker.as_covered(Job(("++seed=0",), SimpleNamespace(), "k1", "", RunStatus()))
        assert (found.name, found.trial, found.overrides) == ("seed=0", 3, ("++seed=0",))
        with pytest.raises(EyechartError, match=r"knows no run k2 \(seed=1\): expected EYECHART_SWEEP to be set by"):
            worker.as_covered(Job(("seed=1",), SimpleNamespace(), "k2", "", RunStatus(), choices_key="c2"))
        edited = SimpleNamespace(code=UsedCode(tokens={"model": "1"}))
        with pytest.raises(
            EyechartError, match=r"the code of model was edited while the sweep was at work: .* type the"
        ):
            worker.as_covered(Job(("seed=0",), edited, "k3", "", RunStatus(), choices_key="c1"))
    finally:
        sweep.end(RunState.KILLED)


def test_a_sweep_is_found_by_name(root):
    with pytest.raises(EyechartError, match="there is no sweep yet"):
        Sweep.find("last")
    for name in ("20250101-000000-aaaaaa", "20250102-000000-aaaaaa"):
        (paths.sweeps() / name).mkdir(parents=True)
        (paths.sweeps() / name / "manifest.json").write_text(json.dumps({"jobs": [{"run_key": name[:8]}]}))
    (paths.sweeps() / "20250103-000000-aaaaaa").mkdir()  # one that was not written to its end
    assert Sweep.find("last").run_keys == ["20250102"]
    assert Sweep.find("20250101-000000-aaaaaa").run_keys == ["20250101"]
