from __future__ import annotations

import math

import pytest

from eyechart.core.errors import ConfigError
from eyechart.training.schedules import Constant, Cosine, Exponential

# `engine_cases.py` builds them for 10 epochs of 20 steps and a learning rate of 0.4, and asks at these steps
STEPS = (0, 10, 20, 40, 100, 120, 200)


def cosine(step: int, steps: int, final: float) -> float:
    return 0.4 * (final + (1 - final) * (1 + math.cos(math.pi * step / steps)) / 2)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("constant", lambda step: 0.4),
        ("cosine", lambda step: cosine(step, 200, 0.1)),
        ("warm", lambda step: 0.4 * step / 40 if step <= 40 else cosine(step - 40, 160, 0.1)),
        ("warm all along", lambda step: 0.4 * step / 200),
        ("exponential", lambda step: 0.4 * 0.5 ** (step / 20)),
    ],
)
def test_the_learning_rate_follows_its_formula(facts, name, formula):
    rates = facts("schedules_built")[name]
    assert [rates[str(step)] for step in STEPS] == pytest.approx([formula(step) for step in STEPS], rel=1e-5)


def test_a_training_follows_its_schedule(facts):
    assert facts("schedules_built")["after each epoch"] == pytest.approx([0.05, 0.025, 0.0125], rel=1e-5)


def test_a_constant_needs_no_keras():
    assert Constant().build(0.3, 10, 5) == 0.3


@pytest.mark.parametrize(
    ("schedule", "key"),
    [
        (Cosine(final=-0.1), "schedule.final"),
        (Cosine(final=1.1), "schedule.final"),
        (Cosine(final=math.nan), "schedule.final"),
        (Cosine(warmup_epochs=-1), "schedule.warmup_epochs"),
        (Exponential(factor=0.0), "schedule.factor"),
        (Exponential(factor=1.01), "schedule.factor"),
        (Exponential(factor=math.nan), "schedule.factor"),
    ],
)
def test_what_makes_no_schedule_is_refused(schedule, key):
    with pytest.raises(ConfigError, match=key):
        schedule.check()


@pytest.mark.parametrize(
    "schedule", [Constant(), Cosine(), Cosine(final=1.0, warmup_epochs=3), Exponential(), Exponential(factor=1.0)]
)
def test_what_makes_one_is_not(schedule):
    schedule.check()
