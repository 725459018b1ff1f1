"""A search: asked for trials, interrupted, taken up, pruned, closed with what it found."""

from __future__ import annotations

import copy
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import optuna
import pandas as pd
import pytest
from filelock import FileLock, Timeout
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from support import command, compose, environment, error_line, forbid, link_data, mlflow_runs, run_program

from eyechart.config import check
from eyechart.core import paths
from eyechart.core.errors import ConfigError, EyechartError
from eyechart.runner.attempt import Pruned
from eyechart.runs.journal import Journal
from eyechart.runs.lock import RunLock
from eyechart.runs.sweep import Sweep
from eyechart.sweeps.overrides import settled
from eyechart.sweeps.search.pruner import pruner_of
from eyechart.sweeps.search.search import Search, run_search
from eyechart.sweeps.search.space import Choices, Integers, Reals, Space
from eyechart.sweeps.search.study import Study, load
from eyechart.sweeps.sweep import OpenSweep
from eyechart.training.callback import EpochRecord

RATE = "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))"
TPE = {"_target_": "optuna.samplers.TPESampler", "seed": 0, "n_startup_trials": 4}
MEDIAN = {"_target_": "optuna.pruners.MedianPruner", "n_startup_trials": 3, "n_warmup_steps": 0}
HYPERBAND = {"_target_": "optuna.pruners.HyperbandPruner", "min_resource": 1, "max_resource": 4, "reduction_factor": 2}


def space(*words):
    parse = OverridesParser.create().parse_overrides
    return Space.of(settled(parse(list(words)), parse))


# --- what the words mean

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: float(f"{number:.4g}"))


