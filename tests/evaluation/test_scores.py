import math

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from eyechart.evaluation import predictions, scores

COLUMNS = ["precision", "recall", "f1-score"]
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
def test_per_class_agrees_with_scikit_learn(table: pd.DataFrame):
    counts = scores.confusion_matrix(table)
    result = scores.per_class(counts, names_of(table))
    assert list(result.index) == names_of(table)
    assert list(result.columns) == ["precision", "recall", "f1", "support"]
    assert result["support"].dtype == np.int64
    expected = sklearn.metrics.precision_recall_fscore_support(
        table["label"], table["prediction"], labels=range(len(counts)), zero_division=0
    )
    for column, values in zip(result.columns, expected, strict=True):
        np.testing.assert_allclose(result[column], values, err_msg=column)


@given(tables())
@few
def test_classification_report_agrees_with_scikit_learn(table: pd.DataFrame):
    names, accuracy = names_of(table), scores.accuracy(table)
    report = scores.classification_report(scores.per_class(scores.confusion_matrix(table), names), accuracy)
    expected = sklearn.metrics.classification_report(
        table["label"],
        table["prediction"],
        labels=range(len(names)),
        target_names=names,
        zero_division=0,
        output_dict=True,
    )
    lines = {line[:15].strip(): line[15:].split() for line in report.splitlines()}
    renamed = {"mean of classes": "macro avg", "mean by support": "weighted avg"}
    for name in [*names, *renamed]:
        *shares, support = lines[name]
        row = expected[renamed.get(name, name)]
        np.testing.assert_allclose([float(share) for share in shares], [row[c] for c in COLUMNS], atol=6e-5)
        assert int(support) == row["support"]
    assert report.endswith(f"accuracy {accuracy:.4f} on {len(table)} images\n")


def test_classification_report_without_images():
    report = scores.classification_report(scores.per_class(np.zeros((2, 2), np.int64), ["a", "b"]), 0.0)
    assert "nan" not in report.lower()


@given(tables(min_rows=0))
@few
def test_cross_entropy_needs_no_table(table: pd.DataFrame):
    without = scores.cross_entropy(table["label"].to_numpy(), predictions.probabilities(table))
    np.testing.assert_equal(without, scores.loss(table))


def test_one_name_for_each_class():
    with pytest.raises(ValueError, match=r"Expected 3 class names. Received: 2"):
        scores.per_class(np.eye(3, dtype=np.int64), ["a", "b"])


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
