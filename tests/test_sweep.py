"""A sweep: planned whole, trained once, told as one."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from support import compose, files_below, forbid, link_data, mlflow_runs, run_program

from eyechart import paths
from eyechart.errors import ConfigError, DataError, EyechartError
from eyechart.sweep import find_sweep, make_plan, run_keys
from eyechart.tracking import Journal

SWEEP = ["model=fnn,cnn", "seed=0,1,0", "dataset=digits", "limit=[64,32]", "trainer.epochs=1"]


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
    assert manifest["command"] == f"python pipelines/train.py -m {' '.join(SWEEP)}"
    assert manifest["jobs"][0]["overrides"] == [
        "model=fnn",
        "seed=0",
        "dataset=digits",
        "limit=[64,32]",
        "trainer.epochs=1",
    ]


def test_the_parent_carries_the_leaderboard(sweep):
    table = pd.read_csv(sweep.parent.artifacts / "leaderboard.csv")
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
    runs = mlflow_runs(sweep.root)
    parents = [run for run in runs if "eyechart.sweep" in run.data.tags]
    assert len(runs) == 4 + len(parents)
    assert [parent.info.status for parent in parents] == ["FINISHED", "FINISHED"]
    boards = [pd.read_csv(parent.artifacts / "leaderboard.csv")["run_key"].tolist() for parent in parents]
    assert boards[0] == boards[1]


# --- a sweep in which one job fails

BROKEN = """
from dataclasses import dataclass
from eyechart.models import FNN

@dataclass(frozen=True)
class Broken(FNN):
    def layers(self, pixels, image_shape):
        if self.units == [1]:
            raise RuntimeError("broken on purpose")
        return super().layers(pixels, image_shape)
"""


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
    assert len(pd.read_csv(failed.parent.artifacts / "leaderboard.csv")) == 2


# --- the plan, by itself


@pytest.fixture(scope="module")
def base():
    return compose("model=fnn", "dataset=digits", "tracking=none")


def composer(base):
    def composed(overrides):
        config = copy.deepcopy(base)
        for override in overrides:
            key, _, value = override.partition("=")
            OmegaConf.update(config, key, OmegaConf.create(f"x: {value}").x)
        return config

    return composed


JOBS = st.lists(
    st.tuples(st.sampled_from(["0.1", "1e-1", "0.2"]), st.integers(0, 2), st.sampled_from(["[8]", "[16, 8]"])),
    min_size=1,
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(JOBS)
def test_each_piece_of_work_is_planned_once_and_in_order(digits, base, asked):
    words = [[f"optimizer.learning_rate={r}", f"seed={s}", f"model.units={u}"] for r, s, u in asked]
    plan = make_plan(words, composer(base))
    meant = [(float(rate), seed, units) for rate, seed, units in asked]
    once = list(dict.fromkeys(meant))
    got = [(j.config.optimizer.learning_rate, j.config.seed, str(j.config.model.units)) for j in plan.jobs]
    assert got == once
    assert plan.duplicates == len(asked) - len(once)
    assert len({job.run_key for job in plan.jobs}) == len(plan.jobs)
    assert plan.to_train == list(plan.jobs)
    differing = {key for key in zip(*words, strict=True) if len(set(key)) > 1}
    for job in plan.jobs:
        shown = [
            word for column, word in zip(zip(*words, strict=True), job.overrides, strict=True) if column in differing
        ]
        assert job.name == (" ".join(shown) or "fnn")


def test_finished_runs_are_left_out(digits, base):
    words = [["seed=0"], ["seed=1"]]
    key = make_plan(words, composer(base)).jobs[0].run_key
    journal = Journal(paths.runs() / key)
    journal.append("end", status="FINISHED", result={})
    journal.close()
    plan = make_plan(words, composer(base))
    assert plan.finished == {key}
    assert [job.name for job in plan.to_train] == ["seed=1"]


def test_a_bad_job_is_found_before_anything_trains(digits, base):
    with pytest.raises(ConfigError, match=r"seed must be 0 or more, received -1 \(in the job seed=-1\)"):
        make_plan([["seed=0"], ["seed=-1"]], composer(base))
    with pytest.raises(DataError, match=r"not prepared.*\(in the job dataset\.name=other\)"):
        make_plan([["dataset.name=other"], ["dataset.name=digits"]], composer(base))
    with pytest.raises(DataError, match=r"in the job trainer.validation_fraction=0.0001"):
        make_plan([["trainer.validation_fraction=0.1"], ["trainer.validation_fraction=0.0001"]], composer(base))


def test_a_sweep_is_found_by_name(root):
    with pytest.raises(EyechartError, match="there is no sweep yet"):
        find_sweep("last")
    for name in ("20250101-000000-aaaaaa", "20250102-000000-aaaaaa"):
        (paths.sweeps() / name).mkdir(parents=True)
        (paths.sweeps() / name / "manifest.json").write_text(json.dumps({"jobs": [{"run_key": name[:8]}]}))
    (paths.sweeps() / "20250103-000000-aaaaaa").mkdir()  # one that was not written to its end
    assert run_keys("last") == ["20250102"]
    assert run_keys("20250101-000000-aaaaaa") == ["20250101"]
