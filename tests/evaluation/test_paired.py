"""Two single networks on the same images: against published figures, independent computations, and simulations."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize, stats

from eyechart.evaluation.paired import DRAWN, group_sums, mcnemar, of_groups, sign_flips, tango

few = settings(deadline=None, max_examples=60)


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int]:
    """Wins, losses and images; one image, none that differ and all that differ are common."""
    images = draw(st.one_of(st.integers(1, 60), st.sampled_from([360, 10_000])))
    differ = draw(st.one_of(st.sampled_from([0, images]), st.integers(0, images)))
    wins = draw(st.one_of(st.sampled_from([0, differ]), st.integers(0, differ)))
    return wins, differ - wins, images


# --- independent images ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wins", "losses", "images", "level", "low", "high"),
    [
        (1, 7, 21, 0.05, -0.517, -0.026),  # Fagerland, Lydersen & Laake (2014), airway reactivity
        (0, 1, 44, 0.05, -0.118, 0.059),  # Tango (1998), contact lenses
        (28, 25, 618, 0.10, -0.0148, 0.0247),  # scoreci.mp(25, 28, 618, 0.9) of the R package PropCIs
    ],
)
def test_published_intervals(wins: int, losses: int, images: int, level: float, low: float, high: float):
    found = tango(wins, losses, images, level)
    decimals = 4 if level == 0.10 else 3
    assert [round(end, decimals) for end in found] == [low, high]


@given(tables())
@few
def test_no_better_by_the_other_sides_view(table: tuple[int, int, int]):
    wins, losses, images = table
    low, high = tango(wins, losses, images)
    assert tango(losses, wins, images) == (-high, -low)
    assert mcnemar(wins, losses) == mcnemar(losses, wins)


@given(tables(), st.sampled_from([0.01, 0.05, 0.1]))
@few
def test_the_interval_holds_the_mean_and_ends_within_the_possible(table: tuple[int, int, int], level: float):
    wins, losses, images = table
    low, high = tango(wins, losses, images, level)
    mean = (wins - losses) / images
    assert -1 <= low <= mean <= high <= 1
    assert low < high
    wider = tango(wins, losses, images, level / 2)
    assert wider[0] <= low
    assert high <= wider[1]


@given(tables(), st.integers(2, 5))
@few
def test_more_images_that_say_the_same_narrow_it(table: tuple[int, int, int], times: int):
    wins, losses, images = table
    low, high = tango(wins, losses, images)
    narrow = tango(times * wins, times * losses, times * images)
    assert narrow[1] - narrow[0] < high - low


def score(wins: int, losses: int, images: int, difference: float) -> float:
    """Tango's statistic by its definition: the likelihood is maximised by search, under this difference."""

    def log_likelihood(lost: float) -> float:
        cells = [lost + difference, lost, 1 - 2 * lost - difference]
        counts = [wins, losses, images - wins - losses]
        return sum(n * np.log(max(p, 1e-300)) for n, p in zip(counts, cells, strict=True) if n)

    bounds = max(0.0, -difference), (1 - difference) / 2
    found = optimize.minimize_scalar(lambda p: -log_likelihood(p), bounds=bounds, options={"xatol": 1e-12})
    lost = max([found.x, *bounds], key=log_likelihood)  # the search never tries the ends
    variance = images * (2 * lost + difference - difference**2)
    excess = wins - losses - images * difference
    return excess / variance**0.5 if excess else 0.0


@pytest.mark.parametrize(
    ("wins", "losses", "images"),
    [(1, 7, 21), (0, 0, 30), (5, 0, 30), (30, 0, 30), (12, 18, 30), (0, 1, 1), (0, 0, 1), (9, 4, 360), (40, 20, 160)],
)
def test_the_ends_are_where_the_score_test_begins_to_reject(wins: int, losses: int, images: int):
    z = stats.norm.ppf(0.975)
    low, high = tango(wins, losses, images)
    assert low == -1 or score(wins, losses, images, low) == pytest.approx(z, rel=1e-4)
    assert high == 1 or score(wins, losses, images, high) == pytest.approx(-z, rel=1e-4)
    for difference in np.linspace(-0.99, 0.99, 45):
        inside = low <= difference <= high
        assert inside == (abs(score(wins, losses, images, difference)) <= z), difference


def test_where_no_image_or_every_image_tells_them_apart():
    z2 = stats.norm.ppf(0.975) ** 2
    for images in (1, 360):
        assert tango(0, 0, images) == pytest.approx((-z2 / (images + z2), z2 / (images + z2)))
        assert tango(images, 0, images) == pytest.approx(((images - z2) / (images + z2), 1.0))


@pytest.mark.parametrize(("wins", "losses", "images"), [(0, 0, 0), (2, 2, 3), (-1, 2, 3)])
def test_wins_and_losses_are_among_the_images(wins: int, losses: int, images: int):
    with pytest.raises(ValueError, match=f"Expected wins and losses among the images. Received: {wins}, {losses} of"):
        tango(wins, losses, images)


