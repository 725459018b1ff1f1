"""Reliability and the expected calibration error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyechart.evaluation.calibration import expected_calibration_error, reliability

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
