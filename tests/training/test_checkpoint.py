from __future__ import annotations

import math

import numpy as np
import pytest
from training.fakes import FakeEngine

from eyechart.training.checkpoint import Checkpoint
from eyechart.training.consumers import Best
from eyechart.training.records import Record


class Remembers:
    """A consumer with every kind of value in its state."""

    def __init__(self):
        self.kept = {"number": 3, "real": 0.1, "none": math.nan, "text": "Zürich", "array": np.arange(6).reshape(2, 3)}

    def __call__(self, record, engine):
        return False

    def state(self):
        return self.kept

    def restore(self, state):
        self.kept = state


@pytest.fixture
def engine():
    engine = FakeEngine()
    for _ in range(4):
        engine.epoch(np.zeros((1, 3)), lambda images: None)
    return engine


@pytest.fixture
def written(tmp_path, engine):
    best = Best("validation/loss")
    checkpoint = Checkpoint(tmp_path / "state" / "checkpoint.npz", [best, Remembers()])
    record = Record(4, {"validation/loss": 0.3})
    best(record, engine)
    assert checkpoint(record, engine) is False
    return checkpoint.path


def test_everything_comes_back(written, engine):
    other, best, memory = FakeEngine(), Best("validation/loss"), Remembers()
    memory.kept = {}
    assert Checkpoint(written, [best, memory]).load(other) == 4
    assert (other.learned, other.speed) == (engine.learned, engine.speed)
    assert (best.epoch, best.value, best.weights) == (4, 0.3, {"trainable/0": 4})
    for name, value in Remembers().kept.items():
        np.testing.assert_array_equal(memory.kept[name], value)


def test_without_a_checkpoint_training_starts_anew(tmp_path):
    assert Checkpoint(tmp_path / "none.npz", []).load(FakeEngine()) == 0


# NumPy leaves a file that is no archive open, for the garbage collector to close
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_truncated_file_starts_anew(written, engine):
    whole = written.read_bytes()
    for length in range(0, len(whole), 7):
        written.write_bytes(whole[:length])
        other = FakeEngine()
        assert Checkpoint(written, [Best("validation/loss"), Remembers()]).load(other) == 0, length
        assert other.learned == 0


def test_the_file_before_stays_until_the_new_one_is_whole(written, engine, monkeypatch):
    before = written.read_bytes()

    def fail(path, **arrays):
        path.write_bytes(b"PK half a file")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="no space"):
        Checkpoint(written, [])(Record(5), engine)
    assert written.read_bytes() == before
    assert list(written.parent.iterdir()) == [written]


def test_each_epoch_replaces_the_file(written, engine):
    Checkpoint(written, [])(Record(5), engine)
    assert Checkpoint(written, []).load(FakeEngine()) == 5
    assert list(written.parent.iterdir()) == [written]


def test_nothing_is_pickled(written):
    with np.load(written, allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)


def test_a_pickle_is_not_read(written):
    arrays = {"epoch": 4, "engine/trainable/0": np.array([{"a": 1}], dtype=object)}
    np.savez(written, **arrays)
    assert Checkpoint(written, []).load(FakeEngine()) == 0
