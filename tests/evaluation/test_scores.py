import math

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from eyechart.evaluation import predictions, scores
from eyechart.evaluation.significance import estimate

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
    assert list(result.columns) == [
        *("precision", "recall", "f1", "support"),
        *("precision_low", "precision_high", "recall_low", "recall_high"),
    ]
    assert result["support"].dtype == np.int64
    expected = sklearn.metrics.precision_recall_fscore_support(
        table["label"], table["prediction"], labels=range(len(counts)), zero_division=0
    )
    for column, values in zip(result.columns, expected, strict=False):
        np.testing.assert_allclose(result[column], values, err_msg=column)


@given(tables())
@few
def test_recall_and_precision_of_a_class_have_wilsons_intervals(table: pd.DataFrame):
    counts = scores.confusion_matrix(table)
    result = scores.per_class(counts, names_of(table))
    for score, of in (("precision", counts.sum(axis=0)), ("recall", counts.sum(axis=1))):
        low, high = proportion_confint(np.diag(counts), np.maximum(of, 1), 0.05, method="wilson")
        for name, expected in (("low", low), ("high", high)):
            np.testing.assert_allclose(result[f"{score}_{name}"], np.where(of > 0, expected, np.nan), atol=1e-12)


@given(tables())
@few
def test_classification_report_agrees_with_scikit_learn(table: pd.DataFrame):
    names, accuracy = names_of(table), scores.accuracy(table)
    by_class, counts = scores.per_class(scores.confusion_matrix(table), names), scores.class_counts(table)
    report = scores.classification_report(by_class, accuracy, counts)
    expected = sklearn.metrics.classification_report(
        table["label"],
        table["prediction"],
        labels=range(len(names)),
        target_names=names,
        zero_division=0,
        output_dict=True,
    )
    lines = {line[:15].strip(): line[15:].split() for line in report.splitlines()}
    renamed = {"mean by support": "weighted avg"}
    there = counts.support + counts.predicted > 0
    for name, known in [*zip(names, there, strict=True), ("mean by support", True)]:
        *shares, support = lines[name][:4]
        row = expected[renamed.get(name, name)]
        of_class = [known, row["support"] > 0 or name in renamed, known]
        assert [share != "-" for share in shares] == of_class
        np.testing.assert_allclose(
            [float(share) for share in shares if share != "-"],
            [row[column] for column, given in zip(COLUMNS, of_class, strict=True) if given],
            atol=6e-5,
        )
        assert int(support) == row["support"]
    balanced, f1 = counts.balanced_accuracy, counts.macro_f1
    assert lines["mean of classes"][1:4] == [f"{balanced:.4f}", f"{f1:.4f}", str(len(table))]
    for column, mean in enumerate(lines["mean of classes"][:3]):  # of what the lines of the classes say
        shown = [float(lines[name][column]) for name in names if lines[name][column] != "-"]
        assert float(mean) == pytest.approx(np.mean(shown), abs=1.1e-4)
    assert (
        f"accuracy {accuracy:.4f}, balanced accuracy {balanced:.4f}, macro F1 {f1:.4f}, on {len(table)} images\n"
        in report
    )


def test_a_classification_report():
    labels = np.repeat([0, 1], [95, 5])
    counts = scores.ClassCounts.of(labels, np.zeros(100, int), 3)
    matrix = np.array([[95, 0, 0], [5, 0, 0], [0, 0, 0]])
    report = scores.classification_report(scores.per_class(matrix, ["common", "rare", "absent"]), 0.95, counts)
    assert report.splitlines() == [
        "                precision  recall      f1  support  95% precision     95% recall",
        "common             0.9500  1.0000  0.9744       95  0.8882-0.9785  0.9611-1.0000",
        "rare               0.0000  0.0000  0.0000        5              -  0.0000-0.4345",
        "absent                  -       -       -        0              -              -",
        "mean of classes    0.4750  0.5000  0.4872      100              -              -",
        "mean by support    0.9025  0.9500  0.9256      100              -              -",
        "",
        "accuracy 0.9500, balanced accuracy 0.5000, macro F1 0.4872, on 100 images",
        scores.INTERVALS,
    ]


def test_classification_report_without_images():
    none = np.zeros(0, np.int64)
    by_class = scores.per_class(np.zeros((2, 2), np.int64), ["a", "b"])
    report = scores.classification_report(by_class, 0.0, scores.ClassCounts.of(none, none, 2))
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


@given(tables())
@few
@pytest.mark.filterwarnings("ignore:y_pred contains classes", "ignore:A single label was found")
def test_scores_for_unequal_classes_agree_with_scikit_learn(table: pd.DataFrame):
    counts = scores.class_counts(table)
    truth, answers = table["label"], table["prediction"]
    assert counts.balanced_accuracy == pytest.approx(sklearn.metrics.balanced_accuracy_score(truth, answers))
    expected = sklearn.metrics.f1_score(truth, answers, average="macro", zero_division=0)
    assert counts.macro_f1 == pytest.approx(expected)
    twice = counts + counts
    assert twice.macro_f1 == pytest.approx(expected)
    assert twice.never_predicted == sorted(set(truth) - set(answers))


def test_an_empty_class_counts_in_no_mean():
    """Of three classes of which the first has no image, as where labels begin at 1."""
    counts = scores.ClassCounts.of(np.array([1, 1, 2, 2]), np.array([1, 1, 2, 1]), 3)
    assert counts.balanced_accuracy == pytest.approx(0.75)
    assert counts.macro_f1 == pytest.approx((2 * 2 / 5 + 2 * 1 / 3) / 2)
    assert counts.never_predicted == []


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@few
def test_the_interval_is_that_of_boards(pair: tuple[int, int]):
    right, images = pair
    expected = estimate((np.arange(images) < right)[None])
    low, high = scores.interval(right, images)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_warnings_of_a_network_that_knows_one_class():
    labels = np.repeat([0, 1], [95, 5])
    low, never = scores.warnings(scores.ClassCounts.of(labels, np.zeros(100, int), 2), ["common", "rare"])
    assert low == (
        "test accuracy 0.9500 (95% interval 0.8882-0.9785) is not above 0.9500 by more than its interval, "
        "which always answering 'common' reaches"
    )
    assert never == "never predicted: 'rare'"
    assert scores.warnings(scores.ClassCounts.of(labels, labels, 2), ["common", "rare"]) == []


def test_many_classes_that_are_never_predicted():
    (_, line) = scores.warnings(scores.ClassCounts.of(np.arange(9), np.zeros(9, int), 9), [str(n) for n in range(9)])
    assert line == "never predicted: '1', '2', '3', '4', '5' and 3 more"
