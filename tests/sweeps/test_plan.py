"""The plan of a sweep: what is asked for, what of it is left, and how it is told."""

from __future__ import annotations

import copy
import dataclasses
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from support import compose

from eyechart.config import check
from eyechart.core import paths
from eyechart.core.errors import ConfigError, DataError
from eyechart.data import open_dataset
from eyechart.runs.journal import Journal
from eyechart.runs.machine import machine_tags
from eyechart.sweeps.plan import in_words, make_plan


@pytest.fixture(scope="module")
def base():
    return compose("model=fnn", "dataset=digits", "tracking=none")


def composer(base):
    def configured(overrides, number):
        config = copy.deepcopy(base)
        for override in overrides:
            key, _, value = override.partition("=")
            OmegaConf.update(config, key, OmegaConf.create(f"x: {value}").x)
        return check(config)

    return configured


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
    assert [job.status.finished for job in plan.jobs] == [True, False]
    assert [job.name for job in plan.to_train] == ["seed=1"]


def test_a_sweep_needs_a_run():
    with pytest.raises(ConfigError, match="there is no run in this sweep"):
        make_plan([], None)


def test_a_bad_job_is_found_before_anything_trains(digits, base):
    with pytest.raises(ConfigError, match=r"seed must be 0 or more, received -1 \(in the job seed=-1\)"):
        make_plan([["seed=0"], ["seed=-1"]], composer(base))
    with pytest.raises(DataError, match=r"not prepared.*\(in the job dataset\.name=other\)"):
        make_plan([["dataset.name=other"], ["dataset.name=digits"]], composer(base))
    with pytest.raises(DataError, match=r"in the job trainer.validation_fraction=0.0001"):
        make_plan([["trainer.validation_fraction=0.1"], ["trainer.validation_fraction=0.0001"]], composer(base))


# --- how it is told


def leave(job, *records, epochs=0, machine=None):
    """The folder of a run as a process left it."""
    folder = paths.runs() / job.run_key
    journal = Journal(folder)
    journal.append("start", identity=["", ""], name=job.name, experiment_name="e")
    tags = machine_tags() | ({"eyechart.machine": machine} if machine else {})
    journal.append("tags", values=tags)
    journal.append("params", values=job.config.parameters())
    for kind, more in records:
        journal.append(kind, **more)
    journal.close()
    if epochs:
        (folder / f"checkpoint-{epochs:06d}.npz").write_bytes(b"")


def done(seconds):
    return ("end", {"status": "FINISHED", "result": {"seconds": seconds, "epochs": 5}})


FAILED = ("end", {"status": "FAILED", "message": ""})


def test_finished_resumed_failed_and_new_runs(digits, base):
    words = [[f"seed={seed}"] for seed in (0, 1, 2, 3, 0)]
    jobs = make_plan(words, composer(base)).jobs
    leave(jobs[0], done(50.0))
    leave(jobs[1], FAILED)
    leave(jobs[2], epochs=4)
    plan = make_plan(words, composer(base))
    assert [job.name for job in plan.to_train] == ["seed=2", "seed=3", "seed=1"]  # what failed may fail again
    # 10 s an epoch: 6 epochs of one and 10 of the two others
    assert plan.tell() == (
        "4 runs: 1 finished, 1 resumed, 2 to train, 1 duplicate left out, 1 failed before and tried again, "
        "about 4.3 min of training, going by earlier runs"
    )
    lines = plan.tell(runs=True).splitlines()
    assert lines[-1] == plan.tell()
    assert [line.partition("  ")[2] for line in lines[:-1]] == [
        "seed=0  finished",
        "seed=1  failed before, about 1.7 min",
        "seed=2  goes on after epoch 4, about 60 s",
        "seed=3  new, about 1.7 min",
    ]
    assert [line.partition("  ")[0] for line in lines[:-1]] == [job.run_key for job in jobs]
    anew = plan.ignoring_before(plan.jobs[2].status.begun + 1000)
    assert anew.to_train == list(anew.jobs)
    assert anew.tell().startswith("4 runs: 0 finished, 4 to train, ")


def test_an_estimate_needs_a_run_like_it_on_this_machine(digits, base):
    words = [["seed=0"], ["seed=1"], ["model.units=[8]"]]
    jobs = make_plan(words, composer(base)).jobs
    assert "about" not in make_plan(words, composer(base)).tell()
    leave(jobs[0], done(50.0), machine="another")
    assert "about" not in make_plan(words, composer(base)).tell()
    leave(jobs[0], done(50.0))
    assert "about 1.7 min of training for 1 of them, going" in make_plan(words, composer(base)).tell()


def test_what_an_epoch_takes_no_longer_for(digits, base):
    (job,) = make_plan([["seed=0"]], composer(base)).jobs
    leave(job, done(50.0))
    for alike in ("optimizer.learning_rate=0.5", "trainer.split_seed=1", "callbacks.patience=3", "trainer.epochs=20"):
        assert "about" in make_plan([[alike]], composer(base)).tell(), alike
    for other in ("trainer.batch_size=16", "limit=100", "backend=jax", "augmentation.flip=true"):
        assert "about" not in make_plan([[other]], composer(base)).tell(), other


def test_runs_that_tested_the_first_images_are_trained_anew_and_it_is_said(digits, base):
    words = [[f"seed={seed}", "limit=[100,50]"] for seed in range(3)]
    old = make_plan([[*each, "limit_order=first"] for each in words], composer(base))
    new = make_plan(words, composer(base))
    assert not {job.run_key for job in old.jobs} & {job.run_key for job in new.jobs}
    assert new.tell() == "3 runs: 0 finished, 3 to train"
    leave(old.jobs[0], done(50.0))
    leave(old.jobs[1], epochs=4)
    told, summary = make_plan(words, composer(base)).tell().splitlines()
    assert told == (
        "limit takes a stratified sample of the test images now, no longer the first: 2 runs will be trained anew; "
        "limit_order=first takes up the old ones"
    )
    assert summary.startswith("3 runs: 0 finished, 3 to train, about")  # and they took as long
    again = make_plan([[*each, "limit_order=first"] for each in words], composer(base)).tell()
    assert again.startswith("3 runs: 1 finished, 1 resumed, 1 to train, about")
    for job in new.jobs:
        leave(job, done(50.0))
    assert make_plan(words, composer(base)).tell() == "3 runs: 3 finished, 0 to train"


@example(90.0)
@given(st.floats(0, 1e6))
def test_durations_are_told_in_few_digits(seconds):
    number, unit = re.fullmatch(r"([\d.]+) (s|min|h)", in_words(seconds)).groups()
    assert abs(float(number) * {"s": 1, "min": 60, "h": 3600}[unit] - seconds) <= 0.05 * seconds + 0.5


@pytest.mark.parametrize(
    ("words", "advice"),
    [([], ", or type trainer.class_weights=balanced"), (["trainer.class_weights=balanced"], "")],
)
def test_classes_of_unequal_size_are_told_once_before_anything_trains(digits, base, monkeypatch, words, advice):
    dataset = dataclasses.replace(open_dataset("digits"), class_counts={"train": (95, 5, *[10] * 8), "test": (1,) * 10})
    monkeypatch.setattr("eyechart.runner.job.open_dataset", lambda _: dataset)
    warning, summary = make_plan([[*words, f"seed={seed}"] for seed in range(2)], composer(base)).tell().splitlines()
    assert warning == (
        "warning: of 180 training images 95 are of class '0' and 5 of '1': accuracy says little of rare classes, look "
        f"at balanced accuracy and macro F1{advice}"
    )
    assert summary.startswith("2 runs: ")
