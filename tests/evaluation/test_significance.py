"""The error bars are held to what they promise, on simulated leaderboards whose truth is known.

A network is right about an image where a sum of normal variables is positive: the image's own ease, the same for every
row; what suits the row (`own`) or only this network (`rest`) about this image; and how good the seed is. Variances of
the first three sum to 1. Seeds and images are drawn anew for every board. Run this file with `-s` to see the rates.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from eyechart.evaluation.paired import tango
from eyechart.evaluation.rows import Rows
from eyechart.evaluation.significance import Difference, difference, estimate, estimates, share_interval

Correct = NDArray[np.bool_]
few = settings(deadline=None, max_examples=40)


# --- simulated leaderboards --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Regime:
    seed_spread: float | tuple[float, ...]  # standard deviation over seeds of the expected accuracy, per row or of all
    own: float
    rest: float
    images: int = 1000
    accuracy: float | tuple[float, ...] = 0.9
    rows: int = 4
    seeds: int = 5

    def truth(self) -> NDArray[np.float64]:
        """The expected accuracy of each row over new seeds and new images."""
        return np.broadcast_to(self.accuracy, self.rows)

    def boards(self, count: int) -> Iterator[Correct]:
        """Boards (rows, seeds, images), the same ones each time."""
        rng = np.random.default_rng(2021)
        spread = np.broadcast_to(self.seed_spread, self.rows) / stats.norm.pdf(stats.norm.ppf(self.truth()))
        # so that the expectation over seeds is the accuracy asked for
        level = stats.norm.ppf(self.truth()) * np.sqrt(1 + spread**2)
        for _ in range(count):
            quality = level[:, None] + spread[:, None] * rng.standard_normal((self.rows, self.seeds))
            ease = rng.standard_normal(self.images, dtype=np.float32) * np.float32((1 - self.own - self.rest) ** 0.5)
            suits = rng.standard_normal((self.rows, 1, self.images), dtype=np.float32) * np.float32(self.own**0.5)
            network = rng.standard_normal((self.rows, self.seeds, self.images), dtype=np.float32)
            yield network * np.float32(self.rest**0.5) + (suits + ease) > -quality[..., None].astype(np.float32)


REGIMES = {
    "seeds dominate": Regime(seed_spread=0.01, own=0.1, rest=0.2),
    "images dominate": Regime(seed_spread=0.0, own=0.45, rest=0.05),
    "seeds disagree, none is better": Regime(seed_spread=0.0, own=0.1, rest=0.4),
    "mixed": Regime(seed_spread=0.003, own=0.2, rest=0.2),
    "unequal seeds": Regime(seed_spread=(0.002, 0.01, 0.002, 0.01), own=0.2, rest=0.2),
    "one erratic row": Regime(seed_spread=(0.01, 0.002, 0.002, 0.002), own=0.2, rest=0.2),
    "few mistakes": Regime(seed_spread=0.001, own=0.3, rest=0.1, images=360, accuracy=0.985),
}
BOARDS = 800


def at_most(rate: float, repetitions: int) -> float:
    """The highest rate that a simulation may show by its own error (two standard errors)."""
    return rate + 2 * (rate * (1 - rate) / repetitions) ** 0.5


def rate(name: str, hits: list[bool]) -> float:
    print(f"{name:45} {np.mean(hits):.3f} of {len(hits)}")
    return float(np.mean(hits))


@pytest.mark.parametrize("name", REGIMES)
def test_equal_rows_give_false_alarms_in_five_percent_at_most(name: str):
    pair, missed = [], []
    for board in REGIMES[name].boards(BOARDS):
        pair.append(difference(board[0], board[1]).p_value < 0.05)
        row = estimate(board[0])
        missed.append(not row.low <= REGIMES[name].truth()[0] <= row.high)
    assert max(rate(f"pair, {name}", pair), rate(f"accuracy missed, {name}", missed)) <= at_most(0.05, BOARDS)


@pytest.mark.parametrize("accuracy", [(0.9, 0.88), (0.99, 0.975), (0.995, 0.995)])
@pytest.mark.parametrize("seeds", [1, 5])
def test_the_interval_of_a_difference_holds_it_in_95_percent(accuracy: tuple[float, float], seeds: int):
    # no seed is better than another, so one network's truth is known as well
    allowed = 0.06 if seeds == 1 else 0.05  # Tango's interval, counted in test_paired.py
    regime = Regime(seed_spread=0.0, own=0.3, rest=0.1, images=360, accuracy=accuracy, rows=2, seeds=seeds)
    repetitions = 1000
    differences = [difference(a, b) for a, b in regime.boards(repetitions)]
    missed = [not one.low <= accuracy[0] - accuracy[1] <= one.high for one in differences]
    assert rate(f"difference missed, {accuracy}, {seeds} seeds", missed) <= at_most(allowed, repetitions)


# accuracies of 60 real networks (the digits, 8 units): one in twelve is far below the others
FAILING = np.repeat([0.54, 0.70, 0.73, 0.77, 0.81, 0.84, 0.87, 0.89, 0.91, 0.93], [3, 2, 2, 3, 5, 6, 6, 8, 16, 9])


def test_intervals_of_rows_know_of_failures_that_their_seeds_have_not_seen():
    rng, missed, boards = np.random.default_rng(0), [], 500
    for _ in range(boards):
        ease, levels = rng.normal(size=360) * 0.7**0.5, stats.norm.ppf(rng.choice(FAILING, (4, 3, 1)))
        answers = ease + rng.normal(size=(4, 3, 360)) * 0.3**0.5 < levels
        missed += [not each.low <= FAILING.mean() <= each.high for each in estimates(Rows.of(answers))]
    assert rate("accuracy missed, one in twelve fails", missed) <= at_most(0.06, boards)


def only_images(a: Correct, b: Correct) -> float:
    return float(stats.ttest_rel(a.mean(axis=0), b.mean(axis=0)).pvalue)


def only_seeds(a: Correct, b: Correct) -> float:
    return float(stats.ttest_ind(a.mean(axis=1), b.mean(axis=1), equal_var=False).pvalue)


@pytest.mark.parametrize(("name", "test"), [("seeds dominate", only_images), ("images dominate", only_seeds)])
def test_the_simulation_catches_a_test_that_forgets_one_source_of_chance(
    name: str, test: Callable[[Correct, Correct], float]
):
    alarms = [test(board[0], board[1]) < 0.05 for board in REGIMES[name].boards(BOARDS // 2)]
    assert rate(f"pair, {name}, {test.__name__}", alarms) > 2 * at_most(0.05, BOARDS // 2)


@pytest.mark.parametrize(
    ("spread", "own", "rest", "least"), [(0.002, 0.2, 0.2, 0.9), (0.003, 0.1, 0.2, 0.9), (0.005, 0.2, 0.2, 0.5)]
)
def test_power_for_one_percentage_point_at_ten_thousand_images(spread: float, own: float, rest: float, least: float):
    regime = Regime(spread, own, rest, images=10_000, accuracy=(0.905, 0.895), rows=2)
    found = [difference(a, b).p_value < 0.05 for a, b in regime.boards(200)]
    assert rate(f"power for 1 point, seeds ±{spread}, own {own}, rest {rest}", found) >= least


# --- properties --------------------------------------------------------------------------------------------------


@st.composite
def rows(draw: st.DrawFn, count: int = 2, max_seeds: int = 5) -> list[Correct]:
    """Small rows over the same images; one seed, one image and rows without mistakes are common."""
    images = draw(st.sampled_from([1, 2, 5, 30, 200]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    chances = st.sampled_from([0.0, 0.5, 0.9, 0.97, 1.0])
    return [rng.random((draw(st.integers(1, max_seeds)), images)) < draw(chances) for _ in range(count)]


def assert_close(one: Difference, other: Difference):
    found, expected = ((d.mean, d.low, d.high, d.p_value, d.error) for d in (one, other))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert one.over_seeds == other.over_seeds


@given(rows())
@few
def test_difference_is_antisymmetric(pair: list[Correct]):
    there, back = difference(*pair), difference(*reversed(pair))
    assert_close(there, -back)


@given(rows(), st.integers(0, 2**32 - 1))
@few
def test_the_order_of_images_and_of_seeds_is_nothing(pair: list[Correct], seed: int):
    rng = np.random.default_rng(seed)
    images = rng.permutation(pair[0].shape[1])
    shuffled = [rng.permutation(row)[:, images] for row in pair]
    assert_close(difference(*pair), difference(*shuffled))
    one, other = estimate(pair[0]), estimate(shuffled[0])
    np.testing.assert_allclose([one.mean, one.low, one.high], [other.mean, other.low, other.high], rtol=1e-9)


@given(rows())
@few
def test_interval_and_p_value_of_a_difference_agree(pair: list[Correct]):
    found = difference(*pair)
    assert found.mean == pytest.approx(pair[0].mean() - pair[1].mean())
    assert -1 <= found.low <= found.mean <= found.high <= 1
    assert found.low < found.high
    assert 0 <= found.p_value <= 1
    if len(pair[0]) * len(pair[1]) > 1:  # of two networks p is exact and the interval is not; see test_paired.py
        assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)
    assert found.over_seeds == (min(map(len, pair)) > 1)


@given(rows(count=1))
@few
def test_the_interval_of_a_row_holds_its_mean(only: list[Correct]):
    found = estimate(only[0])
    assert found.mean == pytest.approx(only[0].mean())
    # Wilson's interval ends at 1 but for the last bit
    assert -1e-12 <= found.low <= found.mean + 1e-12
    assert found.mean - 1e-12 <= found.high <= 1 + 1e-12
    assert found.low < found.high


@given(rows(count=1))
@few
def test_the_interval_of_errors_is_that_of_right_answers_from_the_other_side(only: list[Correct]):
    right, wrong = estimate(only[0]), estimate(~only[0])
    assert (1 - right.high, 1 - right.low) == pytest.approx((wrong.low, wrong.high), abs=1e-9)


@given(st.floats(0, 1), st.floats(0.01, 0.99), st.floats(1e-6, 0.1), st.floats(0, 0.1), st.floats(1, 1e6))
@few
def test_an_interval_ends_where_a_share_begins_to_be_refuted(mean, share, images, seeds, freedom):
    found = share_interval(mean, share, images, seeds, freedom)

    def p_value(p: float) -> float:
        r = p * (1 - p) / (share * (1 - share))
        return 2 * stats.t.sf(abs(mean - p) / (images * r + seeds * np.clip(r, 1, 1.5) ** 2) ** 0.5, freedom)

    assert 0 <= found.low <= found.mean <= found.high <= 1
    for end, beyond in ((found.low, found.low / 2), (found.high, (1 + found.high) / 2)):
        if 0 < end < 1:
            assert p_value(end) == pytest.approx(0.05, rel=1e-3)
            assert p_value(beyond) < 0.05


def test_near_1_an_interval_ends_where_it_should_though_seeds_are_few():
    """As far as the square of p (1 - p) goes, the first would reach from 0.42 on."""
    for seeds, widest in (((0.988, 0.992), 0.05), ((0.985, 0.99, 0.995), 0.03)):
        row = np.stack([np.arange(10_000) < 10_000 * share for share in seeds])
        assert estimate(row).high - estimate(row).low < widest


@given(rows(), st.integers(2, 9))
@few
def test_groups_of_one_image_each_are_images(pair: list[Correct], seed: int):
    alone = np.random.default_rng(seed).permutation(pair[0].shape[1])
    single, grouped = Rows.of(pair), Rows.of(pair, alone)
    np.testing.assert_allclose(grouped.squares, single.squares, atol=1e-9)
    np.testing.assert_allclose(grouped.means, single.means)


# --- single cases ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("right", "images"), [(0, 1), (1, 1), (0, 50), (50, 50), (340, 360), (15, 30)])
def test_one_network_has_wilsons_interval(right: int, images: int):
    found = estimate((np.arange(images) < right)[None])
    assert (found.low, found.high) == pytest.approx(proportion_confint(right, images, method="wilson"), abs=1e-9)


def test_two_networks_have_mcnemars_exact_test_and_tangos_interval():
    a, b = np.ones((1, 100), bool), np.ones((1, 100), bool)
    a[0, :2], b[0, 2:14] = False, False
    found = difference(a, b)
    assert found.mean == pytest.approx(0.1)
    # two-sided: twice the chance of at most 2 of 14 coins
    assert found.p_value == pytest.approx(2 * (1 + 14 + 91) / 2**14)
    assert (found.low, found.high) == tango(12, 2, 100)
    assert not found.over_seeds


def test_a_pair_by_hand():
    a, b = np.ones((2, 100), bool), np.ones((2, 100), bool)  # too few seeds to lend each other anything
    a[0, :4], b[0, 4:10], a[:, 50:70] = False, False, False
    # over images, the difference of the shares that are right: -1/2 on 4, 1/2 on 6, -1 on 20, 0 on 70
    mean = (-4 / 2 + 6 / 2 - 20) / 100
    by_images = (10 / 4 + 20 - 100 * mean**2 + 1) / (100 * 101)
    by_seeds = [np.var([0.76, 0.8], ddof=1) / 2, np.var([0.94, 1.0], ddof=1) / 2]
    # over images, the mean variance of single seeds, over seeds and images
    residual = 0.04 * np.var([0, 1], ddof=1) / 2 / 100 + 0.06 * np.var([0, 1], ddof=1) / 2 / 100
    variance = by_images + sum(by_seeds) - residual
    share = sum(by_seeds) / variance
    welch = sum(by_seeds) ** 2 / (by_seeds[0] ** 2 / 1 + by_seeds[1] ** 2 / 1)
    freedom = 1 / (share / welch + (1 - share) / 100)
    margin = stats.t.ppf(0.975, freedom) * variance**0.5
    p_value = 2 * stats.t.sf(-mean / variance**0.5, freedom)
    found = difference(a, b)
    np.testing.assert_allclose(
        [found.mean, found.low, found.high, found.p_value, found.error, found.freedom],
        [mean, mean - margin, mean + margin, p_value, variance**0.5, freedom],
    )
    assert found.over_seeds


@pytest.mark.parametrize("seeds", [1, 5])
def test_what_was_never_seen_is_not_ruled_out(seeds: int):
    perfect = np.ones((seeds, 100), bool)
    same = difference(perfect, perfect)
    assert same.mean == 0
    assert same.p_value == 1
    assert same.high == pytest.approx(-same.low)
    assert 0.015 < same.high < 0.04
    assert 0.95 < estimate(perfect).low < 0.97
    assert estimate(~perfect).mean == 0
    opposite = difference(perfect, ~perfect)
    assert opposite.mean == opposite.high == 1
    assert 0.85 < opposite.low < 0.99
    assert difference(perfect[:, :1], ~perfect[:, :1]).p_value > 0.3


def test_one_seed_on_one_side_speaks_of_these_networks():
    board = next(REGIMES["mixed"].boards(1))
    assert not difference(board[0], board[1][:1]).over_seeds
    assert not difference(board[0][:1], board[1]).over_seeds


@pytest.mark.parametrize("bad", [np.ones(5, bool), np.ones((5, 3)), np.ones((0, 3), bool), np.ones((3, 0), bool)])
def test_rows_are_bool_seeds_by_images(bad: Correct):
    good = np.ones((5, 3), bool)
    for call in (lambda: estimate(bad), lambda: difference(good, bad)):
        with pytest.raises(ValueError, match=r"Expected bool \(seeds, images\), not empty. Received: "):
            call()


def test_rows_are_of_the_same_images():
    with pytest.raises(ValueError, match=r"Expected rows of the same images. Received: 3 and 4"):
        difference(np.ones((5, 3), bool), np.ones((5, 4), bool))
