from __future__ import annotations

import io
import math
import zipfile

import numpy as np
import pytest
from training.fakes import FakeEngine, fake_member

from eyechart.runner.checkpoint import Checkpoint, resume
from eyechart.runs.checkpoints import epochs_done, has_ended, read_checkpoint, remove_checkpoints
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


# --- damage


@pytest.fixture
def two(tmp_path, engine):
    """The newest of two checkpoints, of the epochs 4 and 5; the one before is whole."""
    return write(tmp_path, engine, [4, 5])


def arrays_of(path):
    with np.load(path) as file:
        return dict(file)


def same(arrays, others):
    return arrays.keys() == others.keys() and all(
        np.array_equal(array, others[name]) or str(array) == str(others[name]) for name, array in arrays.items()
    )


def goes_on_from_before(newest, capsys):
    """Whether training goes on from the epoch before the newest checkpoint, and that is said in one line."""
    assert load(newest.parent) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {newest} is damaged (")
    assert line.endswith("): going on from before it")
    assert not newest.exists()


def places(data):
    """Where bytes are damaged: all of one local header, of one record of the directory and of the end; some between."""
    directory, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    return sorted({*range(160), *range(directory, directory + 60), *range(end, len(data)), *range(0, len(data), 29)})


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_damaged_byte_never_stops_a_run_and_is_never_believed(two, capsys):
    data, whole, noticed = two.read_bytes(), read_checkpoint(two.parent), 0
    for place in places(data):
        for mask in (0x01, 0x04, 0x20, 0xFF):
            damaged = bytearray(data)
            damaged[place] ^= mask
            two.write_bytes(damaged)
            has_ended(two.parent)
            found = read_checkpoint(two.parent)
            assert found["epoch"] in (4, 5)
            if found["epoch"] == 5:  # it was in a date, or the like
                assert same(found, whole), (place, mask)
            else:
                noticed += 1
                assert len(capsys.readouterr().err.splitlines()) == 1
    assert noticed > 1000


def test_an_array_that_ends_before_its_entry_does_is_not_whole(two, capsys):
    name = b"engine/trainable/0.npy"
    with zipfile.ZipFile(two) as file:
        start = two.read_bytes().index(file.read(name.decode()))
    data = bytearray(two.read_bytes())
    shape = data.index(b"(1,)", start)
    data[shape : shape + 4] = b"(0,)"
    two.write_bytes(data)
    goes_on_from_before(two, capsys)


def test_a_checkpoint_of_an_earlier_version_is_taken(two):
    arrays = arrays_of(two)
    del arrays["names"]
    np.savez(two, **arrays)
    assert load(two.parent) == 5


@pytest.mark.parametrize(
    "name", ["epoch", "names", "engine/trainable/0", "engine/optimizer/0", "consumer/0/value", "consumer/1/text"]
)
@pytest.mark.parametrize("earlier", [False, True], ids=["now", "earlier version"])
def test_an_entry_that_is_missing(two, capsys, name, earlier):
    arrays = arrays_of(two)
    del arrays[name]
    if earlier:
        arrays.pop("names", None)
    np.savez(two, **arrays)
    if name == "names":
        assert load(two.parent) == 5
    elif earlier and name == "consumer/1/text":
        assert load(two.parent) == 5  # that callback takes what it is given
    else:
        goes_on_from_before(two, capsys)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epoch", "five"),
        ("epoch", 6),
        ("ended", [True, False]),
        ("engine/trainable/0", [1.0, 2.0]),
        ("engine/trainable/0", 1.0),
        ("engine/trainable/0", ["text"]),
        ("engine/trainable/1", [1.0]),
        ("consumer/0/value", "a lot"),
        ("consumer/0/weights/trainable/0", [[1.0]]),
    ],
)
def test_an_entry_that_is_something_else(two, capsys, name, value):
    arrays = arrays_of(two) | {name: np.array(value)}
    del arrays["names"]
    np.savez(two, **arrays)
    goes_on_from_before(two, capsys)


def archive(**files):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return memory.getvalue()


def npy(array):
    memory = io.BytesIO()
    np.save(memory, array)
    return memory.getvalue()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "content",
    [b"", b"text", b"\0" * 999, npy(np.arange(3)), archive(), archive(epoch="5"), archive(**{"epoch.npy": npy([5])})],
    ids=["empty", "text", "zeros", "one array", "empty archive", "archive of texts", "archive of other arrays"],
)
def test_a_file_that_is_no_checkpoint(two, capsys, content):
    two.write_bytes(content)
    assert not has_ended(two.parent)
    goes_on_from_before(two, capsys)


def test_where_every_checkpoint_is_damaged_all_stays_as_at_the_start(two, capsys):
    for path in two.parent.glob("*.npz"):
        arrays = arrays_of(path)
        del arrays["engine/optimizer/0"]
        np.savez(path, **arrays)
    best, engine = EarlyStopping("validation/loss"), FakeEngine()
    assert resume([Checkpoint(two.parent, [best, Remembers()])], engine) == 0
    assert (best.epoch, best.weights, engine.learned) == (0, {}, 0)
    assert len(capsys.readouterr().err.splitlines()) == 2
    assert list(two.parent.glob("*.npz")) == []


def test_members_go_on_together_after_the_last_epoch_that_all_have(tmp_path):
    engine = FakeEngine(members=2)
    newest = write(tmp_path / "a", FakeEngine(), [4, 5])
    write(tmp_path / "b", FakeEngine(), [4, 5])
    newest.write_bytes(newest.read_bytes()[:-30])
    checkpoints = [Checkpoint(tmp_path / name, [EarlyStopping("validation/loss"), Remembers()]) for name in ("a", "b")]
    assert resume(checkpoints, engine) == 4
    assert (tmp_path / "b" / "checkpoint-000005.npz").exists()


def test_too_little_memory_is_no_damage(two, monkeypatch):
    def load(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr(np, "load", load)
    with pytest.raises(MemoryError):
        read_checkpoint(two.parent)
    assert two.exists()


def test_a_file_of_another_name_is_left_alone(two):
    other = two.with_name("checkpoint-before-the-move.npz")
    other.write_bytes(b"")
    assert epochs_done(two.parent) == load(two.parent) == 5
    remove_checkpoints(two.parent)
    assert list(two.parent.iterdir()) == [other]
