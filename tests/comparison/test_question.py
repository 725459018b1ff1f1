"""Is A better than B? In words."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.comparison import load_results
from eyechart.comparison.question import compare_sides
from eyechart.comparison.verdicts import answer
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.evaluation.multiple import Comparisons
from eyechart.evaluation.rows import Rows
from eyechart.evaluation.significance import difference


def test_where_interval_and_exact_test_disagree_it_says_which_to_go_by():
    correct = np.ones((2, 1, 360), dtype=bool)
    correct[1, 0, :5] = False  # five images tell them apart: p = 2/32
    told = "go by the p-value, which is exact; the interval is not."
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
    first, _, _, sentence = compare_sides(load_results(), "00aaaa", "fnn seed=2")
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
    assert len(compare_sides(load_results(), "cnn", "fnn seed=0")) == 4


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
