"""Validation scores of different images: what may be ranked, by what, and what is said where nothing may."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.comparison import answers, evidence, load_results
from eyechart.comparison.answers import read_answers
from eyechart.comparison.groups import best_first, boards, folds_of
from eyechart.comparison.in_mlflow import sweep_records
from eyechart.comparison.leaderboard import Leaderboard, notes
from eyechart.comparison.promotion import candidate_of
from eyechart.comparison.question import compare_sides
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.runs.journal import Journal
from eyechart.runs.sweep import Sweep

FOLD, FRACTION = "trainer.split_seed", "trainer.validation_fraction"
RIGHT = np.arange(100) < 60


def fold(number: int, size: int = 10, right: int = 5) -> dict[int, bool]:
    """The n-th window of the training images, of which the first so many were classified right."""
    return {number * size + at: at < right for at in range(size)}


@pytest.fixture
def run(write_run):
    """A run that held back a fold, and classified so many of its ten images right."""

    def make(key: str, at: int, right: int, *, size: int = 10, **more) -> None:
        more = {FOLD: at, "correct": RIGHT, "train": 0.5, **more}
        write_run(key, held_back=fold(at, size, right), validation=right / size, **more)

    return make


def the_board():
    (board,) = boards(load_results())
    return board


def keys(board) -> list[list[str]]:
    return list(board.rows["run_keys"])


def test_of_different_folds_the_easiest_is_not_called_best(run):
    run("a", 0, 9, model="cnn", train=0.6)
    run("b", 1, 5, train=0.7)
    board = the_board()
    assert not board.chosen
    assert board.note == (
        "different images were held back (none by all), so no run is chosen: in the order of training accuracy"
    )
    assert keys(board) == [["b"], ["a"]]
    assert list(board.rows["run"]) == ["fnn trainer.split_seed=1", "cnn trainer.split_seed=0"]
    (advice,) = board.remarks
    assert advice.startswith("to have a best row, type the same trainer.validation_fraction for all rows, and the same")
    assert advice in notes(board, evidence.weigh(board))


def test_neither_does_a_run_stand_for_election_there(run):
    run("a", 0, 9)
    run("b", 1, 5, model="cnn")
    with pytest.raises(EyechartError, match=r"different images were held back .*: name the run to promote, run=KEY"):
        candidate_of(load_results())


def test_rows_are_ranked_by_what_all_held_back(run, write_run):
    """The larger part is easier by its other images, and its row worse on those in common."""
    run("small", 0, 7, **{FRACTION: 0.1})
    answers = {at: at >= 5 for at in range(20)}
    write_run("large", model="cnn", held_back=answers, validation=0.75, correct=RIGHT, **{FOLD: 0, FRACTION: 0.2})
    board = the_board()
    assert keys(board) == [["small"], ["large"]]
    assert board.chosen
    assert board.note == "best first by validation/accuracy on the 10 images that all held back"
    assert list(board.rows["validation/accuracy"]) == [0.7, 0.5]
    assert "validation/loss" not in board.rows
    assert candidate_of(load_results())["run_key"] == "small"


def test_where_too_few_are_common_nothing_is_chosen(write_run):
    for key, first, model in (("a", 0, "fnn"), ("b", 6, "cnn")):
        write_run(key, model=model, held_back={first + at: True for at in range(10)}, correct=RIGHT, **{FOLD: first})
    assert the_board().note.startswith("different images were held back (4 of at least 10 by all), so no run is chosen")


@pytest.mark.parametrize("monitor", ["validation/accuracy", "validation/loss"])
def test_rows_with_the_same_folds_are_ranked_by_their_means(run, monitor):
    for at in range(3):
        run(f"a{at}", at, 4 + at, loss=1.0, monitor=monitor)
        run(f"b{at}", at, 5 + at, loss=0.5, monitor=monitor, model="cnn")
    board = the_board()
    assert keys(board) == [["b0", "b1", "b2"], ["a0", "a1", "a2"]]
    assert (list(board.rows["run"]), list(board.rows["seeds"])) == (["cnn", "fnn"], [3, 3])
    assert (board.chosen, board.note) == (True, f"best first by {monitor}")
    assert board.repeated == ()
    (about,) = board.remarks
    assert about.startswith("each row has runs of the folds trainer.split_seed=0,1,2, which count as seeds do")
    assert list(board.runs["run_key"]) == [key for row in keys(board) for key in row]
    with pytest.raises(EyechartError, match="different images were held back"):  # runs of one row are of other folds
        candidate_of(load_results())
    said = compare_sides(load_results(), "cnn trainer.split_seed=1 seed=0", "fnn trainer.split_seed=1 seed=0")
    assert said[0].startswith("a: cnn seed=0 trainer.split_seed=1, test accuracy")


def test_a_row_that_lacks_a_fold_keeps_all_apart(run):
    for at in range(2):
        run(f"a{at}", at, 4)
    run("b0", 0, 5, model="cnn")
    board = the_board()
    assert sorted(board.rows["run"]) == [
        f"{row} trainer.split_seed={at}" for row, at in (("cnn", 0), ("fnn", 0), ("fnn", 1))
    ]
    assert not board.chosen


def test_a_row_that_has_a_fold_more_often_keeps_all_apart(run):
    for model in ("fnn", "cnn"):
        for at in range(2):
            run(f"{model}{at}", at, 4, model=model)
    run("more", 1, 4, seed=1)
    assert len(the_board().rows) == 4


def test_the_same_fold_by_another_name_counts_once(run):
    """Windows go round: with a tenth held back, trainer.split_seed=10 is 0 again, and trains the same network."""
    run("a", 0, 5)
    run("b", 1, 5)
    run("c", 0, 5)
    write = paths.runs() / "c"
    journal = Journal(write)
    journal.append("params", values={"model": "fnn", "dataset": "digits", "seed": 0, FOLD: 10})
    journal.close()
    board = the_board()
    assert keys(board) == [["a", "b"]]
    assert board.repeated == ("c",)


def test_runs_without_predictions_are_taken_as_their_settings_say(run, write_run):
    run("a", 0, 5)
    write_run("b", model="cnn", validation=0.9, **{FOLD: 0})
    board = the_board()
    assert (board.chosen, keys(board)) == (True, [["b"], ["a"]])
    assert board.remarks == (
        "which images were held back is not known of 1 run without predictions (b), and taken from the settings",
    )
    write_run("c", model="rnn", validation=0.9, **{FOLD: 1})
    board = the_board()
    assert not board.chosen
    assert board.note.startswith("it is not known which images all rows held back, so no run is chosen")


def test_runs_of_before_that_left_nothing_are_ranked_as_they_were(write_run):
    write_run("a", validation=0.5)
    write_run("b", validation=0.9, model="cnn")
    board = the_board()
    assert (board.chosen, keys(board)) == (True, [["b"], ["a"]])
    assert best_first(load_results()).run_keys == ["b", "a"]


def test_each_table_is_read_once(run, monkeypatch):
    for at, model in enumerate(("fnn", "cnn")):
        run(model, at, 5, model=model)
    asked = []
    monkeypatch.setattr(answers, "_columns", lambda path, known=answers._columns: asked.append(path) or known(path))
    Leaderboard.of(load_results())
    assert len(asked) == len(set(asked)) == 2


def test_the_views_of_a_sweep_do_not_order_by_what_cannot_be_ranked(run):
    for at, model in enumerate(("fnn", "cnn")):
        run(model, at, 5 - at, model=model, train=0.5 + at / 10)
    sweep = Sweep("20260101-000000-abc")
    journal = Journal(sweep.folder)
    journal.append("start", name="sweep of 2", experiment_name="eyechart", identity=["", ""])
    journal.close()
    (sweep.folder / "manifest.json").write_text('{"identity": "", "command": "", "jobs": []}')
    views, description = sweep_records(sweep, Leaderboard.of(load_results()))
    assert (views["order_by"], views["runs"]) == ("best_train_accuracy", ["cnn", "fnn"])
    assert "so no run is chosen" in description["text"]


def test_what_is_common_does_not_depend_on_the_order_of_the_rows(run):
    for number, size in enumerate((10, 12, 16)):
        run(f"k{number}", 0, 5, size=size, model=f"m{number}", **{FRACTION: size / 100})
    runs = load_results().to_dict(orient="records")
    folds = folds_of(runs, read_answers)
    grounds = [folds.ground([[key] for key in order]) for order in (("k0", "k1", "k2"), ("k2", "k1", "k0"))]
    assert [ground.images for ground in grounds] == [10, 10]
    assert grounds[0].scores == grounds[1].scores == (0.5, 0.5, 0.5)
