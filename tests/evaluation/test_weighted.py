"""Values per image whose mean is a score: the mean is held to scikit-learn, the variance to a bootstrap over images."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from eyechart.evaluation import weighted
from eyechart.evaluation.scores import ClassCounts

SCORES = {"balanced_accuracy": weighted.balanced_accuracy, "macro_f1": weighted.macro_f1}
few = settings(deadline=None, max_examples=40)
Labels = NDArray[np.int64]


@st.composite
def answers(draw: st.DrawFn) -> tuple[Labels, NDArray[np.uint8], int]:
    """Few images, where classes without images, with one, and without predictions are common."""
    images, seeds, classes = draw(st.integers(1, 30)), draw(st.integers(1, 3)), draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(0, draw(st.integers(1, classes)), images)
    other = rng.integers(0, draw(st.integers(1, classes)), (seeds, images))
    return labels, np.where(rng.random((seeds, images)) < 0.7, labels, other).astype(np.uint8), classes


def network(labels: Labels, recall: float, classes: int, seed: int) -> Labels:
    """Answers that are right by chance, and otherwise of some class, the first ones more often."""
    rng = np.random.default_rng(seed)
    wrong = (rng.random(len(labels)) ** 2 * classes).astype(int)
    return np.where(rng.random(len(labels)) < recall, labels, wrong)


def bootstrap(labels: Labels, rows: list[Labels], classes: int, score: str, draws: int = 1500) -> NDArray[np.float64]:
    """The score of each row (draws, rows) on images drawn anew within each class."""
    rng = np.random.default_rng(0)
    order = np.argsort(labels, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(labels))[:-1])
    found = []
    for _ in range(draws):
        drawn = np.concatenate([rng.choice(part, len(part)) for part in parts if len(part)])
        found.append([getattr(ClassCounts.of(labels[drawn], row[drawn], classes), score) for row in rows])
    return np.array(found)


@given(answers())
@few
@pytest.mark.filterwarnings("ignore:y_pred contains classes", "ignore:A single label was found")
def test_the_mean_is_the_score(made: tuple[Labels, NDArray[np.uint8], int]):
    labels, predictions, classes = made
    balanced, f1 = (score(labels, predictions, classes) for score in SCORES.values())
    assert balanced.shape == f1.shape == predictions.shape
    assert balanced.dtype == f1.dtype == np.float64
    for seed, row in enumerate(predictions):
        counts = ClassCounts.of(labels, row, classes)
        assert balanced[seed].mean() == pytest.approx(counts.balanced_accuracy, abs=1e-12)
        assert balanced[seed].mean() == pytest.approx(sklearn.metrics.balanced_accuracy_score(labels, row))
        assert f1[seed].mean() == pytest.approx(counts.macro_f1, abs=1e-12)
        assert f1[seed].mean() == pytest.approx(sklearn.metrics.f1_score(labels, row, average="macro", zero_division=0))
        for values in (balanced[seed], f1[seed]):  # so that a class has no variance but its own
            for each in np.unique(labels):
                assert values[labels == each].mean() == pytest.approx(values.mean())


def test_where_classes_are_equal_the_values_are_those_of_accuracy():
    labels = np.repeat([0, 1], 50)
    right = np.arange(100) % 5 > 0
    values = weighted.balanced_accuracy(labels, np.where(right, labels, 1 - labels)[None], 2)
    np.testing.assert_allclose(values[0], right, atol=1e-12)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("sizes", [(300, 300), (400, 60), (20, 200, 60, 120)])
def test_the_variance_is_that_of_a_bootstrap_over_images(score: str, sizes: tuple[int, ...]):
    labels, classes = np.repeat(np.arange(len(sizes)), sizes), len(sizes)
    rows = [network(labels, recall, classes, seed) for seed, recall in enumerate((0.9, 0.8))]
    values = SCORES[score](labels, np.stack(rows), classes)
    drawn = bootstrap(labels, rows, classes, score)
    for one, expected in zip([*values, values[0] - values[1]], [*drawn.T, drawn[:, 0] - drawn[:, 1]], strict=True):
        by_class = sum((n / len(labels)) ** 2 * one[labels == c].var() / n for c, n in enumerate(sizes))
        assert by_class**0.5 == pytest.approx(expected.std(), rel=0.1)
        found, _ = weighted.variance(one, labels, 0.0)
        assert found == pytest.approx(by_class, rel=0.06)


@pytest.mark.parametrize(
    ("sizes", "recalls"),
    [
        ((300, 300), (0.95, 0.9)),
        ((950, 50), (0.99, 0.6)),
        ((995, 5), (0.99, 0.9)),
        ((36,) * 10, (0.99,) * 10),
        ((500, 100, 20, 5, 2, 1), (0.99, 0.95, 0.9, 0.8, 0.6, 0.5)),
        ((1,) * 20, (0.8,) * 20),
        ((5000, 1), (0.99, 0.7)),
    ],
)
def test_an_interval_of_the_balanced_accuracy_misses_the_truth_seldom(
    sizes: tuple[int, ...], recalls: tuple[float, ...]
):
    labels, truth = np.repeat(np.arange(len(sizes)), sizes), np.mean(recalls)
    rng, missed = np.random.default_rng(0), 0
    for _ in range(300):
        right = rng.random(len(labels)) < np.repeat(recalls, sizes)
        answers = np.where(right, labels, (labels + 1) % len(sizes))[None]
        (values,) = weighted.balanced_accuracy(labels, answers, len(sizes))
        found, freedom = weighted.variance(values, labels, 0.5)
        missed += abs(values.mean() - truth) > stats.t.ppf(0.975, freedom) * found**0.5
    assert stats.binom.sf(missed - 1, 300, 0.06) > 0.001


def test_a_class_with_one_image_counts_as_right_half_the_time():
    labels = np.append(np.zeros(100_000, int), 1)
    right = weighted.balanced_accuracy(labels, labels[None], 2)
    found, freedom = weighted.variance(right[0], labels, 0.5)
    assert found == pytest.approx(0.25 / 2**2, rel=1e-3)
    assert freedom == pytest.approx(2, rel=1e-3)


def test_a_class_that_is_never_predicted_and_one_without_images():
    labels = np.array([0] * 10 + [1] * 3)
    zeros = np.zeros((1, 13), np.uint8)
    values = weighted.macro_f1(labels, zeros, 4)
    assert values.mean() == pytest.approx((20 / 23 + 0) / 2)
    assert weighted.balanced_accuracy(labels, zeros, 4).mean() == pytest.approx(0.5)
    assert np.isfinite(weighted.variance(values[0], labels, 0.5)).all()


@pytest.mark.parametrize("rows", [np.zeros((0, 3), int), np.zeros((2, 2), int), np.zeros(3, int)])
def test_what_cannot_be_scored(rows: NDArray[np.int64]):
    for score in SCORES.values():
        with pytest.raises(ValueError, match=r"Expected labels \(N,\) and \(seeds, N\), not empty"):
            score(np.zeros(3, int), rows, 2)
