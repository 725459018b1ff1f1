"""What a p-value is worth after several looks: against published numbers, and against simulated seeds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyechart.evaluation.looks import error_of_looking

ARMITAGE = {1: 0.05, 2: 0.083, 3: 0.107, 4: 0.126, 5: 0.142, 10: 0.193}  # et al. 1969, table 2: evenly spaced looks


@pytest.mark.parametrize(("looks", "error"), ARMITAGE.items())
def test_evenly_spaced_looks_have_the_published_error(looks, error):
    assert error_of_looking(range(3, 3 * looks + 3, 3)) == pytest.approx(error, abs=0.0006)


def test_three_to_twenty_seeds():
    found = [error_of_looking([3, 5, 10, 20][:looks]) for looks in range(1, 5)]
    assert found[0] == pytest.approx(0.05)
    assert 0.07 < found[1] < found[2] < found[3] < 0.14
    assert 0.07 < error_of_looking([3, 4]) < 0.08


def test_simulated_seeds_come_to_the_same():
    looks = np.array([2, 3, 7])
    walks = np.cumsum(np.random.default_rng(0).normal(size=(20_000, 7)), axis=1)[:, looks - 1] / looks**0.5
    assert error_of_looking(looks.tolist()) == pytest.approx((abs(walks) > 1.96).any(axis=1).mean(), abs=0.006)


GROWING = st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True).map(sorted)


@settings(deadline=None, max_examples=40)
@given(GROWING, st.sampled_from([0.05, 0.01]))
def test_more_looks_are_never_worth_less(seeds, level):
    error = error_of_looking(seeds, level)
    assert level - 1e-6 <= error <= level * len(seeds) + 1e-6
    assert error >= error_of_looking(seeds[:-1] or seeds, level) - 1e-6


@pytest.mark.parametrize("seeds", [[], [0, 1], [3, 3], [4, 3]])
def test_numbers_that_do_not_grow(seeds):
    with pytest.raises(ValueError, match="Expected growing numbers"):
        error_of_looking(seeds)
