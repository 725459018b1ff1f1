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
from eyechart.evaluation.significance import estimate
from eyechart.evaluation.weighted import Scored

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
        (found,) = Scored([weighted.balanced_accuracy(labels, answers, len(sizes))], labels).estimates()
        assert 0 <= found.low <= found.mean <= found.high <= 1
        missed += not found.low <= truth <= found.high
    assert stats.binom.sf(missed - 1, 300, 0.06) > 0.001


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("seeds", [1, 3])
def test_equal_rows_are_seldom_told_apart_and_intervals_seldom_miss(score: str, seeds: int):
    """Rows of four classes whose seeds differ by ±2 points; images have an ease, which all networks share."""
    sizes, recalls, count = (700, 200, 70, 30), np.array([0.97, 0.9, 0.8, 0.6]), 250
    labels, rng = np.repeat(np.arange(4), sizes), np.random.default_rng(0)
    level, spread = stats.norm.ppf(recalls)[labels], 0.1 if seeds > 1 else 0.0
    apart, found = 0, []
    for _ in range(count):
        ease, wrong = rng.normal(size=len(labels)), (labels + rng.integers(1, 4, len(labels))) % 4
        noise = rng.normal(size=(2, seeds, len(labels)))
        quality = spread * rng.normal(size=(2, seeds, 1))
        right = level * np.hypot(1, spread) + np.sqrt(0.6) * ease + np.sqrt(0.4) * noise + quality > 0
        rows = Scored((SCORES[score](labels, np.where(row, labels, wrong), 4) for row in right), labels)
        apart += rows.difference(0, 1).p_value < 0.05
        found += rows.estimates()[:1]
    truth = np.mean([each.mean for each in found])
    missed = sum(not each.low <= truth <= each.high for each in found)
    assert stats.binom.sf(apart - 1, count, 0.06) > 0.001
    assert stats.binom.sf(missed - 1, count, 0.06) > 0.001
    assert missed > 0  # or it is far too wide


def test_a_difference_is_found_and_has_two_sides():
    labels = np.repeat([0, 1], [900, 100])
    good, bad = (np.stack([network(labels, recall, 2, seed) for seed in range(3)]) for recall in (0.9, 0.7))
    rows = Scored((weighted.balanced_accuracy(labels, row, 2) for row in (good, bad)), labels)
    found, other = rows.difference(0, 1), rows.difference(1, 0)
    assert found.p_value == pytest.approx(other.p_value)
    assert found.p_value < 0.05
    assert (found.low, found.high) == pytest.approx((-other.high, -other.low))
    assert found.low < found.mean < found.high
    assert found.over_seeds
    assert rows.estimates()[0].mean - rows.estimates()[1].mean == pytest.approx(found.mean)


def test_of_equal_classes_and_one_seed_the_interval_is_nearly_that_of_accuracy():
    labels = np.repeat(np.arange(2), 500)
    answers = network(labels, 0.9, 2, 0)[None]
    (found,) = Scored([weighted.balanced_accuracy(labels, answers, 2)], labels).estimates()
    expected = estimate(answers == labels)
    assert (found.mean, found.low, found.high) == pytest.approx((expected.mean, expected.low, expected.high), abs=5e-4)


def test_images_of_a_group_count_as_one():
    """Of each of 200 pictures there are ten copies."""
    labels = np.repeat([0, 1], [180, 20])
    answers = network(labels, 0.8, 2, 0)[None]
    copies = [np.repeat(each, 10, axis=-1) for each in (labels, answers, np.arange(200))]
    once = weighted.variance(weighted.macro_f1(labels, answers, 2)[0], labels, 0.0)[0]
    values = weighted.macro_f1(copies[0], copies[1], 2)
    assert weighted.variance(values[0], copies[0], 0.0)[0] == pytest.approx(once / 10, rel=0.1)
    variance, freedom = weighted.variance(values[0], copies[0], 0.0, copies[2])
    assert (variance, freedom) == (pytest.approx(once, rel=0.1), 199)
    wide, narrow = (Scored([values], copies[0], groups).estimates()[0] for groups in (copies[2], None))
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


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


def test_one_group_of_images_says_nothing():
    labels = np.repeat([0, 1], [40, 10])
    answers = network(labels, 0.8, 2, 0)[None]
    rows = Scored([weighted.balanced_accuracy(labels, answers, 2)], labels, np.zeros(50, int))
    assert (rows.estimates()[0].low, rows.estimates()[0].high) == (0, 1)
