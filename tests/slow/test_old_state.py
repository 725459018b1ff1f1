"""A state folder that an earlier commit made goes on working: it opens, resumes, compares, promotes and reproduces."""

from __future__ import annotations

import re
import tarfile

import pytest
from support import REPOSITORY, link_data, mlflow_runs, run_program

pytestmark = pytest.mark.slow

STATE = REPOSITORY / "tests" / "fixtures" / "old_state"
# limit_order=first: as it was when nothing else could be meant
SMALL = ("dataset=digits", "limit=[200,100]", "limit_order=first", "tracking=offline")
OWN = ("model=fnn", "model._target_=own_networks.Narrow", "model.units=[4]", "trainer.epochs=2", *SMALL)
SWEEP = ("-m", "model=fnn", "model.units=[3],[2]", "seed=0,1", "trainer.epochs=2", *SMALL)
INTERRUPTED = ("model=fnn", "model.units=[2]", "seed=2", "trainer.epochs=400", *SMALL)


@pytest.fixture(scope="module")
def old(digits_root, tmp_path_factory):
    """Run a program on a workspace with that state folder, where the person's own network can be imported."""
    root = link_data(digits_root, tmp_path_factory.mktemp("old") / "root")
    with tarfile.open(STATE / "state.tar.xz") as packed:
        packed.extractall(root, filter="data")

    def run(name, *words):
        done = run_program(root, name, *words, env={"PYTHONPATH": str(STATE)})
        assert done.returncode == 0, done.stderr
        return done.stdout

    run.root = root
    return run


def key_in(text: str) -> str:
    return re.search(r"run key (\w{20})", text)[1]


@pytest.fixture(scope="module")
def own(old):
    """The key of the run of the person's own network, as typing its command again tells it."""
    said = old("train", *OWN)
    assert "finished before, not trained again" in said
    key = key_in(said)
    plan = old("train", *OWN, "plan=true")
    assert "1 run trained before code was recorded: force=true trains anew" in plan
    assert f"{key}  " in plan
    return key


def test_what_was_finished_is_handed_back(old, own):
    journals = sorted((old.root / ".eyechart" / "runs").glob("*/journal.jsonl"))
    before = [path.read_bytes() for path in journals]
    assert "4 runs: 4 finished, 0 to train" in old("train", *SWEEP, "plan=true")
    board = old("train", *SWEEP)
    assert "4 runs: 4 finished, 0 to train" in board
    assert "fnn model.units=[3]" in board
    assert [path.read_bytes() for path in journals] == before


def test_the_sweep_is_the_same_sweep(old):
    sweeps = list((old.root / ".eyechart" / "sweeps").glob("*/manifest.json"))
    old("train", *SWEEP)
    assert list((old.root / ".eyechart" / "sweeps").glob("*/manifest.json")) == sweeps


def test_what_was_interrupted_goes_on_where_it_was(old):
    said = old("train", *INTERRUPTED)
    assert "going on after epoch 3" in said
    assert "of 400" in said


def test_runs_are_compared(old):
    assert "is better than" in (said := old("compare", "sweep=last", "a=1", "b=2", "tracking=offline")) or (
        "cannot be told yet which" in said or "looks better than" in said
    )
    assert "own_networks.Narrow" in old("compare", "tracking=offline")


@pytest.mark.parametrize(
    ("program", "words", "made"),
    [
        ("predict", ["images=data/prepared/digits/samples.png", "to=results/predict"], "predictions.csv"),
        ("explain", ["images=1", "to=results/explain"], "filters.png"),
        ("scan", ["size=40", "digits=2", "to=results/scan"], "scan.png"),
        ("evaluate", ["to=results/evaluate"], "metrics.json"),
    ],
)
def test_a_network_of_the_persons_own_opens(old, own, program, words, made):
    said = old(program, f"run={own}", *words, *([] if program == "evaluate" else ["tracking=offline"]))
    assert (old.root / "results" / program).as_posix() in said
    assert (old.root / "results" / program / made).is_file()


def test_what_was_detected_is_not_asked_again(old, own):
    scans = {path: path.read_bytes() for path in (old.root / ".eyechart" / "scans").glob("*/journal.jsonl")}
    assert len(scans) == 1
    old("detect", f"run={own}", "size=40", "digits=2", "canvases=2", "tracking=offline")
    assert {path: path.read_bytes() for path in (old.root / ".eyechart" / "scans").glob("*/journal.jsonl")} == scans


@pytest.mark.parametrize("which", ["own", "package"])
def test_a_run_is_reproduced_from_its_kept_configuration(old, own, which):
    run = own if which == "own" else key_in(old("train", *SWEEP[1:2], "model.units=[3]", "trainer.epochs=2", *SMALL))
    done = run_program(old.root, "reproduce", f"run={run}", env={"PYTHONPATH": str(STATE)})
    numbers = re.findall(r"^(\S+/\S+) +(\S+) +(\S+) ", done.stdout, re.MULTILINE)
    assert len(numbers) >= 6, done.stderr
    for name, recorded, again in numbers:  # bit for bit on the machine that made them alone
        assert float(again) == pytest.approx(float(recorded), abs=0.011 if "accuracy" in name else 1e-3), name


def test_everything_is_delivered_and_the_best_is_promoted(old):
    assert "not delivered" not in old("sync")
    runs = mlflow_runs(old.root)
    assert {run.info.status for run in runs} == {"FINISHED"}
    anew = {run.info.run_name: run.data.tags for run in runs if run.data.tags.get("eyechart.attempt") == "2"}
    assert list(anew) == ["fnn on digits"]
    (before,) = [run for run in runs if run.data.tags.get("eyechart.replaced") == "true"]
    assert before.info.run_name == "replaced: fnn on digits"
    assert before.data.tags["eyechart.run_key"] == anew["fnn on digits"]["eyechart.run_key"]
    assert "is champion now" in old("promote", "sweep=last")
    old("predict", "run=champion", "images=data/prepared/digits/samples.png")
