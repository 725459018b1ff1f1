"""Is A better than B? In words."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from eyechart.comparison import load_results, unequal
from eyechart.comparison.question import compare_sides
from eyechart.comparison.verdicts import answer
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.evaluation.multiple import Comparisons
from eyechart.evaluation.rows import Rows
from eyechart.evaluation.significance import difference
from eyechart.evaluation.weighted import Scored


def test_where_interval_and_exact_test_disagree_it_says_which_to_go_by():
    correct = np.ones((2, 1, 360), dtype=bool)
    correct[1, 0, :5] = False  # five images tell them apart: p = 2/32
    told = "go by the p-value, the interval is an approximation."
    found = difference(*correct)
    assert found.low > 0
    assert found.p_value == 0.0625

    def sentence() -> str:
        comparisons = Comparisons(Rows.of(list(correct)))
        return answer(("A", "B"), comparisons.pair(0, 1), seeds=(1, 1), rows=comparisons.rows, margin=0.0)[1]

    assert sentence().startswith("It cannot be told yet which of 'A' and 'B' is better")
    assert told in sentence()
    correct[1, 0, 5] = False
    assert sentence().startswith("'A' is better than 'B'")
    assert told not in sentence()


@pytest.fixture
def rows(write_run):
    rng = np.random.default_rng(0)
    for number, (model, share) in enumerate((("cnn", 0.9), ("fnn", 0.5))):
        for seed in range(3):
            correct = rng.random(500) < share
            write_run(f"{number}{seed}aaaa", model=model, seed=seed, validation=share, correct=correct)


def test_two_rows_are_compared(rows):
    first, second, numbers, sentence = compare_sides(load_results(), "1", "fnn")
    assert first.startswith("a: cnn, test accuracy 0.")
    assert first.endswith(", 3 seeds")
    assert second.startswith("b: fnn, test accuracy 0.")
    assert float(numbers.rpartition(", p = ")[2]) < 0.001  # of two rows there is one p
    assert sentence.startswith("'cnn' is better than 'fnn': by ")
    assert sentence.endswith("counting both the 3 seeds and the 500 test images.")
    assert compare_sides(load_results(), "fnn", "cnn")[-1] == sentence


def test_two_runs_are_compared(rows):
    first, _, _, sentence, picked = compare_sides(load_results(), "00aaaa", "fnn seed=2")
    assert picked.endswith("it is too small if the pair was picked from these 6 runs")
    assert first.startswith("a: cnn seed=0, ")
    assert first.endswith(", 1 seed")
    assert sentence.startswith("'cnn seed=0' is better than 'fnn seed=2'")
    assert "only of these two trained networks" in sentence


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        ("cnn", None, "a question has two sides, received only a: type b=ROW too"),
        (None, "cnn", "a question has two sides, received only b: type a=ROW too"),
        ("cnn", "three", "b=three names no row"),
        ("1", "cnn", "a and b are both 'cnn'"),
        ("cnn", "cnn seed=1", "run 01aaaa is on both sides"),
    ],
)
def test_what_cannot_be_asked(rows, a, b, told):
    with pytest.raises(EyechartError, match=told):
        compare_sides(load_results(), a, b)


def test_without_predictions_there_is_no_answer(rows):
    (paths.runs() / "12aaaa" / "artifacts" / "predictions.parquet").unlink()
    with pytest.raises(EyechartError, match=r"run 12aaaa has lost its predictions\.parquet"):
        compare_sides(load_results(), "cnn", "fnn")
    assert len(compare_sides(load_results(), "cnn", "fnn seed=0")) == 5


def test_other_test_images_are_refused(rows, write_run):
    write_run("bbbbbb", model="three", correct=np.ones(500), images=np.arange(500) + 1)
    with pytest.raises(EyechartError, match="'cnn' and 'three' were not tested on the same images"):
        compare_sides(load_results(), "cnn", "three")
    write_run("cccccc", model="four", correct=np.ones(500), digest="e", dataset="mnist")
    with pytest.raises(EyechartError, match="a is 'cnn' on digits, b is 'four' on mnist"):
        compare_sides(load_results(), "cnn", "four")
    write_run("dddddd", model="five", correct=np.ones(500), limit=[10, 5])
    with pytest.raises(EyechartError, match=r"b is 'five' on digits, limit=\[10, 5\], limit_order=first: the first 5 "):
        compare_sides(load_results(), "cnn", "five")


def unequal_rows(write_run, *models: str):
    """Rows of three seeds that are alike on the common class of 900 images; of 100 rare ones each knows its share."""
    labels = np.repeat([0, 1], [900, 100])
    rng = np.random.default_rng(1)
    for number, model in enumerate(models):
        for seed in range(3):
            correct = rng.random(1000) < np.where(labels == 0, 0.97, (0.8, 0.4, 0.79)[number])
            write_run(f"{number}{seed}", model=model, seed=seed, validation=0.9, correct=correct, labels=labels)


def test_where_classes_are_unequal_balanced_accuracy_and_macro_f1_are_compared_too(write_run):
    unequal_rows(write_run, "cnn", "fnn")
    first, second, *_, balanced, f1 = compare_sides(load_results(), "cnn", "fnn")
    for line in (first, second):
        assert re.search(r"balanced accuracy 0\.\d{4} \(0\.\d{4}-0\.\d{4}\), macro F1 0\.\d{4} \(0\.", line)
    assert balanced.startswith("By balanced accuracy, in which every class counts the same, 'cnn' is better: ")
    found = re.search(r"'cnn' minus 'fnn' is \+(\d+\.\d+)", balanced)
    assert found is not None
    assert 15 < float(found[1]) < 25
    assert re.search(r" percentage points, 95% interval \+\d+\.\d+ to \+\d+\.\d+, p [<=] 0\.00\d+\.$", balanced)
    assert f1.startswith("By macro F1 'cnn' is better: 'cnn' minus 'fnn' is +")
    assert " 'cnn' is better: 'fnn' minus 'cnn' is -" in compare_sides(load_results(), "fnn", "cnn")[-1]


def test_the_other_pairs_of_a_board_are_counted(write_run):
    unequal_rows(write_run, "cnn", "fnn", "lenet")
    lines = compare_sides(load_results(), "cnn", "lenet")[-2:]
    for line in lines:
        assert " it cannot be told which is better: 'cnn' minus 'lenet' is " in line
        assert re.search(r"p = [\d.]+ by itself, p = [\d.]+ among the board's 3 pairs \(Bonferroni\)\.$", line)
    assert " 'cnn' is better: " in compare_sides(load_results(), "cnn", "fnn")[-2]


def test_what_only_looks_better_is_said_to():
    board = Scored((np.random.default_rng(seed).random((3, 60)) < 0.7 for seed in range(4)), np.arange(60) % 2)
    found = board.difference(0, 1)
    assert len(board) == 4
    looks = "By macro F1 'A' looks better, but picked from so many pairs it may be luck: 'A' minus"
    for p_value, told in ((0.02, looks), (0.001, "By macro F1 'A' is better: 'A' minus ")):
        board.difference = lambda *_, p=p_value: replace(found, p_value=p, mean=0.1)
        line = unequal.difference(("A", "B"), "macro_f1", board, 0, 1)
        assert line.startswith(told)
        assert f"p = {6 * p_value:.2g} among the board's 6 pairs" in line


def test_where_classes_are_alike_accuracy_says_enough(rows):
    first, _, *rest = compare_sides(load_results(), "cnn", "fnn")
    assert "balanced accuracy 0." in first
    assert not any("balanced" in line for line in rest)
