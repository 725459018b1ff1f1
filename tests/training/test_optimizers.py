from __future__ import annotations

import math

import pytest

from eyechart.core.errors import ConfigError
from eyechart.training.optimizers import SGD, Adam, AdamW, RMSprop


# `engine_cases.py` builds them with these values and a learning rate of 0.5
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sgd", {"class": "SGD", "momentum": 0.8, "nesterov": True}),
        ("adam", {"class": "Adam", "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-5}),
        ("adamw", {"class": "AdamW", "weight_decay": 0.3, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-5}),
        ("rmsprop", {"class": "RMSprop", "rho": 0.7, "momentum": 0.6, "epsilon": 1e-5}),
    ],
)
def test_what_is_built_has_the_values_that_were_chosen(facts, name, expected):
    built = facts("optimizers_built")[name]
    assert {key: built[key] for key in expected} == expected
    assert built["learning_rate"] == pytest.approx(0.5)
    assert name == "adamw" or built["weight_decay"] is None


def test_half_precision_scales_the_loss(facts):
    built = facts("optimizers_built")
    assert built["float16"] == ["LossScaleOptimizer", "SGD"]
    assert built["bfloat16"] == "SGD"  # has the range of float32


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, RMSprop])
@pytest.mark.parametrize("rate", [0.0, -0.1, math.nan])
def test_a_learning_rate_must_be_above_0(kind, rate):
    with pytest.raises(ConfigError, match=r"optimizer\.learning_rate"):
        kind(learning_rate=rate).check()


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, RMSprop])
def test_the_defaults_are_fine(kind):
    kind().check()


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(momentum=2.0),
        Adam(beta_1=1.5),
        Adam(beta_2=1.0),
        Adam(epsilon=-1.0),
        RMSprop(rho=-1.0),
        AdamW(weight_decay=-1),
    ],
)
def test_what_no_optimizer_can_work_with_is_refused(optimizer):
    with pytest.raises(ConfigError, match=r"optimizer\."):
        optimizer.check()


def test_a_learning_rate_is_a_finite_number():
    with pytest.raises(ConfigError, match=r"optimizer\.learning_rate"):
        SGD(learning_rate=math.inf).check()
