"""By how much the validation score of the best of many equal rows is too good: the formula of docs/sweeps.md."""

import numpy as np
import pytest
from scipy import stats

ROWS, IMAGES, RIGHT, SPREAD = 10, 300, 0.9, 0.01


def scores(seeds: int, boards: int) -> np.ndarray:
    """The mean validation accuracy of equal rows (boards, rows): images have an ease, rows and networks a taste."""
    rng = np.random.default_rng(0)
    level = stats.norm.ppf(RIGHT)
    spread = SPREAD / stats.norm.pdf(level)
    found = []
    for _ in range(boards):
        ease = np.sqrt(0.6) * rng.normal(size=IMAGES) + np.sqrt(0.1) * rng.normal(size=(ROWS, 1, IMAGES))
        network = np.sqrt(0.3) * rng.normal(size=(ROWS, seeds, IMAGES)) + spread * rng.normal(size=(ROWS, seeds, 1))
        found.append((level * np.sqrt(1 + spread**2) + ease + network > 0).mean(axis=(1, 2)))
    return np.array(found)


@pytest.mark.parametrize(("seeds", "points"), [(1, 2.6), (3, 1.6)])
def test_the_best_of_ten_equal_rows_looks_better_than_it_is(seeds, points):
    largest = np.random.default_rng(0).normal(size=(20_000, ROWS)).max(axis=1).mean()
    found = scores(seeds, 1500)
    optimism = 100 * (found.max(axis=1).mean() - RIGHT)
    formula = 100 * largest * (found[:, 0] - found[:, 1]).std() / np.sqrt(2)
    assert optimism == pytest.approx(points, abs=0.1)
    assert formula == pytest.approx(optimism, rel=0.1)
