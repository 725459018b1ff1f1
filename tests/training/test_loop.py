from __future__ import annotations

import math

import numpy as np
import pytest
from training.fakes import FakeEngine

from eyechart.runner.checkpoint import Checkpoint, resume
from eyechart.training.early_stopping import EarlyStopping
from eyechart.training.loop import train
from eyechart.training.order import Reading, order

HELD_BACK = (np.zeros((8, 2, 2, 1), np.uint8), np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int32))


class Listener:
    """Keeps the records, and asks for the end after one of them."""

    def __init__(self, last: int | None = None):
        self.last, self.records = last, []

    def __call__(self, record, member):
        self.records.append(record)
        return record.epoch == self.last

    @property
    def epochs(self):
        return [record.epoch for record in self.records]


def test_every_epoch_is_trained_in_its_order():
    engine, listener, ticks = FakeEngine(), Listener(), []
    train(engine, [[listener]], Reading([5], 7), epochs=3, tick=ticks.append)
    assert listener.epochs == [1, 2, 3]
    assert ticks == [7, 7, 7]
    for epoch, orders in enumerate(engine.orders, 1):
        assert np.array_equal(orders, [order(5, epoch, 7)])


def test_a_consumer_can_end_it_and_all_still_hear_why():
    before, ends, after = Listener(), Listener(last=2), Listener()
    train(FakeEngine(), [[before, ends, after]], Reading([0], 4), epochs=9)
    assert before.epochs == ends.epochs == after.epochs == [1, 2]


def test_it_goes_on_after_what_is_done():
    engine, listener = FakeEngine(), Listener()
    train(engine, [[listener]], Reading([5], 7), epochs=4, done=2)
    assert listener.epochs == [3, 4]
    assert np.array_equal(engine.orders[0], [order(5, 3, 7)])


def test_nothing_is_left_to_do():
    engine, listener = FakeEngine(), Listener()
    train(engine, [[listener]], Reading([5], 7), epochs=4, done=4)
    assert listener.epochs == []
    assert engine.orders == []


def test_what_a_record_says():
    listener = Listener()
    train(FakeEngine(sure=0.75), [[listener]], Reading([0], 4), epochs=2, validation=HELD_BACK)
    metrics = listener.records[1].metrics
    assert metrics.pop("seconds") >= 0
    expected = {
        "train/loss": 1 / 2,
        "train/accuracy": 2 / 3,
        "validation/loss": -(6 * np.log(0.75) + 2 * np.log(0.25)) / 8,
        "validation/accuracy": 6 / 8,
    }
    assert metrics == pytest.approx(expected)
    assert all(type(value) is float for value in metrics.values())


def test_a_model_that_answers_after_each_step_is_judged_by_its_last_answer():
    listener = Listener()
    train(FakeEngine(sure=[0.1, 0.9]), [[listener]], Reading([0], 4), epochs=1, validation=HELD_BACK)
    metrics = listener.records[0].metrics
    assert metrics["validation/accuracy"] == 6 / 8
    assert metrics["validation/loss"] == pytest.approx(-(6 * np.log(0.9) + 2 * np.log(0.1)) / 8)
    assert metrics["validation/accuracy_over_steps"] == (2 / 8 + 6 / 8) / 2


def test_every_epoch_is_augmented_by_its_draws():
    engine = FakeEngine()
    train(
        engine,
        [[]],
        Reading([5], 7, lambda seed, epoch: np.full((7, 5), seed * 10 + epoch, np.float32)),
        epochs=3,
        done=1,
    )
    assert [draws.shape for draws in engine.draws] == [(1, 7, 5), (1, 7, 5)]
    assert [draws.max() for draws in engine.draws] == [52, 53]


def test_nothing_is_drawn_where_nothing_is_augmented():
    engine = FakeEngine()
    train(engine, [[]], Reading([5], 7), epochs=2)
    assert engine.draws == [None, None]


@pytest.mark.parametrize("sure", [0.75, math.nan])
def test_a_network_that_gives_no_numbers_for_held_back_images_has_diverged(sure):
    listener = Listener()
    train(FakeEngine(sure=sure), [[listener]], Reading([0], 4), epochs=2, validation=HELD_BACK)
    assert [record.diverged for record in listener.records] == [math.isnan(sure)] * 2


class Wild(FakeEngine):
    """Loses its losses in epoch 2; where a step that gives no numbers is taken, its weights with them."""

    def __init__(self, *, taken):
        super().__init__(members=2)
        self.taken = taken

    def epoch(self, epoch, tick):
        losses, accuracies = super().epoch(epoch, tick)
        if len(self.orders) == 2:
            losses[1] = math.nan
            self.learned[1] += math.nan if self.taken else 0
        return losses, accuracies


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "left out"])
@pytest.mark.parametrize("held_back", [True, False])
def test_a_step_without_numbers_that_is_left_out_is_no_divergence(taken, held_back):
    engine = Wild(taken=taken)
    listeners, best = [Listener(), Listener()], [EarlyStopping(None), EarlyStopping(None)]
    if held_back and taken:  # the answers follow the weights
        engine.predict = lambda images: iter([np.stack([np.full((len(images), 2), n) for n in 0.5 * engine.learned])])
    train(
        engine,
        [list(pair) for pair in zip(listeners, best, strict=True)],
        Reading([0, 1], 4),
        epochs=4,
        validation=HELD_BACK if held_back else None,
    )
    assert listeners[0].epochs == [1, 2, 3, 4]
    assert listeners[1].epochs == ([1, 2] if taken else [1, 2, 3, 4])
    assert [one.diverged for one in best] == [0, 2 if taken else 0]
    assert [one.epoch for one in best] == [4, 1 if taken else 4]


def test_a_run_that_has_diverged_stays_ended(tmp_path):
    for _ in range(2):  # it was killed before its end was recorded
        best = EarlyStopping("validation/accuracy")
        checkpoint, listener, engine = Checkpoint(tmp_path, [best]), Listener(), FakeEngine(sure=math.nan)
        done = resume([checkpoint], engine)
        train(engine, [[best, listener, checkpoint]], Reading([0], 4), epochs=9, done=done, validation=HELD_BACK)
        assert (best.diverged, best.epoch) == (1, 0)
    assert done == 1
    assert listener.epochs == []


def test_without_held_back_images_there_is_no_validation():
    listener = Listener()
    train(FakeEngine(), [[listener]], Reading([0], 4), epochs=1)
    assert set(listener.records[0].metrics) == {"train/loss", "train/accuracy", "seconds"}


def early_stopping(path):
    """A training that stops after epoch 3, because the validation never gets better than at first."""
    best = EarlyStopping("validation/accuracy", patience=2)
    return best, Checkpoint(path, [best])


def run(path):
    best, checkpoint = early_stopping(path)
    engine, listener = FakeEngine(), Listener()
    done = resume([checkpoint], engine)
    train(engine, [[best, listener, checkpoint]], Reading([0], 4), epochs=9, done=done, validation=HELD_BACK)
    return best, listener.epochs


def test_early_stopping(tmp_path):
    best, epochs = run(tmp_path)
    assert epochs == [1, 2, 3]
    assert best.epoch == 1


def test_a_run_that_has_stopped_early_stays_stopped(tmp_path):
    run(tmp_path)  # and is killed before its end is recorded, while it predicts for example
    best, epochs = run(tmp_path)
    assert epochs == []
    assert best.epoch == 1
