"""Rows of runs on the same canvases, made of scores whose truth is known."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eyechart.inference.detection.board import ASKED, board_rows, differences, sentences, show_board, table
from eyechart.inference.detection.found import Found, numbers
from eyechart.inference.scanning.detect import THRESHOLDS
from eyechart.runs.run import Run


def found(run_key: str, alarms: list[int], right: list[int]) -> Found:
    """A run with so many false alarms and right detections on each canvas at 0.5; one false alarm less from 0.9 on."""
    lines = [
        (canvas, threshold, max(0, wrong - (threshold >= 0.9)) + good, good, 4, 1.0 + canvas if good else np.nan)
        for canvas, (wrong, good) in enumerate(zip(alarms, right, strict=True))
        for threshold in THRESHOLDS
    ]
    columns = ["canvas", "threshold", "detected", "right", "known", "distance"]
    return Found(Run(run_key), pd.DataFrame(lines, columns=columns), Path())


def results(*lines: tuple[str, str, str, int]) -> pd.DataFrame:
    """Run keys with group, data set and seed."""
    table = pd.DataFrame(lines, columns=["run_key", "group", "dataset", "seed"])
    return table.assign(model="lenet", data_digest=table["dataset"])


@pytest.fixture
def made() -> list:
    few, many = [[1, 0, 2, 0, 1, 1], [1, 1, 1, 0, 0, 1]], [[7, 5, 9, 6, 5, 8], [8, 5, 9, 7, 5, 7]]
    runs = [found("a0", many[0], [4] * 6), found("b0", few[0], [2] * 6), found("a1", many[1], [3] * 6)]
    runs.append(found("b1", few[1], [2, 2, 2, 2, 2, 0]))
    known = results(("a0", "a", "mnist", 0), ("b0", "b", "mnist_background", 0), ("a1", "a", "mnist", 1))
    return board_rows(runs, pd.concat([known, results(("b1", "b", "mnist_background", 1))], ignore_index=True))


def test_runs_that_differ_in_their_seed_are_a_row_and_those_with_few_false_alarms_come_first(made):
    assert [(row.name, len(row.found)) for row in made] == [("lenet on mnist_background", 2), ("lenet on mnist", 2)]
    few, many = made
    assert few.false_alarms[0.5].mean == pytest.approx(9 / 12)
    assert many.false_alarms[0.5].mean == pytest.approx((40 + 41) / 12)
    assert many.false_alarms[0.99].mean == pytest.approx((34 + 35) / 12)
    assert few.recall[ASKED].mean == pytest.approx(22 / 48)
    assert few.precision[0.5] == pytest.approx(22 / 31)
    assert few.distance[0.5] == pytest.approx((2 * sum(range(1, 7)) + 2 * sum(range(1, 6))) / 22)
    for row in made:
        assert row.false_alarms[ASKED].low < row.false_alarms[ASKED].mean < row.false_alarms[ASKED].high


def test_a_difference_is_told_with_its_interval(made):
    (one,) = differences(made)
    assert one.mean == pytest.approx(made[1].false_alarms[ASKED].mean - made[0].false_alarms[ASKED].mean)
    first, last = sentences(made)
    assert first.startswith("'lenet on mnist' gives more false alarms than 'lenet on mnist_background': by 5.")
    assert last.startswith("from probability 0.90 on; seeds and canvases both counted; intervals are of each pair")


def test_what_cannot_be_told_apart_is_said():
    runs = [found("a0", [1, 0, 2, 1], [1] * 4), found("b0", [0, 1, 2, 1], [1] * 4)]
    first, last = sentences(board_rows(runs, results(("a0", "a", "mnist", 0), ("b0", "b", "digits", 0))))
    assert "cannot be told apart by their false alarms" in first
    assert first.endswith("p = 1")
    assert "; canvases counted;" in last


def test_p_values_are_corrected_for_all_pairs():
    runs = [found(f"{name}0", [level + more for more in (1, 2, 1, 3)], [1] * 4) for level, name in enumerate("abc")]
    three = board_rows(runs, results(*((f"{name}0", name, name, 0) for name in "abc")))
    two = board_rows(runs[:2], results(*((f"{name}0", name, name, 0) for name in "ab")))
    assert differences(three)[0].p_value >= differences(two)[0].p_value


def test_no_end_is_beyond_what_can_be():
    (row,) = board_rows([found("a0", [0, 0, 0], [4, 4, 4])], results(("a0", "a", "mnist", 0)))
    assert (row.false_alarms[0.5].low, row.recall[0.5].high) == (0, 1)
    assert row.false_alarms[0.5].high > 0
    assert row.recall[0.5].low < 1


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_names_its_rows_on_a_narrow_terminal(made, width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    show_board(made, "6 canvases")
    printed = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert "mnist_background" in printed
    assert "…" not in printed
    assert max(map(len, printed.splitlines())) <= width


def test_one_row_is_compared_with_nothing():
    alone = board_rows([found("a0", [0, 0], [0, 0])], results(("a0", "a", "mnist", 0)))
    assert differences(alone) == sentences(alone) == []
    assert alone[0].precision[0.5] is None
    assert alone[0].distance[0.5] is None


def test_the_table_has_a_line_per_run_and_threshold(made):
    lines = table(made)
    assert len(lines) == 4 * len(THRESHOLDS)
    assert list(lines["run_key"].unique()) == ["b0", "b1", "a0", "a1"]
    one = lines[(lines["run_key"] == "a0") & (lines["threshold"] == 0.5)].iloc[0]
    assert one["false_alarms_per_image"] == pytest.approx(40 / 6)
    assert one["recall"] == 1


def test_numbers_of_nothing():
    scores = found("a0", [0, 0], [0, 0]).scores
    assert numbers(scores[scores["threshold"] == 0.5]) == {
        "false_alarms_per_image": 0,
        "precision": None,
        "recall": 0,
        "distance": None,
    }
