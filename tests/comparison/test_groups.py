"""From runs to the rows of boards."""

from __future__ import annotations

import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyechart.comparison import load_results
from eyechart.comparison.groups import best_first, boards, labels, text
from eyechart.comparison.results import _group
from eyechart.comparison.sides import find_side


def order(board) -> str:
    """The run keys of a board's rows, one per seed, in their order."""
    return "".join(key for keys in board.rows["run_keys"] for key in keys)


def table(runs) -> pd.DataFrame:
    """Runs as `load_results` gives them, from dicts with what matters."""
    rows = []
    for number, run in enumerate(runs):
        results = ("data_digest", "best_epoch", "seconds")
        chosen = {name: value for name, value in run.items() if "/" not in name and name not in results}
        parameters = {"model": "fnn", "seed": 0, **chosen}
        row = {
            "run_key": f"{number:03}",
            "name": f"run {number}",
            "experiment_name": "eyechart",
            "dataset": "digits",
            "data_digest": "d",
            "training_version": 1,
            "monitor": "validation/accuracy",
            "best_epoch": 1,
            "parameters": 10,
            "seconds": 1.0,
            "validation/accuracy": 0.5,
            "test/accuracy": 0.5,
        } | run
        rows.append({**parameters, **row, "group": _group(parameters, row["data_digest"], 1)})
    return pd.DataFrame(rows)


def test_best_first_by_validation_and_never_by_test(write_run):
    write_run("a", validation=0.7, test=0.9, train=0.9, **{"model.units": [1]})
    write_run("b", validation=0.9, test=0.7, train=0.7, **{"model.units": [2]})
    write_run("c", validation=0.8, test=0.8, train=0.8, **{"model.units": [3]})
    (board,) = boards(load_results())
    assert (board.title, board.note, order(board)) == ("digits", "best first by validation/accuracy", "bca")
    assert board.chosen


def test_the_mean_over_seeds_decides(write_run):
    for key, seed, validation in (("a", 0, 0.9), ("b", 1, 0.1), ("c", 2, 0.2)):
        write_run(key, seed=seed, validation=validation)
    write_run("d", validation=0.5, model="cnn")
    (board,) = boards(load_results())
    assert list(board.rows["run"]) == ["cnn", "fnn"]
    assert list(board.rows["seeds"]) == [1, 3]
    assert list(board.runs["run_key"]) == ["d", "a", "b", "c"]


def test_runs_chosen_by_their_loss_are_ordered_by_it(write_run):
    write_run("a", validation=0.9, loss=0.9, monitor="validation/loss", model="x")
    write_run("b", validation=0.8, loss=0.1, monitor="validation/loss", model="y")
    (board,) = boards(load_results())
    assert (board.note, order(board)) == ("best first by validation/loss", "ba")
    write_run("c", validation=0.85, loss=0.5, model="z")
    (board,) = boards(load_results())
    assert (board.note, order(board)) == ("best first by validation/accuracy", "acb")


def test_where_nothing_was_held_back_the_board_says_so(write_run):
    write_run("a", validation=None, train=0.7, test=0.9, model="x")
    write_run("b", validation=None, train=0.9, test=0.7, model="y")
    (board,) = boards(load_results())
    assert board.note.startswith("nothing was held back, so no run is chosen")
    assert (order(board), board.chosen) == ("ba", False)
    write_run("c", train=0.8, validation=1.0, model="z")
    (board,) = boards(load_results())
    assert board.note.startswith("nothing was held back for some runs")
    assert (order(board), board.chosen) == ("bca", False)


def test_equal_rows_keep_one_order(write_run):
    for key, seed in ("b0", "c1", "a2"):
        write_run(key, seed=int(seed))
        write_run(f"{key}x", seed=int(seed), model="cnn")
    (board,) = boards(load_results().sample(frac=1, random_state=0))
    assert list(board.rows["run_keys"]) == [["b", "c", "a"], ["bx", "cx", "ax"]]


def test_runs_that_tested_the_first_images_are_on_a_board_of_their_own(write_run):
    write_run("a1", limit=[64, 32], validation=0.9)  # as every limit was
    write_run("a2", limit=[64, 32], validation=0.8, seed=1)
    write_run("b1", limit=[64, 32], limit_order="stratified")
    write_run("c1", limit=[64, None])
    write_run("d1")
    found = {board.title: (order(board), list(board.rows["run"])) for board in boards(load_results())}
    assert found == {
        "digits, limit=[64, 32], limit_order=first: the first 32 test images": ("a1a2", ["fnn"]),
        "digits, limit=[64, 32]": ("b1", ["fnn"]),
        "digits, limit=[64, None]": ("c1", ["fnn"]),
        "digits": ("d1", ["fnn"]),
    }
    old, new = (find_side("a", f"fnn limit_order={which}", boards(load_results())) for which in ("first", "stratified"))
    assert (old.run_keys, new.run_keys) == (("a1", "a2"), ("b1",))
    assert old.of != new.of


ACCURACY = st.integers(0, 100).map(lambda n: n / 100)
LIMITS = st.sampled_from([None, [64, 32], [64, 16]])
RUNS = st.lists(
    st.fixed_dictionaries(
        {
            "model": st.sampled_from(["fnn", "cnn"]),
            "seed": st.integers(0, 3),
            "data_digest": st.sampled_from("de"),
            "validation/accuracy": ACCURACY,
            "test/accuracy": ACCURACY,
        },
        optional={"limit": LIMITS.filter(bool), "trainer.epochs": st.integers(1, 2)},
    ),
    min_size=1,
    max_size=16,
)