def suggested(parameter, seed):
    """What a random trial takes, and what it says when it is asked again."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    trial = study.ask()
    return parameter.suggest(trial, "x"), parameter.suggest(study.trials[0], "x")


@settings(deadline=None, max_examples=50)
@given(NUMBERS, NUMBERS, st.integers(0, 100), st.booleans())
def test_an_interval_gives_numbers_between_its_ends(one, other, seed, log):
    low, high = sorted([one, other])
    word = f"interval({low},{high})"
    if log:
        low, high = abs(low) + 0.001, abs(low) + abs(high) + 0.001
        word = f"tag(log,interval({low},{high}))"
    (parameter,) = space(f"x={word}").parameters.values()
    assert parameter == Reals(low, high, log=log)
    typed, again = suggested(parameter, seed)
    assert typed == again
    assert low <= float(typed) <= high
    assert all(low <= float(end) <= high for end in parameter.ends())


@settings(deadline=None, max_examples=50)
@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(-7, 7), st.integers(0, 100))
def test_a_range_gives_what_the_grid_gives(start, stop, step, seed):
    words = f"x=range({start},{stop},{step})"
    values = range(start, stop, step) if step else range(0)
    if not values:
        with pytest.raises(ConfigError, match="has no value"):
            space(words)
        return
    (parameter,) = space(words).parameters.values()
    assert isinstance(parameter, Integers)
    assert {int(end) for end in parameter.ends()} == {values[0], values[-1]}
    typed, again = suggested(parameter, seed)
    assert typed == again
    assert int(typed) in values


@pytest.mark.parametrize(
    ("word", "parameter"),
    [
        ("fnn,cnn", Choices(("fnn", "cnn"))),
        ("choice(fnn,cnn,fnn)", Choices(("fnn", "cnn"))),
        ("shuffle(choice(b,a))", Choices(("b", "a"))),
        ("[16,8],[4],null", Choices(("[16,8]", "[4]", "null"))),
        ("range(0.1,0.5,0.1)", Reals(0.1, 0.4, step=0.1)),
        ("range(1,2,0.5)", Reals(1.0, 1.5, step=0.5)),
        ("interval(1,5)", Reals(1.0, 5.0)),  # Hydra's parser makes floats of its ends
        ("int(interval(1,5))", Integers(1, 5)),
        ("tag(log,int(interval(1,64)))", Integers(1, 64, log=True)),
        ("tag(int,log,interval(1,64))", Integers(1, 64, log=True)),
    ],
)
def test_the_words_of_the_published_sweeper(word, parameter):
    assert space(f"x={word}").parameters == {"x": parameter}


@pytest.mark.parametrize("seed", range(5))
def test_steps_are_typed_as_a_person_would(seed):
    typed, _ = suggested(Reals(0.1, 0.7, step=0.1), seed)
    assert re.fullmatch(r"0\.[1-7]", typed)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("interval(5,1)", "the lower first"),
        ("tag(log,interval(0,1))", "expected a number above 0"),
        ("tag(lgo,interval(1,2))", "has the tag lgo: expected int, float, log"),
        ("tag(log,range(1,5))", "as in tag(log,interval(1,64))"),
    ],
)
def test_a_wrong_space_is_refused(word, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        space(f"x={word}")


def test_what_is_typed_later_counts_and_the_rest_stays():
    found = space("model=fnn,cnn", "x=interval(0,1)", "seed=3", "+y=1", "~z", "model=lenet")
    assert found.words == ("x", "seed=3", "+y=1", "~z", "model=lenet")
    assert found.job({"x": "0.5"}) == ["x=0.5", "seed=3", "+y=1", "~z", "model=lenet"]
    assert found.parameters == {"x": Reals(0.0, 1.0)}
    with pytest.raises(ConfigError, match="there is nothing to search"):
        space("model=fnn")


def test_the_points_that_stand_for_all():
    found = space("seed=3", "model=a,b,c", "x=interval(1,2)").points()
    assert found == [
        ["seed=3", "model=a", "x=1.0"],
        ["seed=3", "model=b", "x=1.0"],
        ["seed=3", "model=c", "x=1.0"],
        ["seed=3", "model=a", "x=2.0"],
    ]


# --- searches whose runs are not trained: only their journals are written


@pytest.fixture(scope="module")
def base():
    return compose("model=fnn", "dataset=digits", "tracking=none", "trainer.epochs=4")


class Lab:
    """Searches in this process. `launch` writes the journals that trainings would have written."""

    def __init__(self, base):
        self.base = base
        self.trained = []  # run keys
        self.breaks = {}  # after how many trainings to do what

    def configure(self, overrides, number):
        config = copy.deepcopy(self.base)
        for override in overrides:
            key, _, value = override.partition("=")
            OmegaConf.update(config, key, OmegaConf.create(f"x: {value}").x)
        return check(config)

    def search(self, n_trials, *words, n_jobs=1, pruner=None, sampler=TPE):
        asked = Search(space(*(words or [RATE, "seed=0,1"])), sampler, pruner, n_trials, n_jobs)
        plan = asked.plan(self.configure)
        self.study = asked.name(plan)
        try:
            return run_search(asked, plan, self.configure, "typed", self.launch)
        finally:
            self.trials = load(self.study).trials

    def launch(self, jobs):
        return [line for job in jobs if (line := self.train(job))]

    def train(self, job, epochs=4):
        config = job.config
        after = self.breaks.pop(len(self.trained), None)
        self.trained.append(job.run_key)
        journal = Journal(paths.runs() / job.run_key)
        journal.append("start", name=job.name, experiment_name="eyechart", identity=["", ""])
        if after == "fails":
            journal.append("end", status="FAILED", message="broken on purpose")
            return f"{job.name}: broken on purpose"
        sweep = OpenSweep.of_this_job()
        pruner = sweep and pruner_of(sweep.search, sweep.as_covered(job).trial, epochs)
        score = 1 - abs(math.log10(config.optimizer.learning_rate) + 2.3) / 3 - config.seed / 10
        for epoch in range(1, epochs + 1):
            values = {"validation/accuracy": score * epoch / epochs, "validation/loss": (2 - score) / epoch}
            if after == "diverges":
                values = {"validation/accuracy": 9.0, "validation/loss": math.nan if epoch == 2 else 0.0}
            journal.metrics(epoch, values)
            if after == "dies":
                raise KeyboardInterrupt
            diverged = epoch == 2 if after == "diverges" else False
            if pruner and pruner(EpochRecord(epoch, values, diverged), None):
                journal.append("end", status="KILLED", message=str(Pruned("given up")), pruned=True)
                return None
            if diverged:
                break
        result = {"monitor": config.callbacks.monitor, "best_epoch": epochs, "test/accuracy": 0.5, **values}
        journal.append("params", values=config.parameters())
        journal.append("tags", values={"eyechart.data_digest": job.digest, "eyechart.confirms": job.confirms})
        more = {"diverged": 2} if after == "diverges" else {}
        journal.append("end", status="FINISHED", result=result | {"parameters": 1, "seconds": 1.0}, **more)
        journal.close()
        return None

    def points(self):
        return [(trial.number, trial.params, trial.state.name, trial.values) for trial in self.trials]


@pytest.fixture
def lab(digits, base):
    return Lab(base)


@pytest.fixture
def lab_of(digits_root, base, tmp_path, monkeypatch):
    """Labs with a workspace of their own each."""

    def make(name):
        monkeypatch.setenv("EYECHART_ROOT", str(link_data(digits_root, tmp_path / name)))
        return Lab(base)

    return make


def test_the_number_of_trials_is_a_total(lab, capsys):
    value = lab.search(3)
    assert len(lab.trained) == 3
    assert capsys.readouterr().out.startswith("3 trials: 3 to be chosen\n")
    assert lab.search(3) == value
    assert len(lab.trained) == 3
    out = capsys.readouterr().out
    assert out.startswith("3 trials: 3 complete, 0 to be chosen\n")
    assert "best first by validation/accuracy" in out
    lab.search(5)
    assert len(set(lab.trained)) == len(lab.trained) == len(lab.trials) == 5
    out = capsys.readouterr().out
    assert out.startswith("5 trials: 3 complete, 2 to be chosen\n")
    best = max(lab.trials, key=lambda trial: trial.value)
    assert re.search(rf"^best of the search: validation/accuracy {best.value:.4f} with .* \(trial \d\)$", out, re.M)
    assert len(list(paths.sweeps().glob("*/trials.csv"))) == 1


@pytest.mark.parametrize(
    ("pruner", "n_jobs"), [(None, 1), (MEDIAN, 3), (HYPERBAND, 1)], ids=["none", "median", "hyperband"]
)
def test_an_interrupted_search_has_the_points_of_an_undisturbed_one(lab_of, pruner, n_jobs):
    one = lab_of("undisturbed")
    one.search(8, n_jobs=n_jobs, pruner=pruner)
    other = lab_of("interrupted")
    for after in (1, 4, 5):
        other.breaks = {after: "dies"}
        with pytest.raises(KeyboardInterrupt):
            other.search(8, n_jobs=n_jobs, pruner=pruner)
    other.search(8, n_jobs=n_jobs, pruner=pruner)
    assert len(other.points()) == 8
    assert len({tuple(trial.params.values()) for trial in other.trials}) == 8
    assert any(trial.state.name == "PRUNED" for trial in one.trials) == (pruner is not None)
    assert other.points() == one.points()


def test_another_seed_is_another_search(lab):
    lab.search(3, sampler={"_target_": "optuna.samplers.RandomSampler", "seed": 0})
    first = {trial.params["optimizer.learning_rate"] for trial in lab.trials}
    lab.search(3, sampler={"_target_": "optuna.samplers.RandomSampler", "seed": 1})
    assert not first & {trial.params["optimizer.learning_rate"] for trial in lab.trials}


def test_what_was_given_up_is_marked_and_not_tried_again(lab, capsys):
    lab.search(12, pruner=MEDIAN)
    pruned = [trial for trial in lab.trials if trial.state.name == "PRUNED"]
    assert 0 < len(pruned) < 9
    assert all(trial.last_step < 4 for trial in pruned)
    (table,) = map(pd.read_csv, paths.sweeps().glob("*/trials.csv"))
    assert list(table["trial"]) == list(range(12))
    marked = table[table["state"] == "pruned"]
    assert list(marked["trial"]) == [trial.number for trial in pruned]
    assert list(marked["given_up_after"]) == [trial.last_step for trial in pruned]
    assert table["given_up_after"].notna().sum() == len(pruned)
    before = len(lab.trained)
    lab.search(12, pruner=MEDIAN)
    assert len(lab.trained) == before
    assert f"12 trials: {12 - len(pruned)} complete, {len(pruned)} pruned, 0 to be chosen" in capsys.readouterr().out


def test_a_failed_trial_is_tried_again_once_by_each_command(lab, capsys):
    lab.breaks = {1: "fails", 3: "fails"}
    with pytest.raises(EyechartError, match=r"1 of 3 runs failed: .*broken on purpose"):
        lab.search(3)
    assert len(lab.trained) == 3  # the other trials went on
    with pytest.raises(EyechartError, match="broken on purpose"):
        lab.search(3)
    assert "3 trials: 2 complete, 1 to be taken up again, 0 to be chosen" in capsys.readouterr().out
    assert len(lab.trained) == 4
    lab.search(3)
    assert lab.trained[1] == lab.trained[3] == lab.trained[4]
    assert [trial.state.name for trial in lab.trials] == ["COMPLETE"] * 3


@pytest.mark.parametrize("pruner", [None, MEDIAN], ids=["none", "median"])
def test_runs_that_were_finished_elsewhere_are_not_trained_again(lab, pruner, capsys):
    words = ["optimizer.learning_rate=0.001,0.01,0.1"]
    asked = Search(space(*words), TPE, None, 1, 1)
    for job in asked.plan(lab.configure).jobs:
        lab.train(job)
    lab.search(4, *words, pruner=pruner)
    assert len(lab.trained) == 3
    assert capsys.readouterr().out.count("finished before, not trained again") == 4
    assert {trial.state.name for trial in lab.trials} == {"COMPLETE"}
    told = {tuple(trial.intermediate_values) for trial in lab.trials}
    assert told == ({(1, 2, 3, 4)} if pruner else {()})


def test_the_lowest_loss_wins_and_a_diverged_run_is_the_worst(lab):
    words = [RATE, "callbacks.monitor=validation/loss"]
    assert lab.search(4, *words) == min(trial.value for trial in lab.trials)
    study = Study(lab.study, maximize=False, sampler=TPE, pruner=None)
    study.suggestions(None, space(*words).suggest)
    study.complete(4, math.nan)
    assert study.trials[4].value == math.inf
    assert sum(study.importances().values()) == pytest.approx(1)
    assert study.best() == min(study.trials, key=lambda trial: trial.value)


@pytest.mark.parametrize("pruner", [None, MEDIAN, HYPERBAND], ids=["none", "median", "hyperband"])
@pytest.mark.parametrize("monitor", ["accuracy", "loss"])
def test_a_trial_that_diverged_is_complete_never_the_best_and_not_tried_again(lab, capsys, pruner, monitor):
    words = [RATE, f"callbacks.monitor=validation/{monitor}"]
    lab.breaks = {1: "diverges", 4: "diverges"}
    value = lab.search(6, *words, pruner=pruner)
    worst = math.inf if monitor == "loss" else -math.inf
    assert [lab.trials[number].value for number in (1, 4)] == [worst, worst]
    assert math.isfinite(value)
    assert f"best of the search: validation/{monitor} {value:.4f}" in capsys.readouterr().out
    before = list(lab.trained)
    assert lab.search(6, *words, pruner=pruner) == value
    assert lab.trained == before


def test_the_two_best_trials_are_confirmed_with_new_seeds(lab, capsys):
    words = [RATE, "confirm=2"]
    lab.search(4, *words)
    (choice,) = Sweep.find("last").choices
    assert lab.trained[4:] == list(choice.run_keys)
    assert choice.seeds == (1, 2)
    best = max(lab.trials, key=lambda trial: trial.value)
    assert choice.rows[0].chosen_by == (best.user_attrs["run_key"],)
    before = list(lab.trained)
    lab.search(4, *words)
    assert lab.trained == before
    lab.search(12, *words)  # which finds others
    (later,) = Sweep.find("last").choices
    assert [row.row for row in later.rows] != [row.row for row in choice.rows]
    best = max(lab.trials, key=lambda trial: trial.value)
    assert later.rows[0].chosen_by == (best.user_attrs["run_key"],)
    capsys.readouterr()
    lab.search(9, *words, "plan=true")
    assert capsys.readouterr().out.endswith("then confirm: 2 rows x 2 seeds\n")


def test_where_every_trial_diverged_there_is_no_best(lab, capsys):
    lab.breaks = {0: "diverges", 1: "diverges"}
    assert lab.search(2) is None
    assert "all 2 complete trials diverged" in capsys.readouterr().out


def test_values_that_do_not_go_together_count_as_a_trial(digits, capsys):
    # each can be, with the other at its first
    lab = Lab(compose("model=cnn", "model.filters=[4]", "dataset=digits", "tracking=none", "trainer.epochs=4"))
    words = ["model.kernel_size=3,10", "model.pool_size=2,8"]
    lab.search(8, *words)
    out = capsys.readouterr().out
    impossible = [trial for trial in lab.trials if trial.state.name == "FAIL"]
    assert 0 < len(impossible) < 8
    name = "model.kernel_size=10 model.pool_size=8"
    assert out.count(f"\n{name}: impossible, ") == len(impossible)
    assert len(set(lab.trained)) == len(lab.trained) == 3
    lab.search(8, *words)
    assert f"8 trials: {8 - len(impossible)} complete, {len(impossible)} impossible" in capsys.readouterr().out


def test_what_cannot_be_is_refused_before_anything_trains(lab, capsys):
    for words, said in (
        (["trainer.batch_size=interval(16,64)"], r"type int\(interval\(LOW,HIGH\)\) for whole numbers"),
        (["seed=0,-1"], r"seed must be 0 or more, received -1 \(in the job seed=-1\)"),
        (["optimizer.learning_rate=interval(-1,1)"], "learning_rate"),
        ([RATE, "trainer.validation_fraction=0"], "goes by images that are held back"),
        (
            [RATE, "trainer.validation_fraction=0.1,0.2"],
            "same images in every trial: expected one value of dataset",
        ),
        ([RATE, "trainer.split_seed=range(3)"], "the same images in every trial"),
        ([RATE, "limit=[100,50],[200,50]"], "the same images in every trial"),
        ([RATE, "force=true"], "a search trains no run anew"),
        ([RATE, "callbacks.monitor=validation/loss,validation/accuracy"], "goes by one metric"),
    ):
        with pytest.raises(ConfigError, match=said):
            lab.search(2, *words)
    with pytest.raises(ConfigError, match="n_trials must be a whole number above 0, received 0"):
        lab.search(0)
    assert not lab.trained
    assert not paths.state().exists()  # nor did anything begin


def test_the_plan_of_a_search(lab, capsys):
    words = [RATE, "seed=0,1"]
    lab.search(2, *words)
    capsys.readouterr()
    before = (paths.state() / "searches").stat().st_mtime_ns
    assert lab.search(5, *words, "plan=true") is None
    assert capsys.readouterr().out.splitlines() == [
        "search for the highest validation/accuracy over",
        "  optimizer.learning_rate  0.0001 to 0.1, log scale",
        "  seed                     0, 1",
        "5 trials: 2 complete, 3 to be chosen",
    ]
    assert len(lab.trained) == 2
    assert (paths.state() / "searches").stat().st_mtime_ns == before


def test_one_process_drives_a_search(lab):
    lab.search(1)
    (folder,) = paths.sweeps().glob("2*")
    with (
        RunLock.try_to_take(folder),
        pytest.raises(EyechartError, match=f"process {os.getpid()} on .* drives the same"),
    ):
        lab.search(2)
    assert len(lab.trained) == 1
    lab.search(2)
    assert len(lab.trained) == 2


def test_who_has_the_sweep_for_a_moment_does_not_drive_it(lab):
    lab.search(1)
    (folder,) = paths.sweeps().glob("2*")
    taken = threading.Event()

    def look():
        with RunLock.try_to_take(folder):
            taken.set()
            time.sleep(0.3)

    looking = threading.Thread(target=look)
    looking.start()
    assert taken.wait(10)
    lab.search(2)
    looking.join()
    assert len(lab.trained) == 2


def test_half_a_record_is_dropped(lab):
    lab.search(1)
    path = paths.state() / "searches" / f"{lab.study}.log"
    with path.open("ab") as file:
        file.write(b'{"op_code":4,"wor')
    lab.search(2)
    assert len(lab.trained) == 2


def test_whole_records_are_left_alone_while_others_write(lab, monkeypatch):
    lab.search(1)
    path = paths.state() / "searches" / f"{lab.study}.log"
    with path.open("ab") as file:
        file.write(b'{"op_code":4,"wor')

    def truncate(*arguments):
        with pytest.raises(Timeout):
            FileLock(path.with_suffix(".lock")).acquire(timeout=0)
        cut(*arguments)
        held.append(True)

    held, cut = [], os.truncate
    monkeypatch.setattr(os, "truncate", truncate)
    lab.search(2)
    assert held == [True]


def test_a_trial_that_was_given_up_meanwhile(lab):
    lab.search(1)
    study = load(lab.study)
    number = study.ask().number
    pruner = pruner_of({"study": lab.study, "monitor": "validation/accuracy", "pruner": MEDIAN}, number, 4)
    study.tell(number, state=optuna.trial.TrialState.PRUNED)
    assert pruner(EpochRecord(2, {"validation/accuracy": 0.9}), None)
    assert pruner.gave_up


def test_a_trial_whose_process_died_while_it_chose(lab):
    lab.search(2)
    load(lab.study).ask()  # nothing chosen yet
    lab.search(3)
    (table,) = map(pd.read_csv, paths.sweeps().glob("*/trials.csv"))
    assert list(table["state"]) == ["complete"] * 3


def test_without_pruner_workers_need_no_optuna():
    lines = """
        import sys
        from eyechart.sweeps.search.pruner import pruner_of
        import eyechart.sweeps.job
        assert pruner_of({"study": "x", "monitor": "y", "pruner": None}, 0, 1) is None
        assert pruner_of(None, None, 1) is None
        print("optuna" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", re.sub("^ +", "", lines, flags=re.M)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


# --- a real one: killed in its middle, typed again

REAL = ["hydra/sweeper=optuna", "hydra/sweeper/sampler=random", "hydra/sweeper/pruner=median"]
REAL += ["hydra.sweeper.pruner.n_startup_trials=1", "dataset=digits", "model=fnn", "limit=[256,64]", "trainer.epochs=2"]
REAL += ["optimizer.learning_rate=tag(log,interval(1e-7,1e-1))"]


def kill_after(root, lines, *words):
    """Start a search, and kill its process when so many runs have said their result."""
    process = subprocess.Popen(
        command("train", "-m", *words), cwd=root, env=environment(root), stdout=subprocess.PIPE, text=True
    )
    seen = 0
    for line in process.stdout:
        seen += "run key" in line or "given up" in line
        if seen == lines:
            break
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait()


@pytest.fixture(scope="module")
def real(digits_root, tmp_path_factory):
    root = link_data(digits_root, tmp_path_factory.mktemp("search") / "root")
    kill_after(root, 2, *REAL, "hydra.sweeper.n_trials=5")
    done = run_program(root, "train", "-m", *REAL, "hydra.sweeper.n_trials=5")
    assert done.returncode == 0, done.stderr
    runs = mlflow_runs(root)
    (parent,) = [run for run in runs if "eyechart.sweep" in run.data.tags]
    return SimpleNamespace(root=root, done=done, parent=parent, children=[run for run in runs if run is not parent])


def test_a_killed_search_is_taken_up(real):
    assert real.done.stderr == ""
    first = real.done.stdout.splitlines()[0]
    assert re.fullmatch(r"5 trials: .*[12] to be chosen|5 trials: .*3 to be chosen", first)
    table = pd.read_csv(real.parent.artifacts / "trials.csv")
    assert list(table["trial"]) == list(range(5))
    assert set(table["state"]) == {"complete", "pruned"}
    assert table["optimizer.learning_rate"].is_unique
    assert sorted(table["run_key"]) == sorted(run.data.tags["eyechart.run_key"] for run in real.children)


def test_the_parent_of_a_search_shows_what_it_found(real):
    assert real.parent.info.status == "FINISHED"
    assert real.parent.info.run_name == "search over optimizer.learning_rate"
    files = {path.name for path in real.parent.artifacts.iterdir()}
    assert {"trials.csv", "search_history.png", "parameter_importance.png", "leaderboard.csv"} <= files
    table = pd.read_csv(real.parent.artifacts / "trials.csv")
    board = pd.read_csv(real.parent.artifacts / "leaderboard.csv")
    assert sorted(board["run_keys"]) == sorted(table[table["state"] == "complete"]["run_key"])
    assert all(run.data.tags["mlflow.parentRunId"] == real.parent.info.run_id for run in real.children)
    manifest = json.loads((real.parent.artifacts / "manifest.json").read_text())
    assert sorted(job["trial"] for job in manifest["jobs"]) == list(range(5))


def test_pruned_runs_are_killed_in_mlflow_and_can_be_gone_on_with(real):
    table = pd.read_csv(real.parent.artifacts / "trials.csv")
    pruned = set(table[table["state"] == "pruned"]["run_key"])
    for run in real.children:
        given_up = run.data.tags["eyechart.run_key"] in pruned
        assert run.info.status == ("KILLED" if given_up else "FINISHED")
        assert ("eyechart.pruned" in run.data.tags) == given_up
        if given_up:
            assert list((real.root / ".eyechart/runs" / run.data.tags["eyechart.run_key"]).glob("checkpoint-*"))


def test_typed_again_it_trains_nothing(real):
    forbidden = forbid(real.root.parent / "forbidden", "tensorflow", "keras")
    done = run_program(real.root, "train", "-m", *REAL, "hydra.sweeper.n_trials=5", env=forbidden)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"5 trials: \d complete, \d pruned, 0 to be chosen\n", done.stdout)
    assert done.stdout.splitlines()[-1] == real.done.stdout.splitlines()[-1]
    assert "best first by validation/accuracy" in done.stdout


def test_without_optuna_one_line_says_what_to_install(root):
    modules = root.parent / "modules"
    modules.mkdir()
    (modules / "optuna.py").write_text("raise ImportError\n")
    done = run_program(root, "train", "-m", *REAL, env={"PYTHONPATH": str(modules)})
    assert "type pip install 'eyechart[search]'" in error_line(done)
