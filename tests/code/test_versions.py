"""The package's own code: each definition has the version that is recorded for its hash."""

from __future__ import annotations

import pytest
import record_code

from eyechart.code import module, reach, versions
from eyechart.config import KINDS


def test_every_definition_is_recorded():
    edited = record_code.edited()
    # golden results the same (pytest tests/test_golden.py)? type: python tools/record_code.py same
    # otherwise, so that what was trained before is not taken for the same: python tools/record_code.py next
    assert not edited, f"edited, and not recorded: {', '.join(edited)}; see the lines above"


def test_every_kind_lies_where_the_table_looks_for_it():
    assert {*KINDS, *versions.PARTS} == set(versions.table())
    for name, kind in KINDS.items():
        assert versions.PLACES.get(name, name) == f"{kind.__module__}.{kind.__qualname__}"
        assert {piece.name for piece in versions.reached_by(name).pieces} >= {kind.__qualname__}
    assert set(versions.PLACES) <= set(KINDS)


def test_an_engine_reaches_its_own_backend_alone():
    for name, other in (("tensorflow", "jax"), ("jax", "tensorflow")):
        files = versions.reached_by(f"eyechart.engine.{name}").files
        assert f"eyechart/training/backend/{name}.py" in files
        assert f"eyechart/training/backend/{other}.py" not in files
        assert {"eyechart/training/loop.py", "eyechart/training/order.py"} <= set(files)


@pytest.fixture
def edited(monkeypatch):
    """Read one of the package's files as if it had been edited."""

    def edit(name, old, new):
        found = module.read_module(name)
        text = found.path.read_text()
        assert old in text
        changed = module._read(name, found.path, module.ast.parse(text.replace(old, new)))
        read = lambda asked: changed if asked == name else module.read_module(asked)  # noqa: E731
        monkeypatch.setattr(reach, "read_module", read)
        versions.reached_by.cache_clear()

    yield edit
    versions.reached_by.cache_clear()


SMALL = "eyechart.training.optimizers"


def test_an_edited_class_counts_by_its_hash_and_no_other_does(edited):
    edited(SMALL, "rho: float = 0.9", "rho: float = 0.8")
    token = versions.token(f"{SMALL}.RMSprop")
    assert len(token) == 12
    assert not versions.token(f"{SMALL}.Adam")
    assert versions.tokens([f"{SMALL}.RMSprop"]) == token
    # of several it is said which: another of them at this version is other code
    assert versions.tokens([f"{SMALL}.RMSprop", f"{SMALL}.Adam"]) == f"RMSprop={token}"


def test_another_class_beside_it_changes_nothing(edited):
    edited(
        SMALL,
        "@dataclass(frozen=True)\nclass RMSprop",
        "class Lion(Optimizer):\n    pass\n\n\n@dataclass(frozen=True)\nclass RMSprop",
    )
    assert not any(versions.token(name) for name in versions.table())


def test_an_edited_base_changes_all_that_build_on_it(edited):
    edited("eyechart.models.architecture", "1 / 255", "1 / 256")
    changed = {name for name in versions.table() if versions.token(name)}
    assert changed == {
        name
        for name in versions.table()
        if name.startswith("eyechart.models.") and name[23:].find("as_maps") < 0 and not name.endswith("channel_axis")
    }


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("eyechart.runner.members", "set_seed(attempt.job.config.seed)", "set_seed(0)"),
        ("eyechart.runner.members", "augment=config.augmentation.apply", "augment=None and config"),
        ("eyechart.training.order", "SeedSequence([seed, epoch])", "SeedSequence([seed, epoch, 2])"),
        ("eyechart.training.early_stopping", "best - value", "value - best"),
        ("eyechart.training.loop", "axis=1", "axis=0"),
    ],
)
def test_an_edit_of_how_it_is_trained_changes_the_engines(edited, module, old, new):
    edited(module, old, new)
    assert {name for name in versions.table() if versions.token(name)} == {
        "eyechart.engine.jax",
        "eyechart.engine.tensorflow",
    }


def test_an_edited_loss_changes_no_engine(edited):
    edited("eyechart.training.losses", "np.maximum(counts, 1)", "np.maximum(counts, 2)")
    assert {name for name in versions.table() if versions.token(name)} == {"eyechart.loss.balanced"}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("eyechart.models.CNN.build", "eyechart.models.convolutional.CNN"),
        ("eyechart.models.convolutional.CNN", "eyechart.models.convolutional.CNN"),
        ("eyechart.evaluation.scores.accuracy", "eyechart.evaluation.scores.accuracy"),  # not in the table
    ],
)
def test_what_own_code_takes_of_the_package_is_found_by_any_of_its_names(name, found):
    assert versions.below([name, "keras.layers", "eyechart.core.errors.ConfigError", "eyechart.models"]) == [found]


def test_a_known_hash_gives_its_version(edited, monkeypatch):
    edited(SMALL, "rho: float = 0.9", "rho: float = 0.8")
    name = f"{SMALL}.RMSprop"
    now = versions.reached_by(name).token
    monkeypatch.setattr(versions, "table", lambda: {name: {"1": ["0", "1"], "2": ["2", now]}})
    assert versions.token(name) == "2"
    monkeypatch.setattr(versions, "table", lambda: {name: {"1": ["0", now], "2": ["2"]}})
    assert versions.token(name) == ""


def test_recording(monkeypatch):
    table = {"a": {"1": ["x"]}, "b": {"1": ["x"], "2": ["y"]}}
    monkeypatch.setattr(versions, "table", lambda: table)
    assert record_code.record({"a": "new", "c": "new"}, same=True) == {
        "a": {"1": ["x", "new"]}, "b": {"1": ["x"], "2": ["y"]}, "c": {"1": ["new"]},
    }  # fmt: skip
    assert record_code.record({"a": "new", "b": "new", "c": "new"}, same=False) == {
        "a": {"1": ["x"], "2": ["new"]}, "b": {"1": ["x"], "2": ["y"], "3": ["new"]}, "c": {"1": ["new"]},
    }  # fmt: skip
    assert table == {"a": {"1": ["x"]}, "b": {"1": ["x"], "2": ["y"]}}