def kind(run) -> tuple[str, ...]:
    return tuple(str(run.get(name)) for name in ("data_digest", "limit", "model", "trainer.epochs"))


@settings(deadline=None, max_examples=60)
@given(RUNS)
def test_rows_are_the_statistics_of_their_runs(runs):
    counted: dict[tuple[str, ...], dict[int, dict[str, object]]] = {}
    for number, run in enumerate(runs):
        counted.setdefault(kind(run), {}).setdefault(run["seed"], {**run, "run_key": f"{number:03}"})
    found = boards(table(runs))
    assert len(found) == len({key[:2] for key in counted})  # what cannot be compared never shares a board
    for board in found:
        assert board.rows["validation/accuracy"].is_monotonic_decreasing
        assert list(board.runs["run_key"]) == [key for keys in board.rows["run_keys"] for key in keys]
        assert len(set(board.rows["run"])) == len(board.rows)
    rows = {tuple(row["run_keys"]): row for board in found for row in board.rows.to_dict(orient="records")}
    assert len(rows) == len(counted)
    for seeds in counted.values():
        members = [seeds[seed] for seed in sorted(seeds)]
        row = rows[tuple(member["run_key"] for member in members)]
        test = [member["test/accuracy"] for member in members]
        assert row["seeds"] == len(members)
        assert row["validation/accuracy"] == pytest.approx(np.mean([m["validation/accuracy"] for m in members]))
        assert row["test/accuracy"] == pytest.approx(np.mean(test))
        assert (row["test/worst"], row["test/best"]) == (min(test), max(test))
        if len(test) == 1:
            assert np.isnan(row["test/std"])
        else:
            assert row["test/std"] == pytest.approx(statistics.stdev(test), abs=1e-12)


def test_the_median_of_the_best_epochs_and_the_mean_of_the_seconds():
    runs = [{"seed": seed, "best_epoch": epoch, "seconds": epoch} for seed, epoch in enumerate((1, 2, 9))]
    (board,) = boards(table(runs))
    (row,) = board.rows.to_dict(orient="records")
    assert (row["best_epoch"], row["seconds"]) == (2, 4)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([{}], ["fnn"]),
        ([{"seed": 0}, {"seed": 1, "trainer.epochs": 2}], ["fnn trainer.epochs=null", "fnn trainer.epochs=2"]),
        (
            [
                {"trainer.epochs": 2, "optimizer.learning_rate": 0.01},
                {"trainer.epochs": 3, "optimizer.learning_rate": 0.01},
            ],
            ["fnn trainer.epochs=2", "fnn trainer.epochs=3"],
        ),
        # a model's name says the rest of it
        ([{"model.units": [8]}, {"model": "cnn", "model.units": [9]}], ["fnn", "cnn"]),
        (
            [{"model.units": [8, 4]}, {"model.units": [9]}, {"model": "cnn", "model.units": [9]}],
            ["fnn model.units=[8,4]", "fnn model.units=[9]", "cnn"],
        ),
        # what was not a choice once
        ([{}, {"model.dropout": 0.5}], ["fnn model.dropout=0", "fnn model.dropout=0.5"]),
        ([{}, {"trainer.precision": "x"}], ["fnn trainer.precision=null", "fnn trainer.precision=x"]),
        # two optimizers differ by name, and each may have what the other has not
        (
            [
                {"optimizer": "adam", "optimizer.learning_rate": 0.001, "optimizer.beta_1": 0.9},
                {"optimizer": "sgd", "optimizer.learning_rate": 1e-05, "optimizer.nesterov": True},
                {"optimizer": "sgd", "optimizer.learning_rate": 1e-05, "optimizer.nesterov": False},
            ],
            [
                "fnn optimizer=adam optimizer.learning_rate=0.001",
                "fnn optimizer=sgd optimizer.learning_rate=1e-05 optimizer.nesterov=true",
                "fnn optimizer=sgd optimizer.learning_rate=1e-05 optimizer.nesterov=false",
            ],
        ),
    ],
)
def test_a_label_is_what_was_chosen_differently(runs, expected):
    assert labels(table(runs)) == expected


def test_another_version_of_the_training_has_a_row_of_its_own(write_run):
    write_run("a")
    write_run("b", version=2, validation=0.4)
    (board,) = boards(load_results())
    assert list(board.rows["run"]) == ["fnn training_version=1", "fnn training_version=2"]


@pytest.mark.parametrize(
    ("value", "typed"),
    [
        (32.0, "32"),
        (0.001, "0.001"),
        (1e-07, "1e-07"),
        (0.1234567890123, "0.1234567890123"),
        (7, "7"),
        (True, "true"),
        (None, "null"),
        ([32, 16], "[32,16]"),
        ("a", "a"),
    ],
)
def test_a_value_is_shown_as_it_is_typed(value, typed):
    assert text(value) == typed


def test_runs_that_diverged_are_the_last_of_all_and_count_in_their_row(write_run):
    write_run("a", seed=0, validation=0.9, test=0.9, diverged=2)
    write_run("b", seed=1, validation=0.5, test=0.5)
    write_run("c", model="cnn", validation=0.6, test=0.6)
    assert best_first(load_results()).run_keys == ["c", "b", "a"]
    (board,) = boards(load_results())
    assert list(board.rows["test/accuracy"]) == [0.7, 0.6]
    assert list(board.rows["diverged"]) == [1, 0]
