"""What a comparison comes to, and what it would take to know more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from compared import alone, differing
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eyechart.evaluation.multiple import Compared, Comparisons
from eyechart.evaluation.rows import Rows
from eyechart.evaluation.significance import Difference
from eyechart.evaluation.verdict import MARGIN, MOST_SEEDS, Outcome, judge

few = settings(deadline=None, max_examples=60)


def picked(found: Difference, times: float = 10.0) -> Compared:
    """The pair among so many."""
    return Compared(found, min(1.0, times * found.p_value), 0.05 / times, 0.1 / times, among=int(times))


# --- outcomes


@pytest.mark.parametrize(
    ("mean", "error", "margin", "outcome"),
    [
        (0.02, 0.005, MARGIN, Outcome.BETTER),
        (-0.02, 0.005, MARGIN, Outcome.WORSE),
        (0.002, 0.005, MARGIN, Outcome.UNKNOWN),
        (0.0, 0.002, MARGIN, Outcome.SAME),
        (0.002, 0.0015, MARGIN, Outcome.SAME),
        (-0.002, 0.0015, MARGIN, Outcome.SAME),
        (0.003, 0.0015, MARGIN, Outcome.UNKNOWN),
        (0.003, 0.001, MARGIN, Outcome.BETTER),  # shown to be better, however little
        (0.0, 0.002, 0.0, Outcome.UNKNOWN),  # nothing is exactly the same
        (0.002, 0.005, 0.05, Outcome.SAME),
        (0.02, 0.005, 0.05, Outcome.BETTER),
    ],
)
def test_a_pair_by_itself(mean, error, margin, outcome):
    found = judge(alone(differing(mean, error)), margin)
    assert found.outcome == outcome
    assert not found.looks


def test_where_the_board_cannot_tell_nothing_else_does():
    found = judge(replace(alone(differing(0.5, 0.001)), p_board=None))
    assert (found.outcome, found.looks, found.more_seeds) == (Outcome.UNTELLABLE, False, None)


def test_a_pair_that_was_picked_looks_better_and_is_not_told_apart():
    found = differing(0.012, 0.005)
    assert 0.005 < found.p_value < 0.05
    assert (judge(alone(found)).outcome, judge(alone(found)).looks) == (Outcome.BETTER, False)
    assert (judge(picked(found)).outcome, judge(picked(found)).looks) == (Outcome.UNKNOWN, True)
    clear = differing(0.03, 0.005)
    assert (judge(picked(clear)).outcome, judge(picked(clear)).looks) == (Outcome.BETTER, False)


def test_what_is_practically_the_same_is_corrected_too():
    found = differing(0.0, 0.0025)
    assert judge(alone(found)).outcome is Outcome.SAME
    assert judge(picked(found)).outcome is Outcome.UNKNOWN
    assert judge(picked(found), margin=0.02).outcome is Outcome.SAME


@given(st.floats(-0.05, 0.05), st.floats(0.0005, 0.05), st.floats(1.5, 200), st.floats(0, 0.05), st.floats(1, 50))
@few
def test_the_sides_exchanged_say_the_opposite(mean, error, freedom, margin, times):
    opposite = {Outcome.BETTER: Outcome.WORSE, Outcome.WORSE: Outcome.BETTER}
    compared = picked(differing(mean, error, freedom), times)
    there, back = judge(compared, margin, (3, 3)), judge(-compared, margin, (3, 3))
    assert back == replace(there, outcome=opposite.get(there.outcome, there.outcome))


@given(st.floats(-0.05, 0.05), st.floats(0.0005, 0.05), st.floats(1.5, 200), st.floats(0, 0.05))
@few
def test_same_is_two_one_sided_tests(mean, error, freedom, margin):
    """Schuirmann (1987): each at 5% rejects that the difference is as large as the margin, on its side."""
    found = differing(mean, error, freedom)
    p_values = [stats.t.sf((margin - sign * mean) / error, freedom) for sign in (1, -1)]
    judged = judge(alone(found), margin)
    if judged.outcome in (Outcome.SAME, Outcome.UNKNOWN) and abs(max(p_values) - 0.05) > 1e-6:
        assert (judged.outcome is Outcome.SAME) == (max(p_values) < 0.05)


def test_rows_that_differ_by_the_margin_are_called_the_same_in_five_percent_at_most():
    rng, repetitions = np.random.default_rng(1987), 4000
    errors = 0.0015 * np.sqrt(rng.chisquare(20, repetitions) / 20)
    means = MARGIN + 0.0015 * rng.standard_normal(repetitions)
    called = [
        judge(alone(differing(mean, error))).outcome is Outcome.SAME for mean, error in zip(means, errors, strict=True)
    ]
    assert 0 < np.mean(called) <= 0.05 + 2 * (0.05 * 0.95 / repetitions) ** 0.5


# --- what would have been found


@given(st.floats(0.0005, 0.05), st.floats(1.5, 300), st.sampled_from([0.2, 0.5, 0.8, 0.95]), st.floats(0.0005, 0.05))
@few
def test_what_is_found_in_a_share_of_cases_is_so_by_noncentral_t(error, freedom, share, level):
    found = differing(0.0, error, freedom).found(share, level)
    threshold = stats.t.ppf(1 - level / 2, freedom)
    assert stats.nct.sf(threshold, freedom, found / error) == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize("freedom", [3, 12])
def test_what_is_found_in_a_share_of_cases_is_so_in_a_simulation(freedom: int):
    rng, repetitions = np.random.default_rng(0), 20_000
    half, most = (differing(0.0, 0.01, freedom).found(share) for share in (0.5, 0.8))
    errors = 0.01 * np.sqrt(rng.chisquare(freedom, repetitions) / freedom)
    for truth, share in ((half, 0.5), (most, 0.8)):
        means = truth + 0.01 * rng.standard_normal(repetitions)
        found = np.abs(means) / errors > stats.t.ppf(0.975, freedom)
        assert found.mean() == pytest.approx(share, abs=0.015)  # 4 standard errors


@given(st.floats(-0.05, 0.05), st.floats(0.0005, 0.05), st.floats(1.5, 200), st.floats(1, 50))
@few
def test_more_is_found_in_four_of_five_than_in_half(mean, error, freedom, times):
    found = judge(picked(differing(mean, error, freedom), times))
    assert 0 < found.half < found.most
    # who asks among many finds less
    before = judge(alone(differing(mean, error, freedom)))
    assert found.half >= before.half - 1e-12
    assert found.most >= before.most - 1e-12


# --- more seeds


def test_where_there_is_an_answer_no_more_seeds_are_needed():
    for found in (differing(0.02, 0.005), differing(-0.02, 0.005), differing(0.0, 0.001)):
        assert judge(alone(found), seeds=(3, 3)).more_seeds == 0


@pytest.mark.parametrize("seeds", [(5, 5), (3, 30)])
def test_more_seeds_by_hand(seeds: tuple[int, int]):
    # all of V comes from seeds: a part of V divided by how many each row has, and as many degrees of freedom more
    found, (a, b) = differing(0.004, 0.003, 8.0), seeds
    times = [(1 / a + 1 / b) / (1 / (a + more) + 1 / (b + more)) for more in range(100)]
    needed = next(more for more in range(1, 100) if t_margin(8 * times[more], 0.003 / times[more] ** 0.5) < 0.004)
    assert judge(alone(found), 0.0, seeds).more_seeds == needed


def t_margin(freedom: float, error: float) -> float:
    return stats.t.ppf(0.975, freedom) * error


def test_more_seeds_may_show_that_two_rows_are_the_same():
    found = differing(0.0, 0.004, 8.0)
    assert judge(alone(found), 0.0, (5, 5)).more_seeds is None  # equal: never told apart
    assert 0 < judge(alone(found), 0.005, (5, 5)).more_seeds < MOST_SEEDS
    assert judge(alone(found), 0.003, (5, 5)).more_seeds > judge(alone(found), 0.005, (5, 5)).more_seeds


def test_where_images_are_the_limit_more_seeds_bring_nothing():
    found = differing(0.004, 0.003, 8.0, lasting=0.0028**2)
    assert judge(alone(found), 0.0, (5, 5)).more_seeds is None
    less = replace(found, lasting=0.001**2)
    assert judge(alone(less), 0.0, (5, 5)).more_seeds > 0


def test_single_networks_are_not_helped_by_seeds():
    assert judge(alone(differing(0.004, 0.003, over_seeds=False)), seeds=(1, 1)).more_seeds is None


@given(st.floats(0.001, 0.02), st.floats(1.01, 5), st.floats(1.5, 50), st.floats(0, 0.5), st.integers(2, 10))
@few
def test_the_smaller_a_difference_seems_the_more_seeds_it_takes(mean, times, freedom, lasting, seeds):
    error = mean / 1.5
    large, small = (differing(each, error, freedom, lasting * error**2) for each in (mean, mean / times))
    asked = [judge(alone(each), 0.0, (seeds, seeds)) for each in (large, small)]
    if asked[1].more_seeds is not None:
        assert asked[0].more_seeds is not None
        assert asked[0].more_seeds <= asked[1].more_seeds
    among_many = judge(picked(large), 0.0, (seeds, seeds))
    if among_many.more_seeds is not None:
        assert among_many.more_seeds >= asked[0].more_seeds


@pytest.mark.parametrize("seeds", [1, 3])
def test_networks_that_agree_on_few_images_are_not_shown_to_be_the_same_by_them(seeds: int):
    """That no image told them apart is no proof that fewer than 1 in 200 of others will."""
    alike = [np.broadcast_to(np.arange(images) < 0.9 * images, (seeds, images)) for images in (360, 2000)]
    few, many = (judge(Comparisons(Rows.of([each, each])).pair(0, 1), 0.005, (seeds, seeds)).outcome for each in alike)
    assert few is Outcome.UNKNOWN
    assert many is Outcome.SAME


def test_what_is_found_is_not_less_than_the_images_can_show():
    alike = np.ones((1, 300), bool)
    verdict = judge(Comparisons(Rows.of([alike, alike])).pair(0, 1), 0.0)
    assert 6 / 300 <= verdict.half < verdict.most  # five images that tell them apart give p = 1/16
