from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training.fakes import FakeEngine

from eyechart.training.backend.engine import Epoch
from eyechart.training.callback import EpochRecord
from eyechart.training.early_stopping import EarlyStopping, improvement
from eyechart.training.member import members_of

ACCURACY, LOSS = "validation/accuracy", "validation/loss"
values = st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]), min_size=1, max_size=12)


def hear(best: EarlyStopping, series: list[float], engine: FakeEngine | None = None, start: int = 1) -> int | None:
    """Tell `best` of one value per epoch; the epoch after which it asks for the end."""
    engine = engine or FakeEngine()
    for epoch, value in enumerate(series, start):
        engine.epoch(Epoch(np.zeros((1, 1))), lambda images: None)
        if best(EpochRecord(epoch, {best.monitor or "unused": value}), members_of(engine)[0]):
            return epoch
    return None


@given(values)
def test_the_best_epoch_is_the_first_with_the_best_value(series):
    for monitor, best_value in ((ACCURACY, max(series)), (LOSS, min(series))):
        best = EarlyStopping(monitor)
        assert hear(best, series) is None
        assert best.value == best_value
        assert best.epoch == series.index(best_value) + 1
        assert best.weights["trainable/0"] == best.epoch


def test_the_best_weights_are_kept():
    engine, best = FakeEngine(), EarlyStopping(ACCURACY)
    hear(best, [0.1, 0.7, 0.3], engine)
    assert engine.learned == 3
    assert best.weights == {"trainable/0": 2}


def test_without_a_monitor_the_last_epoch_counts():
    engine, best = FakeEngine(), EarlyStopping(None)
    assert hear(best, [0.9, 0.1], engine) is None
    assert best.epoch == 2
    assert best.weights == {"trainable/0": 2}


@pytest.mark.parametrize(
    ("series", "patience", "min_delta", "stop"),
    [
        ([0.1, 0.2, 0.3, 0.4], 1, 0.0, None),
        ([0.5, 0.5], 1, 0.0, 2),  # as good is not better
        ([0.5, 0.4, 0.3, 0.6], 2, 0.0, 3),
        ([0.5, 0.4, 0.6, 0.5, 0.5], 2, 0.0, 5),  # an improvement starts the count anew
        ([0.50, 0.55, 0.59], 2, 0.1, 3),
        ([0.50, 0.55, 0.65, 0.70], 2, 0.1, None),  # small steps add up
        ([0.5, 0.1, 0.1, 0.1, 0.1, 0.1], None, 0.0, None),
    ],
)
def test_patience(series, patience, min_delta, stop):
    assert hear(EarlyStopping(ACCURACY, patience, min_delta), series) == stop
    assert hear(EarlyStopping(LOSS, patience, min_delta), [1 - value for value in series]) == stop


def test_the_best_epoch_needs_no_minimum():
    best = EarlyStopping(ACCURACY, patience=2, min_delta=0.1)
    assert hear(best, [0.50, 0.55, 0.59]) == 3
    assert best.epoch == 3


@given(series=values, cut=st.integers(0, 12), patience=st.none() | st.integers(1, 3))
def test_an_interruption_changes_nothing(series, cut, patience):
    straight, first, second = (EarlyStopping(ACCURACY, patience, 0.05) for _ in range(3))
    engine = FakeEngine()
    expected = hear(straight, series)
    stop = hear(first, series[:cut], engine)
    second.restore({name: np.asarray(value) for name, value in first.state().items()})  # what a checkpoint gives
    if stop is None:
        stop = hear(second, series[cut:], engine, start=len(series[:cut]) + 1)
    assert stop == expected
    assert (second.epoch, second.weights) == (straight.epoch, straight.weights)
    assert second.value == straight.value


def test_any_number_is_better_than_none():
    best = EarlyStopping(LOSS)
    hear(best, [math.nan, 0.5, 0.4])
    assert best.epoch == 3


def test_patience_ends_with_a_run_that_gives_no_numbers():
    assert hear(EarlyStopping(LOSS, patience=2), [math.nan] * 5) is not None


def test_improvement():
    assert improvement("validation/loss", 0.25, 1.0) == 0.75
    assert improvement("validation/accuracy", 0.25, 1.0) == -0.75


def diverge(best: EarlyStopping, epoch: int, value: float = 1.0, learned: float = math.nan) -> bool:
    """Tell `best` that the network diverged in an epoch, whatever the monitored metric says of it."""
    engine = FakeEngine()
    engine.learned[:] = learned
    return best(EpochRecord(epoch, {best.monitor or "unused": value}, diverged=True), members_of(engine)[0])


@pytest.mark.parametrize("monitor", [ACCURACY, LOSS, None])
def test_the_epoch_in_which_it_diverged_is_the_last_and_never_the_best(monitor):
    engine, best = FakeEngine(), EarlyStopping(monitor)
    assert hear(best, [0.5, 0.5], engine) is None
    counts = 1 if monitor else 2
    assert diverge(best, 3, value=0.0 if monitor == LOSS else 1.0) is True
    assert (best.epoch, best.weights, best.diverged, best.exhausted) == (counts, {"trainable/0": counts}, 3, True)
    again = EarlyStopping(monitor)
    again.restore({name: np.asarray(value) for name, value in best.state().items()})
    assert (again.epoch, again.weights, again.diverged, again.exhausted) == (counts, {"trainable/0": counts}, 3, True)


@pytest.mark.parametrize("monitor", [ACCURACY, LOSS, None])
def test_of_a_network_that_diverged_at_once_nothing_is_left(monitor):
    best = EarlyStopping(monitor)
    assert diverge(best, 1) is True
    assert (best.epoch, best.weights, best.diverged) == (0, {}, 1)


@pytest.mark.parametrize("weights", [{}, {"weights/trainable/0": np.array([math.nan])}], ids=["none", "no numbers"])
def test_what_an_earlier_version_kept_of_a_network_that_had_diverged_is_of_no_use(weights):
    best = EarlyStopping(ACCURACY)
    best.restore({"epoch": 1, "value": 0.1, "reference": 0.1, "waited": 0, **weights})
    assert not best.exhausted
    assert diverge(best, 2) is True
    assert (best.epoch, best.weights, best.diverged) == (0, {}, 2)
