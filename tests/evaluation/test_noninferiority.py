"""Whether a network is not worse by more than a margin: how often that is wrong, and how often it is found."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from eyechart.evaluation.noninferiority import POWER, NonInferiority, not_worse
from eyechart.evaluation.paired import mcnemar, sign_flips, tango

REPETITIONS = 1000


def networks(images: int, win: float, lose: float, rng: np.random.Generator) -> tuple[NDArray[np.bool_], ...]:
    """Two networks, of which only the one or only the other is right with these chances."""
    drawn = rng.random(images)
    return drawn > lose, (drawn <= lose) | (drawn < 1 - win)


def share_shown(images: int, win: float, lose: float, margin: float) -> float:
    rng = np.random.default_rng(10)
    found = [not_worse(*networks(images, win, lose, rng), margin) for _ in range(REPETITIONS)]
    share = np.mean([one.shown for one in found])
    print(f"{images} images, {win} - {lose}, margin {margin}: shown in {share:.3f}")
    return float(share)


@pytest.mark.parametrize(("images", "win", "lose"), [(360, 0.02, 0.04), (360, 0.005, 0.025), (2000, 0.04, 0.06)])
def test_two_points_worse_is_seldom_taken_for_as_good(images: int, win: float, lose: float):
    assert share_shown(images, win, lose, 0.005) <= 0.05


@pytest.mark.parametrize(("images", "win", "lose"), [(360, 0.02, 0.05), (1000, 0.01, 0.04), (5000, 0.05, 0.08)])
def test_worse_by_the_margin_is_taken_for_as_good_in_a_fortieth(images: int, win: float, lose: float):
    assert share_shown(images, win, lose, 0.03) <= stats.binom.ppf(0.999, REPETITIONS, 0.025) / REPETITIONS


@pytest.mark.parametrize("differ", [0.02, 0.1])
def test_the_number_of_images_that_is_named_as_needed_is_enough_in_four_of_five_cases(differ: float):
    rng = np.random.default_rng(3)
    found = [not_worse(*networks(360, differ / 2, differ / 2, rng), 0.01).needed for _ in range(200)]
    needed = int(np.median([one for one in found if one]))
    assert POWER - 0.05 < share_shown(needed, differ / 2, differ / 2, 0.01) < POWER + 0.1


def of(wins: int, losses: int, images: int, margin: float) -> NonInferiority:
    one, other = np.ones((2, images), dtype=bool)
    other[:wins], one[wins : wins + losses] = False, False
    return not_worse(one, other, margin)


def test_by_hand():
    found = of(7, 9, 360, 0.03)
    assert (found.low, found.high) == tango(7, 9, 360)
    assert found.p_value == mcnemar(7, 9)
    assert found.mean == pytest.approx(-2 / 360)
    assert found.shown
    assert not found.better
    assert not found.worse
    assert not of(7, 9, 360, 0.02).shown
    needed = (1.959964 + 0.841621) ** 2 * 17 / 360 / 0.02**2
    assert of(7, 9, 360, 0.02).needed == pytest.approx(needed, abs=1)
    assert of(7, 9, 360, 0).needed is None


def test_better_needs_no_margin_and_worse_within_it_is_shown():
    assert of(20, 2, 1000, 0).better
    assert of(20, 2, 1000, 0).shown
    worse = of(100, 160, 100_000, 0.005)
    assert worse.worse
    assert worse.shown
    assert worse.needed is None  # there are more than enough
    assert not of(2, 20, 1000, 0.005).shown


def test_images_in_groups_are_counted_by_group():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 40)
    wins = np.repeat(rng.random(30) < 0.2, 40)  # on a fifth of the writers the one is right, and the other never
    one, other = np.ones(1200, dtype=bool), ~wins
    alone, grouped = not_worse(one, other, 0.01), not_worse(one, other, 0.01, groups)
    sums = np.bincount(groups, weights=wins)
    assert grouped.p_value == sign_flips(sums) > 0.01 > alone.p_value
    assert grouped.low < alone.low
    assert grouped.groups == 30
    assert grouped.needed > 10 * alone.needed


@pytest.mark.parametrize("count", [1, 2, 9])
def test_few_groups_tell_nothing(count: int):
    groups = np.arange(360) % count
    one, other = np.ones((2, 360), dtype=bool)
    other[:200] = False
    found = not_worse(one, other, 0.01, groups)
    assert found.too_few_groups
    assert [found.shown, found.better, found.worse] == [False, False, False]
