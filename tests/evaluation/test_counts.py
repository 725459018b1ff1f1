"""Error bars of counts, such as false alarms per canvas, held to what they promise on simulated rows of equal truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy import stats

from eyechart.evaluation.rows import Rows
from eyechart.evaluation.significance import Difference, Estimate, mean_difference, mean_estimates

COUNTS = arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(2, 20)), elements=st.integers(0, 50))


def estimate_mean(counts: np.ndarray) -> Estimate:
    return mean_estimates(Rows.of([counts]))[0]


def difference_of_means(a: np.ndarray, b: np.ndarray) -> Difference:
    return mean_difference(Rows.of([a, b]), 0, 1)


def rows(rate: float, seeds: int, canvases: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Two rows that expect the same number: canvases are hard for both, seeds are good or bad."""
    hard = rng.gamma(2, 0.5, canvases)
    return [
        rng.poisson(rate * hard * rng.gamma(20, 1 / 20, (seeds, 1)) * rng.gamma(5, 0.2, (seeds, canvases)))
        for _ in "ab"
    ]


@pytest.mark.parametrize("seeds", [1, 2, 5])
@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 5])
def test_false_alarms_about_false_alarms_are_rare(rate, seeds):
    rng = np.random.default_rng(2026)
    repetitions = 800
    wrong = missed = 0
    for _ in range(repetitions):
        pair = rows(rate, seeds, 20, rng)
        if seeds == 1:  # then it speaks of these two networks only, whose truth is not drawn here
            pair = [rng.poisson(rate, (1, 20)) for _ in "ab"]
        wrong += difference_of_means(*pair).p_value < 0.05
        interval = estimate_mean(pair[0])
        missed += not interval.low <= rate <= interval.high
    print(f"rate {rate}, {seeds} seeds: {wrong / repetitions:.3f} false, {missed / repetitions:.3f} missed")
    assert wrong <= stats.binom.ppf(0.999, repetitions, 0.05)
    assert missed <= stats.binom.ppf(0.999, repetitions, 0.07 if seeds > 1 else 0.1)  # counts are skewed


@pytest.mark.parametrize(("seeds", "canvases"), [(2, 4), (2, 20), (3, 4)])
def test_few_seeds_that_agree_by_chance_do_not_make_it_boundless(seeds, canvases):
    rng = np.random.default_rng(3)
    boards = [rows(2, seeds, canvases, rng) + rows(2, seeds, canvases, rng) for _ in range(250)]
    widths = [found.high - 2 for board in boards for found in mean_estimates(Rows.of(board))]
    assert np.median(widths) < 4
    assert max(widths) < 100  # Student's t with one degree of freedom is 12.7


def test_a_difference_is_found():
    rng = np.random.default_rng(1)
    found = difference_of_means(rng.poisson(2.0, (5, 20)), rng.poisson(0.5, (5, 20)))
    assert found.p_value < 0.001
    assert found.low > 0.5
    assert found.over_seeds


@given(COUNTS)
def test_one_seed_is_the_interval_of_students_t(counts):
    found, canvases = estimate_mean(counts[:1]), counts[0]
    # one canvas more, with one more or one less than the mean
    error = np.sqrt((canvases.var() * len(canvases) + 1) / len(canvases) / (len(canvases) + 1))
    expected = stats.t.interval(0.95, len(canvases), canvases.mean(), error)
    assert_allclose([found.low, found.high], expected, rtol=1e-9, atol=1e-9)


def test_nothing_on_any_canvas_does_not_mean_nothing_ever():
    for seeds in (1, 5):
        nothing = np.zeros((seeds, 20), int)
        assert 0.05 < estimate_mean(nothing).high < 0.2
        assert difference_of_means(nothing, nothing).p_value == 1
    assert difference_of_means(np.array([[1, 2]]), np.array([[0, 1]])).p_value > 0.05


@given(COUNTS, st.integers(0, 9))
def test_the_two_sides_are_alike_and_a_constant_changes_nothing(counts, more):
    there, back = difference_of_means(counts, counts[::-1] + more), difference_of_means(counts[::-1] + more, counts)
    assert_allclose([there.mean, there.low, there.high], [-back.mean, -back.high, -back.low], atol=1e-9)
    assert_allclose(there.mean, -more, atol=1e-9)
    assert there.p_value == back.p_value
    assert (there.p_value < 0.05) == (not there.low <= 0 <= there.high)


def test_what_cannot_be_averaged_is_told():
    for counts in (np.zeros((0, 5)), np.zeros((2, 0)), np.zeros(5)):
        with pytest.raises(ValueError, match="not empty"):
            estimate_mean(counts)
    with pytest.raises(ValueError, match="rows of the same images"):
        difference_of_means(np.zeros((2, 5)), np.zeros((2, 6)))
