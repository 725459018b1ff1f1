"""The benchmark of comparisons (benchmarks/comparisons.py) draws what it says, and sums it up as it says."""

import numpy as np
import pytest
from support import importing_benchmarks

with importing_benchmarks():
    from comparison_cache import known
    from comparison_cells import BOARDS, PAIRS, REAL_BOARDS, REAL_PAIRS
    from comparison_draws import Cell, _level, draw, mean_accuracy, statistics
    from comparison_eyechart import eyechart
    from comparisons import limit_of, measure


def test_there_are_as_many_cells_as_agreed_and_each_has_a_name_of_its_own():
    assert len(BOARDS) + len(REAL_BOARDS) <= 60
    assert len(PAIRS) + len(REAL_PAIRS) <= 45
    assert len({cell.name for cell in BOARDS + PAIRS}) == len(BOARDS) + len(PAIRS)


@pytest.mark.parametrize("kind", ["logistic", "heavy tails", "2PL"])
@pytest.mark.parametrize("accuracy", [0.5, 0.99])
def test_the_accuracy_asked_for_is_the_one_drawn(kind: str, accuracy: float):
    images = 500_000
    error = (accuracy * (1 - accuracy) / images) ** 0.5
    assert mean_accuracy(kind, accuracy, images, seed=1) == pytest.approx(accuracy, abs=4 * error + 2e-5)


def test_seeds_that_cannot_be_above_1_are_centred_lower():
    assert _level(0.9, 0.01, "t3") == pytest.approx(0.9, abs=1e-4)
    assert _level(0.999, 0.003, "normal") > 0.9995


def test_boards_have_the_spread_and_the_accuracy_that_their_cell_names():
    cell = Cell("test", rows=4, seeds=(3, 3, 6, 6), images=400, accuracy=(0.9, 0.9, 0.8, 0.8), spread=0.03)
    boards = list(draw(cell, 600, 0))
    means = np.array([board["means"] for board in boards])
    np.testing.assert_allclose(means.mean(0), cell.truth, atol=4 * means.std(0).max() / 600**0.5)
    # of a seed's accuracy over seeds: its own spread and the chance of its answers, which are both in the statistics
    over_seeds = np.mean([board["variances"] - board["residuals"] for board in boards], axis=0)
    np.testing.assert_allclose(over_seeds**0.5, 0.03, rtol=0.1)
    assert {"val_means", "val_scores", "val_products"} <= set(boards[0])
    again = list(draw(cell, 2, 0))
    assert all((again[1][name] == boards[1][name]).all() for name in again[1])


def test_statistics_by_hand():
    cell = Cell("test", rows=3, seeds=(1, 2, 4), images=60)
    rng = np.random.default_rng(0)
    values, groups, labels = rng.random((7, 60)) < 0.7, np.arange(60) // 10, np.arange(60) % 3
    rows = [values[:1], values[1:3], values[3:]]
    plain, found = statistics(cell, values), statistics(cell, values, labels, groups)
    weighted = statistics(cell, values.astype(float), labels, groups)
    for name in found:
        np.testing.assert_allclose(weighted[name], found[name], err_msg=name)
    for name in plain:
        np.testing.assert_allclose(plain[name], found[name], err_msg=name)
    shares = np.stack([row.mean(0) for row in rows])
    np.testing.assert_allclose(found["scores"], values.mean(1))
    np.testing.assert_allclose(found["means"], shares.mean(1))
    np.testing.assert_allclose(found["products"], shares @ shares.T / 60)
    np.testing.assert_allclose(found["variances"][1:], [row.mean(1).var(ddof=1) for row in rows[1:]])
    np.testing.assert_allclose(found["residuals"][1:], [row.var(0, ddof=1).mean() / 60 for row in rows[1:]])
    assert found["variances"][0] == found["residuals"][0] == found["group_residuals"][0] == 0
    sums = [np.stack([row[:, groups == group].sum(1) for group in range(6)], axis=1) for row in rows]
    np.testing.assert_allclose(found["group_sums"], np.stack([each.mean(0) for each in sums], axis=1))
    np.testing.assert_allclose(found["group_residuals"][1:], [each.var(0, ddof=1).sum() / 60**2 for each in sums[1:]])
    for one in range(3):
        np.testing.assert_allclose(found["strata_means"][one], shares[:, labels == one].mean(1))
        np.testing.assert_allclose(
            found["strata_products"][one], shares[:, labels == one] @ shares[:, labels == one].T / 20
        )


@pytest.mark.parametrize(
    ("name", "repetitions"),
    [
        ("10 rows x 2, seeds dominate", 100),
        ("10 rows x 3, spreads 1:3 by halves", 100),
        ("10 rows x 3, 3 equal, 7 three points lower", 100),
        ("4 rows x 5, 100 groups", 100),
        ("2 seeds, spreads 1:3", 400),
        ("5 seeds, seeds agree about images", 400),
        ("3 seeds, 99% of 360, beta", 400),
    ],
)
def test_the_method_in_use_keeps_the_limits_of_the_benchmark(name: str, repetitions: int):
    cell = next(cell for cell in BOARDS + PAIRS if cell.name == name)
    boards = [known(board, cell, number) for number, board in enumerate(draw(cell, repetitions, 99))]
    found = [measure(board, eyechart(board), cell.truth, cell.truth) for board in boards]
    limit = limit_of(cell)
    limit += 2 * (limit * (1 - limit) / repetitions) ** 0.5  # by the simulation's own error
    assert np.mean([each["false alarms"] for each in found]) <= limit
    assert np.mean([each["missed"] for each in found]) <= limit
