"""Which runs are trained together."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import compose

from eyechart.config import check
from eyechart.runner.job import Job
from eyechart.runs.status import RunStatus
from eyechart.sweeps.fusing import fused_groups


@pytest.fixture(scope="module")
def base():
    return check(compose("model=fnn", "dataset=digits", "tracking=none"))


def jobs_of(configs, statuses=None):
    statuses = statuses or [RunStatus()] * len(configs)
    keys = [config.run_key("digest") for config in configs]
    return [Job((), config, key, key, status) for config, key, status in zip(configs, keys, statuses, strict=True)]


def seeds(base, count, statuses=None):
    return jobs_of([dataclasses.replace(base, seed=seed) for seed in range(count)], statuses)


def seeds_in(groups):
    return [[job.config.seed for job in group] for group in groups]


def test_seed_learning_rate_and_early_stopping_may_differ(base):
    slow = dataclasses.replace(base.optimizer, learning_rate=1e-4)
    patient = dataclasses.replace(base.callbacks, patience=3)
    changes = [{}, {"seed": 1}, {"optimizer": slow}, {"callbacks": patient}]
    (group,) = fused_groups(jobs_of([dataclasses.replace(base, **change) for change in changes]))
    assert len(group) == 4


@pytest.mark.parametrize(
    "overrides",
    [
        "model.units=[8]",
        "model=rnn",
        "optimizer=sgd",
        "optimizer.beta_1=0.8",
        "schedule=cosine",
        "augmentation=flip_shift",
        "trainer.epochs=3",
        "trainer.batch_size=64",
        "trainer.precision=mixed_bfloat16",
        "trainer.device=cpu",
        "trainer.split_seed=1",
        "trainer.class_weights=balanced",
        "backend=jax",
        "limit=100",
        "dataset=mnist",
    ],
)
def test_everything_else_splits(base, overrides):
    other = check(compose("model=fnn", "dataset=digits", "tracking=none", overrides))
    jobs = jobs_of([base, other])
    assert fused_groups(jobs) == [[job] for job in jobs]


def test_groups_come_in_the_order_of_their_first_jobs(base):
    wide = dataclasses.replace(base, model=dataclasses.replace(base.model, units=[64]))
    configs = [dataclasses.replace(config, seed=seed) for seed in range(2) for config in (wide, base)]
    jobs = jobs_of(configs)
    assert fused_groups(jobs) == [[jobs[0], jobs[2]], [jobs[1], jobs[3]]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(1, 20), st.integers(1, 7))
def test_no_group_has_more_than_max_members(base, count, most):
    groups = fused_groups(seeds(base, count), most)
    assert [seed for group in seeds_in(groups) for seed in group] == list(range(count))
    assert [len(group) for group in groups[:-1]] == [most] * (len(groups) - 1)
    assert len(groups[-1]) <= most


def test_who_goes_on_from_neighbouring_epochs_is_one_group(base):
    statuses = [RunStatus(epochs=epochs) for epochs in (4, 0, 3, 4, 2, 1)]
    assert seeds_in(fused_groups(seeds(base, 6, statuses))) == [[0, 2, 3], [1], [4, 5]]


def test_who_has_stopped_early_stays_in_its_group(base):
    statuses = [RunStatus(epochs=9), RunStatus(epochs=2, ended=True), RunStatus(epochs=8)]
    assert seeds_in(fused_groups(seeds(base, 3, statuses))) == [[0, 1, 2]]


def test_all_have_stopped_early(base):
    statuses = [RunStatus(epochs=9, ended=True), RunStatus(epochs=2, ended=True)]
    assert seeds_in(fused_groups(seeds(base, 2, statuses))) == [[0, 1]]