@given(tables())
@few
def test_mcnemars_exact_test_is_that_of_a_coin(table: tuple[int, int, int]):
    wins, losses, _ = table
    expected = stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert mcnemar(wins, losses) == pytest.approx(expected)


@pytest.mark.parametrize(("win", "lose", "images"), [(0.05, 0.05, 360), (0.02, 0.005, 360), (0.003, 0.003, 1000)])
def test_how_often_the_interval_misses_counted_over_all_tables(win: float, lose: float, images: int):
    most = int(stats.binom.ppf(1 - 1e-7, images, max(win, lose))) + 1
    missed = 0.0
    for wins, losses in product(range(most), repeat=2):
        low, high = tango(wins, losses, images)
        if not low <= win - lose <= high:
            missed += stats.multinomial.pmf([wins, losses, images - wins - losses], images, [win, lose, 1 - win - lose])
    print(f"missed at {win}, {lose} of {images}: {missed:.4f}")
    assert 0.02 < missed < 0.06


# --- groups ------------------------------------------------------------------------------------------------------


def by_hand(sums: NDArray[np.float64]) -> float:
    totals = [
        abs(sum(sign * one for sign, one in zip(signs, sums, strict=True)))
        for signs in product((-1, 1), repeat=len(sums))
    ]
    return float(np.mean([total >= abs(sum(sums)) - 1e-9 for total in totals]))


@given(st.lists(st.integers(-6, 6), max_size=7), st.sampled_from([1, 3, 7]))
@few
def test_sign_flips_are_all_tried(sums: list[int], seeds: int):
    fractions = np.array(sums, dtype=np.float64) / seeds
    assert sign_flips(fractions) == pytest.approx(by_hand(fractions))
    assert sign_flips(-fractions[::-1]) == sign_flips(fractions)


def test_sign_flips_of_groups_of_one_image_are_mcnemars_test():
    sums = np.array([1.0] * 11 + [-1.0] * 2 + [0.0] * 300)
    assert sign_flips(sums) == pytest.approx(mcnemar(11, 2))


def test_sign_flips_of_many_groups_are_drawn_and_the_same_each_time():
    sums = np.repeat([1.0, -1.0, 0.0], [33, 17, 9000])
    found = sign_flips(sums)
    expected = mcnemar(33, 17)
    assert found == sign_flips(np.random.default_rng(0).permutation(sums)) == sign_flips(-sums)
    assert abs(found - expected) < 4 * (expected * (1 - expected) / DRAWN) ** 0.5
    assert sign_flips(np.ones(60)) == 1 / (DRAWN + 1)
    assert sign_flips(np.zeros(60)) == 1


def test_sums_of_groups():
    sums, sizes = group_sums(np.array([1, -1, 1, 0]), np.array([7, 3, 7, 3]))
    assert sums.tolist() == [-1, 2]
    assert sizes.tolist() == [2, 2]


def test_the_interval_of_groups_by_hand():
    values = np.array([1, 1, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0])
    groups = np.repeat([5, 2, 9, 4], 3)
    sums = np.array([2, -1, 0, 1])
    error = ((sums - 0.5) ** 2).sum() + 1
    margin = stats.t.ppf(0.975, 3) * (error / 3 * 4) ** 0.5 / 12
    assert of_groups(values, groups) == pytest.approx((2 / 12 - margin, 2 / 12 + margin))


def test_groups_that_never_differ_leave_a_width():
    low, high = of_groups(np.zeros(40), np.repeat(np.arange(10), 4))
    assert 0.02 < high == -low < 0.2


def test_one_group_says_nothing():
    with pytest.raises(ValueError, match=r"Expected two groups or more. Received: 1"):
        of_groups(np.zeros(4), np.zeros(4, np.int64))


def networks_of_writers(groups: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The difference of two networks that are equally good, but not for each writer."""
    sizes = rng.integers(20, 61, groups)
    win, lose = (np.repeat(rng.beta(0.5, 9.5, groups), sizes) for _ in "ab")
    drawn = rng.random(sizes.sum())
    return (drawn < win) * 1.0 - (drawn > 1 - lose), np.repeat(np.arange(groups), sizes)


@pytest.mark.parametrize("groups", [10, 30, 100])
def test_equal_networks_on_groups_give_false_alarms_in_five_percent_at_most(groups: int):
    rng = np.random.default_rng(2014)
    repetitions, alarms, missed, forgot = 400, 0, 0, 0
    for _ in range(repetitions):
        values, group = networks_of_writers(groups, rng)
        alarms += sign_flips(group_sums(values, group)[0]) < 0.05
        low, high = of_groups(values, group)
        missed += not low <= 0 <= high
        forgot += mcnemar(int((values > 0).sum()), int((values < 0).sum())) < 0.05
    print(f"{groups} groups: {alarms / repetitions:.3f} alarms, {missed / repetitions:.3f} missed, McNemar {forgot}")
    limit = stats.binom.ppf(0.999, repetitions, 0.05)
    assert max(alarms, missed) <= limit < forgot
