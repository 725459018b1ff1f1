import math

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from eyechart.evaluation import predictions, scores

few = settings(deadline=None, max_examples=40)


@st.composite
def tables(draw: st.DrawFn, min_rows: int = 1) -> pd.DataFrame:
    """Tables of few rows, where classes without images and without predictions are common."""
    rows, classes = draw(st.integers(min_rows, 30)), draw(st.integers(2, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    probabilities = rng.dirichlet(np.full(classes, 0.3), rows).astype(np.float32)
    labels = rng.integers(0, draw(st.integers(1, classes)), rows)
    return predictions.make_table({"test": (np.arange(rows), labels, probabilities)})


def names_of(table: pd.DataFrame) -> list[str]:
    return [f"class {i}" for i in range(predictions.class_count(table))]


@given(tables())
@few
def test_accuracy_is_the_share_on_the_diagonal(table: pd.DataFrame):
    counts = scores.confusion_matrix(table)
    assert counts.dtype == np.int64
    assert counts.sum() == len(table)
    assert scores.accuracy(table) == pytest.approx(np.trace(counts) / len(table))
    assert scores.accuracy(table) == pytest.approx(sklearn.metrics.accuracy_score(table["label"], table["prediction"]))


@given(tables(min_rows=0))
@few
def test_confusion_matrix_counts(table: pd.DataFrame):
    classes = predictions.class_count(table)
    expected = np.zeros((classes, classes), dtype=int)
    for true, predicted in zip(table["label"], table["prediction"], strict=True):
        expected[true, predicted] += 1
    np.testing.assert_array_equal(scores.confusion_matrix(table), expected)


@given(tables())
@few
def test_loss_agrees_with_scikit_learn(table: pd.DataFrame):
    given = predictions.probabilities(table).astype(float)
    given = np.maximum(given, scores.SMALLEST_PROBABILITY)
    expected = -np.log(given[np.arange(len(table)), table["label"]])
    assert scores.loss(table) == pytest.approx(expected.mean())
    one_hot = np.eye(given.shape[1])[table["label"]]
    # scikit-learn scales the rows to the sum 1 first
    loss = sklearn.metrics.log_loss(one_hot, given / given.sum(axis=1, keepdims=True))
    assert scores.loss(table) == pytest.approx(loss, rel=1e-5, abs=1e-5)


def test_loss_of_a_certain_mistake_is_finite_and_of_certain_truth_zero():
    certain = np.array([[1, 0]], dtype=np.float32)
    wrong = predictions.make_table({"test": (np.array([0]), np.array([1]), certain)})
    right = predictions.make_table({"test": (np.array([0]), np.array([0]), certain)})
    assert scores.loss(wrong) == pytest.approx(-math.log(1e-7))
    assert scores.loss(right) == 0


def test_without_rows():
    empty = predictions.make_table({"test": (np.zeros(0, int), np.zeros(0, int), np.zeros((0, 3), np.float32))})
    assert math.isnan(scores.accuracy(empty))
    assert math.isnan(scores.loss(empty))
    assert scores.most_confident_mistakes(empty).empty


@given(tables())
@few
def test_per_class_agrees_with_the_confusion_matrix(table: pd.DataFrame):
    counts = scores.confusion_matrix(table)
    result = scores.per_class(table, names_of(table))
    assert list(result.index) == names_of(table)
    assert list(result.columns) == ["precision", "recall", "f1", "support"]
    assert result["support"].dtype == np.int64
    np.testing.assert_array_equal(result["support"], counts.sum(axis=1))
    right = np.diag(counts)
    np.testing.assert_allclose(result["recall"], right / np.maximum(counts.sum(axis=1), 1))
    np.testing.assert_allclose(result["precision"], right / np.maximum(counts.sum(axis=0), 1))
    both = np.maximum(counts.sum(axis=0) + counts.sum(axis=1), 1)
    np.testing.assert_allclose(result["f1"], 2 * right / both)


@given(tables())
@few
def test_classification_report_has_a_line_for_every_class(table: pd.DataFrame):
    report = scores.classification_report(table, names_of(table))
    assert all(f"{name} " in report for name in [*names_of(table), "accuracy", "macro avg"])


@pytest.mark.parametrize("function", [scores.per_class, scores.classification_report])
def test_one_name_for_each_class(function):
    table = predictions.make_table({"test": (np.arange(1), np.zeros(1, int), np.ones((1, 3), np.float32))})
    with pytest.raises(ValueError, match=r"Expected 3 class names. Received: 2"):
        function(table, ["a", "b"])


@given(tables(), st.integers(0, 12))
@few
def test_most_confused_pairs(table: pd.DataFrame, limit: int):
    counts = scores.confusion_matrix(table)
    pairs = scores.most_confused_pairs(counts, limit)
    mistakes = {(t, p): n for (t, p), n in np.ndenumerate(counts) if n and t != p}
    assert len(pairs) == min(limit, len(mistakes))
    assert all(mistakes[true, predicted] == count for true, predicted, count in pairs)
    assert [count for *_, count in pairs] == sorted(mistakes.values(), reverse=True)[:limit]


def test_most_confused_pairs_leave_the_counts_alone_and_break_ties_by_class():
    counts = np.array([[9, 2, 0], [2, 9, 5], [0, 2, 9]])
    assert scores.most_confused_pairs(counts) == [(1, 2, 5), (0, 1, 2), (1, 0, 2), (2, 1, 2)]
    assert counts[0, 0] == 9


@given(tables(), st.integers(0, 40))
@few
def test_most_confident_mistakes(table: pd.DataFrame, count: int):
    rows = scores.most_confident_mistakes(table, count)
    wrong = table[table["label"] != table["prediction"]]
    assert len(rows) == min(count, len(wrong))
    assert (rows["label"] != rows["prediction"]).all()
    assert rows["confidence"].is_monotonic_decreasing
    highest = np.sort(predictions.probabilities(wrong).max(axis=1))[::-1][:count]
    np.testing.assert_array_equal(rows["confidence"], highest)
