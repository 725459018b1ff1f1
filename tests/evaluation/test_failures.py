"""Seeds whose training failed."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from eyechart.evaluation.failures import all_above_chance, most_failures, near_chance
from eyechart.evaluation.scores import ClassCounts


def seeds(*accuracies: float, images: int = 360, classes: int = 10, labels=None) -> list[ClassCounts]:
    """Seeds of these test accuracies."""
    labels = np.arange(images) % classes if labels is None else labels
    right = [np.arange(len(labels)) < round(accuracy * len(labels)) for accuracy in accuracies]
    return [ClassCounts.of(labels, np.where(each, labels, (labels + 1) % classes), classes) for each in right]


@pytest.mark.parametrize(
    ("accuracies", "classes", "failed"),
    [
        ((0.9, 0.91, 0.1), 10, [2]),
        ((0.12, 0.9, 0.08, 0.85), 10, [0, 2]),
        ((0.9, 0.91, 0.3), 10, []),  # bad, and not by chance
        ((0.1, 0.09, 0.11), 10, []),  # none does better: no failure among others
        ((0.1,), 10, []),
        ((0.97, 0.5), 2, [1]),
        ((0.56, 0.54, 0.57), 2, []),  # one of them not above chance, by chance
    ],
)
def test_a_seed_near_chance_among_others(accuracies, classes, failed):
    assert near_chance(seeds(*accuracies, classes=classes)) == failed


def test_of_unequal_classes_the_largest_is_chance():
    labels = np.repeat([0, 1], [320, 40])
    assert near_chance(seeds(0.99, 0.89, 0.98, labels=labels, classes=2)) == [1]
    assert not all_above_chance(seeds(0.99, 0.89, labels=labels, classes=2))
    assert all_above_chance(seeds(0.99, 0.98, labels=labels, classes=2))


@pytest.mark.parametrize("accuracy", [0.5, 0.52, 0.55, 0.6])
@pytest.mark.parametrize("number", [3, 10])
def test_equal_seeds_are_hardly_ever_a_failure(accuracy, number):
    """Also where the accuracy is next to that of the largest class."""
    found = np.random.default_rng(0).binomial(1000, accuracy, (500, number)) / 1000
    labels = np.repeat([0, 1], [500, 500])
    assert sum(bool(near_chance(seeds(*row, labels=labels, classes=2))) for row in found) <= 15


@pytest.mark.parametrize("number", [1, 2, 3, 5, 20])
def test_how_often_trainings_may_fail_though_none_did(number):
    _, limit = proportion_confint(0, number, alpha=0.1, method="beta")  # one side of it at 5%
    assert most_failures(number) == pytest.approx(limit)
    assert number != 5 or f"{most_failures(number):.0%}" == "45%"
