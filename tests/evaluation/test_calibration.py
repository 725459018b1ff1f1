"""Reliability and the expected calibration error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from eyechart.evaluation.calibration import calibration, expected_calibration_error, reliability

answers = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def arrays(pairs):
    return np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs], dtype=bool)


@given(answers, st.integers(1, 20))
def test_as_it_is_defined(pairs, bins):
    confidence, correct = arrays(pairs)
    found = reliability(confidence, correct, bins)
    error = 0.0
    for number in range(bins):
        # ceil: a bin is above its lower edge, up to its upper one, and 0 is in the first
        inside = [i for i, c in enumerate(confidence) if max(math.ceil(c * bins) - 1, 0) == number]
        assert found.images[number] == len(inside)
        if inside:
            mean, right = np.mean(confidence[inside]), np.mean(correct[inside])
            assert found.confidence[number] == pytest.approx(mean)
            assert found.accuracy[number] == pytest.approx(right)
            error += len(inside) / len(pairs) * abs(right - mean)
        else:
            assert math.isnan(found.confidence[number])
    assert found.images.sum() == len(pairs)
    assert expected_calibration_error(found) == pytest.approx(error)
    assert 0 <= expected_calibration_error(found) <= 1


@given(answers)
def test_one_bin_compares_the_means(pairs):
    confidence, correct = arrays(pairs)
    expected = abs(correct.mean() - confidence.mean())
    assert expected_calibration_error(reliability(confidence, correct, 1)) == pytest.approx(expected)


def test_a_network_that_knows_and_one_that_is_too_sure():
    correct = np.arange(100) < 80
    assert expected_calibration_error(reliability(np.full(100, 0.8), correct)) == pytest.approx(0)
    assert expected_calibration_error(reliability(np.ones(100, dtype=np.float32), correct)) == pytest.approx(0.2)


def test_a_probability_that_rounding_made_more_than_one_is_in_the_last_bin():
    found = reliability(np.array([1 + 1e-6]), np.array([True]))
    assert found.images[-1] == 1


def test_without_images():
    assert math.isnan(expected_calibration_error(reliability(np.zeros(0), np.zeros(0, dtype=bool))))


def test_one_answer_per_confidence():
    with pytest.raises(ValueError, match=r"Received: \(2,\), \(3,\)"):
        reliability(np.zeros(2), np.zeros(3, dtype=bool))


# --- beside what chance gives

Answers = tuple[NDArray[np.float32], NDArray[np.bool_]]
MIXED = "too sure on some answers, not sure enough on others"


def networks(rng: np.random.Generator, seeds: int, images: int = 360, sharper: float = 1.0) -> Answers:
    """Confidences and right answers of seeds that find about the same images hard; calibrated unless made sharper."""
    logits = rng.normal(2.5, 1.5, images) + rng.normal(0, 0.5, (seeds, images))
    chance = np.where(rng.random((seeds, images)) < 0.6, rng.random(images), rng.random((seeds, images)))
    correct = chance < 1 / (1 + np.exp(-logits))
    return (1 / (1 + np.exp(-sharper * logits))).astype(np.float32), correct


def share(wanted: str, *given, repetitions: int = 300) -> float:
    rng = np.random.default_rng(12)
    found = [calibration(*networks(rng, *given)).in_words == wanted for _ in range(repetitions)]
    print(f"{wanted} of {given}: {np.mean(found):.3f}")
    return float(np.mean(found))


@pytest.mark.parametrize(("seeds", "repetitions"), [(1, 300), (3, 100)])
def test_calibrated_networks_are_called_about_right(seeds: int, repetitions: int):
    least = stats.binom.ppf(0.01, repetitions, 0.95) / repetitions
    assert share("about right", seeds, repetitions=repetitions) >= least


def test_networks_that_are_too_sure_or_not_sure_enough_are_found():
    assert share("too sure", 1, 360, 2.0, repetitions=60) > 0.9
    assert share("not sure enough", 3, 360, 0.6, repetitions=60) > 0.9


def test_over_on_one_half_and_under_on_the_other_is_not_about_right():
    confidence = np.repeat([[0.6, 0.9]], 180, axis=1).astype(np.float32)
    correct = np.ones((1, 360), dtype=bool)
    correct[0, :36] = correct[0, 180:234] = False  # right in 80% and in 70%
    assert confidence.mean() == pytest.approx(correct.mean())
    found = calibration(confidence, correct)
    assert (found.too_sure, found.too_unsure, found.in_words) == (True, True, MIXED)
    assert found.error == pytest.approx(0.2)
    assert abs(found.gap) < found.most_gap


def test_the_chance_figures_against_the_binomial_distribution():
    found = calibration(np.full((1, 360), 0.9), np.arange(360)[None] < 324, bins=1)
    rights = np.arange(361)
    expected = np.sum(stats.binom.pmf(rights, 360, 0.9) * abs(rights / 360 - 0.9))
    assert found.error_by_chance == pytest.approx(expected, rel=0.1)
    assert found.most_gap == found.most_error == pytest.approx(2.24 * (0.9 * 0.1 / 360) ** 0.5, rel=0.15)
    assert (found.error, found.in_words) == (pytest.approx(0, abs=1e-6), "about right")


@given(answers, st.integers(1, 3))
@settings(deadline=None, max_examples=20)
def test_error_and_gap_are_the_means_of_single_networks(pairs, seeds):
    confidence, correct = (np.stack([np.roll(one, seed) for seed in range(seeds)]) for one in arrays(pairs))
    correct[-1] = ~correct[-1]
    found = calibration(confidence, correct)
    errors = [expected_calibration_error(reliability(*each)) for each in zip(confidence, correct, strict=True)]
    assert found.error == pytest.approx(np.mean(errors), abs=1e-5)
    assert found.gap == pytest.approx(confidence.mean() - correct.mean(), abs=1e-5)
    assert found == calibration(confidence, correct)


def test_who_makes_no_mistake_and_says_so_is_about_right():
    found = calibration(np.full((2, 360), 0.99995, dtype=np.float32), np.ones((2, 360), dtype=bool))
    assert found.in_words == "about right"
    assert calibration(np.full((1, 360), 0.9), np.ones((1, 360), dtype=bool)).in_words == "not sure enough"


@pytest.mark.parametrize("shape", [(3,), (0, 3), (2, 0)])
def test_networks_by_images(shape):
    with pytest.raises(ValueError, match=r"Expected confidence and correct \(networks, images\). Received: "):
        calibration(np.zeros(shape), np.zeros(shape, dtype=bool))
