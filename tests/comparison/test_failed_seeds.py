"""What a board says of seeds whose training failed, and where none did."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eyechart.comparison import leaderboard, load_results
from eyechart.comparison.evidence import weigh
from eyechart.comparison.groups import boards
from eyechart.comparison.leaderboard import Leaderboard
from eyechart.comparison.question import compare_sides
from eyechart.comparison.report.words import first_row

GOOD, BAD = 0.9, 0.1


@pytest.fixture
def row(write_run):
    def make(model: str, *shares: float, **more) -> None:
        for seed, share in enumerate(shares):
            right = np.random.default_rng(seed).permutation(500) < share * 500
            write_run(f"{model}{seed}", model=model, seed=seed, correct=right, validation=share, **more)

    return make


def board():
    (found,) = boards(load_results())
    return found, weigh(found)


def said(start: str) -> list[str]:
    return [line for line in leaderboard.notes(*board()) if line.startswith(start)]


def seeds() -> list[str]:
    return next(column.cells for column in leaderboard.columns(*board()) if column.title == "seeds")


def test_a_row_with_a_seed_near_chance_is_marked_and_the_run_named(row, tmp_path):
    row("cnn", GOOD, BAD, GOOD)
    row("fnn", 0.8, 0.8, 0.8)
    assert seeds() == ["3", "3‡"]
    (line,) = said("‡")
    assert line.endswith("are not to be relied on: cnn1 (0.1000)")
    assert said("no seed failed") == []
    lines = compare_sides(load_results(), "cnn", "fnn")
    assert lines[0].endswith("3 seeds, 1 of which stayed near chance")
    assert lines[1].endswith("3 seeds")
    Leaderboard.of(load_results()).write(tmp_path)
    assert list(pd.read_csv(tmp_path / "leaderboard.csv")["near_chance"]) == [0, 1]


def test_the_answer_of_the_report_says_it_of_the_first_row(row):
    row("cnn", GOOD, BAD, GOOD)
    assert "mean of 3 seeds, 1 of which stayed near chance)" in first_row(*board(), None)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            {"cnn": 5, "fnn": 5},
            "no seed failed, and 5 good seeds leave open that up to 45% of trainings do (95% limit)",
        ),
        (
            {"cnn": 2, "fnn": 5, "rnn": 1},
            "no seed failed, and 2 good seeds leave open that up to 78% of trainings do, 5 up to 45% (95% limit)",
        ),
    ],
)
def test_where_no_seed_failed_it_is_said_once_how_often_they_may(row, rows, expected):
    for model, number in rows.items():
        row(model, *[GOOD] * number)
    (line,) = said("no seed failed")
    assert line.startswith(expected)
    assert "‡" not in "".join(seeds())


def test_of_single_seeds_nothing_is_said(row):
    row("cnn", GOOD)
    row("fnn", BAD)
    assert said("no seed failed") == said("‡") == []


def test_where_all_stayed_near_chance_none_is_called_good(row):
    row("cnn", BAD, BAD)
    assert said("no seed failed") == said("‡") == []
    assert said("not above the share of the largest class")


def test_where_one_diverged_none_is_called_good(row, write_run):
    row("cnn", GOOD, GOOD)
    row("fnn", GOOD, GOOD, diverged=3)
    assert said("no seed failed") == []
