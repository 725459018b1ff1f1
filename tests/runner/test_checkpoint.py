from __future__ import annotations

import math

import numpy as np
import pytest
from training.fakes import FakeEngine, fake_member

from eyechart.runner.checkpoint import Checkpoint, resume
from eyechart.runs.checkpoints import epochs_done, remove_checkpoints
from eyechart.training.backend.engine import Epoch
from eyechart.training.callback import EpochRecord
from eyechart.training.early_stopping import EarlyStopping
from eyechart.training.member import members_of


class Remembers:
    """A callback with every kind of value in its state."""

    def __init__(self):
        self.kept = {"number": 3, "real": 0.1, "none": math.nan, "text": "Zürich", "array": np.arange(6).reshape(2, 3)}

    def __call__(self, record, member):
        return False

    def state(self):
        return self.kept

    def restore(self, state):
        self.kept = state


@pytest.fixture
def engine():
    engine = FakeEngine()
    for _ in range(4):
        engine.epoch(Epoch(np.zeros((1, 3))), lambda images: None)
    return engine


def write(folder, engine, epochs):
    best = EarlyStopping("validation/loss")
    checkpoint = Checkpoint(folder, [best, Remembers()])
    for epoch in epochs:
        record = EpochRecord(epoch, {"validation/loss": 1 / epoch})
        (member,) = members_of(engine)
        best(record, member)
        assert checkpoint(record, member) is False
    return folder / f"checkpoint-{epochs[-1]:06d}.npz"


@pytest.fixture
def written(tmp_path, engine):
    return write(tmp_path / "state", engine, [4])


def load(folder, engine=None):
    return resume([Checkpoint(folder, [EarlyStopping("validation/loss"), Remembers()])], engine or FakeEngine())


def test_everything_comes_back(written, engine):
    other, best, memory = FakeEngine(), EarlyStopping("validation/loss"), Remembers()
    memory.kept = {}
    assert resume([Checkpoint(written.parent, [best, memory])], other) == 4
    assert (other.learned, other.speed) == (engine.learned, engine.speed)
    assert (best.epoch, best.value, best.weights) == (4, 0.25, {"trainable/0": 4})
    for name, value in Remembers().kept.items():
        np.testing.assert_array_equal(memory.kept[name], value)


def test_without_a_checkpoint_training_starts_anew(tmp_path):
    assert load(tmp_path) == 0
    assert epochs_done(tmp_path) == 0


# NumPy leaves a file that is no archive open, for the garbage collector to close
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_truncated_file_starts_anew(written, capsys):
    whole = written.read_bytes()
    for length in range(0, len(whole), 7):
        written.write_bytes(whole[:length])
        other = FakeEngine()
        assert load(written.parent, other) == 0, length
        assert other.learned == 0
        assert f"{written} is damaged" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_of_damaged_files_the_newest_whole_one_wins(tmp_path, engine):
    newest = write(tmp_path, engine, [4, 5])
    newest.write_bytes(newest.read_bytes()[:-100])
    other = FakeEngine()
    assert load(tmp_path, other) == 4
    assert other.learned == engine.learned
    assert epochs_done(tmp_path) == 4


def test_the_file_before_stays_until_the_new_one_is_whole(written, monkeypatch):
    before = written.read_bytes()

    def fail(path, **arrays):
        path.write_bytes(b"PK half a file")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="no space"):
        Checkpoint(written.parent, [])(EpochRecord(5), fake_member())
    assert written.read_bytes() == before
    assert list(written.parent.iterdir()) == [written]


def test_the_newest_two_are_kept_and_all_are_removed_at_the_end(tmp_path, engine):
    write(tmp_path, engine, [9, 10, 11, 12])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-000011.npz", "checkpoint-000012.npz"]
    assert epochs_done(tmp_path) == load(tmp_path) == 12
    remove_checkpoints(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_pickled(written):
    with np.load(written, allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)


def test_a_pickle_is_not_read(written):
    arrays = {"epoch": 4, "engine/trainable/0": np.array([{"a": 1}], dtype=object)}
    np.savez(written, **arrays)
    assert load(written.parent) == 0
