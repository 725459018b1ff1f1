"""Boards on which the pair to ask about was picked after looking: what is corrected, and what must not depend on it."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats

from eyechart.evaluation import multiple
from eyechart.evaluation.multiple import Compared, Comparisons, adjust
from eyechart.evaluation.rows import Rows
from eyechart.evaluation.significance import difference_in, estimates

Correct = NDArray[np.bool_]
few = settings(deadline=None, max_examples=40)


@pytest.fixture(autouse=True, scope="module")
def _quick_collection() -> Iterator[None]:
    # statsmodels collects garbage at every call of multipletests, a tenth of a second with all that tests import
    importlib.import_module("statsmodels.stats.multitest")
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def quick(monkeypatch) -> None:
    """Simulate fewer boards."""
    monkeypatch.setattr(multiple, "BOARDS", 400)
    monkeypatch.setattr(multiple, "MORE_BOARDS", 800)


def drawn(*accuracies: float, seeds: int | tuple[int, ...] = 3, images: int = 500, seed: int = 0) -> list[Correct]:
    """Rows of networks of these accuracies: half of what makes an image hard is hard for all of them."""
    rng = np.random.default_rng(seed)
    counts = np.broadcast_to(seeds, len(accuracies))
    ease = rng.standard_normal(images)
    level = stats.norm.ppf(np.array(accuracies)) * 2**0.5
    own = [rng.standard_normal((count, images)) + 0.1 * rng.standard_normal((count, 1)) for count in counts]
    return [ease + each > -at for each, at in zip(own, level, strict=True)]


def every(comparisons: Comparisons) -> dict[tuple[int, int], Compared]:
    return {(i, j): comparisons.pair(i, j) for i, j in combinations(range(len(comparisons.rows)), 2)}


BOARDS_OF = {
    "seeds": (drawn(0.9, 0.88, 0.85, 0.9), None),
    "single networks": (drawn(0.9, 0.88, 0.85, 0.9, seeds=1), None),
    "one seed among several": (drawn(0.9, 0.88, 0.85, 0.9, seeds=(5, 1, 2, 3)), None),
    "groups": (drawn(0.9, 0.88, 0.85, 0.9), np.arange(500) % 25),
    "single networks on groups": (drawn(0.9, 0.88, 0.85, 0.9, seeds=1), np.arange(500) % 25),
    "few images": (drawn(0.9, 0.7, 0.5, 0.9, images=20), None),
    "no mistakes": ([np.ones((3, 100), bool)] * 3, None),
}


# --- what holds on every board


@pytest.mark.parametrize("name", BOARDS_OF)
def test_among_more_comparisons_a_pair_says_no_more_than_by_itself(quick, name: str):
    comparisons = Comparisons(Rows.of(*BOARDS_OF[name]))
    for (i, j), found in every(comparisons).items():
        assert found.difference == difference_in(comparisons.rows, i, j)
        assert found.difference.p_value <= found.p_board <= 1
        assert 0 <= found.level <= 0.05
        assert found.level <= found.same_level <= 0.1
        assert found.apart == (found.p_board < 0.05)


@pytest.mark.parametrize("name", BOARDS_OF)
def test_every_way_to_ask_about_a_pair_gives_the_same_answer(quick, name: str):
    comparisons = Comparisons(Rows.of(*BOARDS_OF[name]))
    assert [comparisons.pair(0, j) for j in range(1, len(comparisons.rows))] == comparisons.with_first
    for (i, j), found in every(comparisons).items():
        back = comparisons.pair(j, i)
        assert back.difference.mean == -found.difference.mean
        assert (back.difference.low, back.difference.high) == pytest.approx(
            (-found.difference.high, -found.difference.low), abs=1e-9
        )
        assert back.p_board == pytest.approx(found.p_board, rel=1e-9)
        if i == 0:
            assert back == -found  # to the digit


@pytest.mark.parametrize("name", BOARDS_OF)
def test_the_same_board_says_the_same_in_any_order_of_asking(quick, name: str):
    rows = Rows.of(*BOARDS_OF[name])
    one, other = Comparisons(rows, seed=7), Comparisons(rows, seed=7)
    pairs = list(combinations(range(len(rows)), 2))
    forth = [one.pair(i, j) for i, j in pairs]
    chances = one.chances
    assert (other.chances == chances).all()
    assert [other.pair(i, j) for i, j in reversed(pairs)][::-1] == forth
    assert other.with_first == one.with_first


@pytest.mark.parametrize("name", ["seeds", "single networks", "one seed among several", "few images"])
def test_the_order_of_images_is_nothing(quick, name: str):
    rows, _ = BOARDS_OF[name]
    shuffled = np.random.default_rng(1).permutation(rows[0].shape[1])
    one, other = Comparisons(Rows.of(rows)), Comparisons(Rows.of([row[:, shuffled] for row in rows]))
    for pair, found in every(one).items():
        again = other.pair(*pair)
        assert again.difference.p_value == pytest.approx(found.difference.p_value)
        assert again.p_board == pytest.approx(found.p_board)
    assert other.chances.tolist() == pytest.approx(one.chances.tolist())


@pytest.mark.parametrize("name", BOARDS_OF)
def test_the_chances_to_be_the_best_sum_to_one(name: str):
    chances = Comparisons(Rows.of(*BOARDS_OF[name])).chances
    assert chances.shape == (len(BOARDS_OF[name][0]),)
    assert chances.sum() == pytest.approx(1)
    assert (chances >= 0).all()


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_rows_that_lie_apart_have_chances_in_the_order_of_their_means(seeds: int):
    rows = drawn(0.7, 0.9, 0.87, 0.8, seeds=seeds, images=300)
    chances = Comparisons(Rows.of(rows)).chances
    assert np.argsort(chances)[-2:].tolist() == np.argsort([row.mean() for row in rows])[-2:].tolist() == [2, 1]
    assert chances[1] > 0.5
    assert chances[0] < 0.01


def test_equal_rows_have_equal_chances():
    row = drawn(0.9)[0]
    shifted = [np.roll(row, 100 * number, axis=1) for number in range(5)]
    chances = Comparisons(Rows.of(shifted)).chances
    assert chances.tolist() == pytest.approx([0.2] * 5, abs=0.04)  # 4 standard errors of 2,000


# --- which correction


def no_simulation(monkeypatch) -> None:
    monkeypatch.setattr(Comparisons, "_draw_least", lambda *_, **__: pytest.fail("boards are simulated"))


@pytest.mark.parametrize("seeds", [1, 3])
def test_two_rows_are_compared_as_a_pair(monkeypatch, seeds: int):
    no_simulation(monkeypatch)
    comparisons = Comparisons(Rows.of(drawn(0.9, 0.85, seeds=seeds)))
    (found,) = comparisons.with_first
    assert found == Compared(difference_in(comparisons.rows, 0, 1), found.difference.p_value, 0.05, 0.1)
    assert found.among == 1


def test_one_row_is_the_best():
    alone = Comparisons(Rows.of(drawn(0.9)))
    assert alone.with_first == []
    assert alone.chances.tolist() == [1]


@pytest.mark.parametrize("seeds", [1, 3])
def test_with_few_images_every_pair_is_corrected_by_holms_method(monkeypatch, seeds: int):
    no_simulation(monkeypatch)
    rows = Rows.of(drawn(0.95, 0.6, 0.5, 0.2, images=multiple.FEWEST_IMAGES - 1, seeds=seeds))
    pairs = list(combinations(range(4), 2))
    expected = adjust([difference_in(rows, i, j).p_value for i, j in pairs])
    found = every(Comparisons(rows))
    assert [found[pair].p_board for pair in pairs] == expected.tolist()
    assert {(each.among, each.with_first, each.level) for each in found.values()} == {(6, False, 0.05 / 6)}
    assert {each.apart for each in found.values()} == {True, False}


def test_one_image_more_and_the_board_is_simulated(monkeypatch):
    simulated = []
    draw = Comparisons._draw_least
    monkeypatch.setattr(Comparisons, "_draw_least", lambda *a, **k: simulated.append(k) or draw(*a, **k))
    found = Comparisons(Rows.of(drawn(0.95, 0.6, 0.2, images=multiple.FEWEST_IMAGES))).with_first
    assert simulated
    assert {(each.among, each.with_first) for each in found} == {(2, True)}


def test_pairs_of_very_many_rows_are_corrected_by_bonferronis_method(quick):
    rows = Rows.of(drawn(*[0.9] * (multiple.MOST_ROWS - 1), 0.88, 0.5, images=100))
    comparisons, count = Comparisons(rows), len(rows) * (len(rows) - 1) // 2
    found = comparisons.pair(3, len(rows) - 1)
    assert found.p_board == pytest.approx(found.difference.p_value * count)
    assert (found.among, found.with_first, found.apart) == (count, False, True)
    assert found.level == pytest.approx(0.05 / count)
    assert comparisons.pair(1, 2).p_board == 1
    assert comparisons.with_first[-1].apart
    assert comparisons.with_first[-1].among == len(rows) - 1


@pytest.mark.parametrize("seeds", [1, 3])
def test_too_few_groups_cannot_tell(monkeypatch, seeds: int):
    no_simulation(monkeypatch)
    rows = drawn(0.95, 0.5, 0.2, seeds=seeds)
    groups = np.arange(500) % (multiple.FEWEST_GROUPS - 1)
    found = Comparisons(Rows.of(rows, groups))
    assert found.problem == "9 groups of test images are too few to tell rows apart: 10 are needed at least"
    assert {(each.p_board, each.apart) for each in every(found).values()} == {(None, False)}


def test_ten_groups_can_tell():
    found = Comparisons(Rows.of(drawn(0.95, 0.5, 0.2), np.arange(500) % multiple.FEWEST_GROUPS))
    assert found.problem == ""
    assert [each.apart for each in found.with_first] == [True, True]


def test_near_the_level_more_boards_are_simulated(monkeypatch):
    counts = []
    draw = Comparisons._draw_least

    def counted(self, stream, boards, *, all_pairs):
        counts.append(boards)
        return draw(self, stream, boards, all_pairs=all_pairs)

    monkeypatch.setattr(Comparisons, "_draw_least", counted)
    clear = Comparisons(Rows.of(drawn(0.9, 0.5, 0.4))).with_first
    assert [each.apart for each in clear] == [True, True]
    assert counts == [2000]
    # of the smallest p-values of equal boards, the one that 5% have
    rows = Rows.of(drawn(0.9, 0.9, 0.9))
    near = Comparisons(rows)
    level = np.quantile(near._few_with_first, 0.05)
    assert len(near._least_for(np.array([level]), all_pairs=False)) == 10_000
    assert len(near._least_for(np.array([0.9]), all_pairs=False)) == 2000


# --- what the correction is worth


@pytest.mark.parametrize("seeds", [1, 2, 5, (5, 1, 2, 3)])
@pytest.mark.parametrize("grouped", [False, True])
def test_a_row_that_is_clearly_better_is_told_apart(quick, seeds, grouped: bool):
    groups = np.arange(500) % 25 if grouped else None
    comparisons = Comparisons(Rows.of(drawn(0.97, 0.6, 0.6, 0.6, seeds=seeds), groups))
    assert all(each.apart and each.difference.mean > 0 for each in comparisons.with_first)
    # a simulation cannot say less than that
    assert all(each.p_board <= 2 / 401 for each in comparisons.with_first)
    assert not comparisons.pair(1, 3).apart


def test_what_is_known_of_the_choice_is_used(quick):
    """Where the first row was chosen by other images than these, luck of these did not choose it.

    If all that tells equal rows apart is the luck of images, validation chooses a row at random; not knowing how the
    first one was chosen must not say more than that.
    """
    rows = Rows.of(drawn(*[0.9] * 8, seeds=5, seed=3))
    noise = Rows.of(drawn(*[0.9] * 8, seeds=5, images=20, seed=4))
    knowing, worst = Comparisons(rows, noise), Comparisons(rows)
    for known, unknown in zip(knowing.with_first, worst.with_first, strict=True):
        assert known.level > unknown.level
        assert known.p_board <= unknown.p_board


def test_a_thousand_rows(quick):
    rng = np.random.default_rng(0)
    ease = rng.standard_normal(200)
    rows = [ease + rng.standard_normal((3, 200)) > 0 for _ in range(999)]
    comparisons = Comparisons(Rows.of([ease + rng.standard_normal((3, 200)) > -5, *rows]))
    assert sum(each.apart for each in comparisons.with_first) > 500  # of 999 comparisons
    assert comparisons.chances[0] > 0.95
    assert not comparisons.pair(500, 501).apart


@pytest.mark.parametrize("scatter", [0.1, 0.4])  # of seeds: the latter outweighs that of images
def test_the_best_of_ten_equal_rows_gives_a_false_alarm_in_five_percent_at_most(monkeypatch, scatter: float):
    """Chosen by validation images, which see the same seeds; and without the correction there are far more."""
    monkeypatch.setattr(multiple, "BOARDS", 300)
    monkeypatch.setattr(multiple, "MORE_BOARDS", 600)
    rng, alarms, uncorrected, boards = np.random.default_rng(2021), 0, 0, 300
    for _ in range(boards):
        ease, quality = rng.standard_normal(240), 1.5 + scatter * rng.standard_normal((10, 3, 1))
        right = ease + rng.standard_normal((10, 3, 240)) > -quality
        order = np.argsort(-right[..., :120].mean(axis=(1, 2)))
        validation, test = Rows.of(right[order, :, :120]), Rows.of(right[order, :, 120:])
        found = Comparisons(test, validation).with_first
        alarms += any(each.apart for each in found)
        uncorrected += any(each.difference.p_value < 0.05 for each in found)
    print(f"false alarms of ten equal rows: {alarms / boards:.3f}, uncorrected {uncorrected / boards:.3f}")
    most = 0.05 + 2 * (0.05 * 0.95 / boards) ** 0.5
    assert alarms / boards <= most < uncorrected / boards


# --- Holm's method


def holm(p_values: list[float]) -> list[float]:
    """As in the paper: the smallest times n, the next times n-1 and so on, never below the one before or above 1."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(np.argsort(p_values)):
        highest = max(highest, min(1.0, p_values[i] * (len(p_values) - rank)))
        adjusted[i] = highest
    return adjusted


@given(arrays(float, st.integers(0, 12), elements=st.floats(0, 1)))
@few
def test_adjust_is_holms_method(p_values: NDArray[np.float64]):
    adjusted = adjust(list(p_values))
    np.testing.assert_allclose(adjusted, holm(list(p_values)), rtol=1e-9)
    assert (adjusted >= p_values).all()
    assert (np.diff(adjusted[np.argsort(p_values)]) >= 0).all()


def test_rows_that_tie_share_the_probability_of_being_the_best():
    alike = [np.arange(300)[None] < 290 for _ in range(3)]
    np.testing.assert_allclose(Comparisons(Rows.of(alike)).chances, 1 / 3, atol=0.05)
    perfect = [np.ones((3, 100), bool) for _ in range(4)]
    np.testing.assert_allclose(Comparisons(Rows.of(perfect)).chances, 1 / 4)


@pytest.mark.parametrize("seeds", [1, 3])
def test_one_group_of_images_says_nothing(seeds: int):
    rng = np.random.default_rng(0)
    rows = Rows.of([rng.random((seeds, 50)) < share for share in (0.9, 0.5, 0.4)], np.zeros(50, int))
    comparisons = Comparisons(rows)
    assert comparisons.problem
    assert not any(each.apart for each in comparisons.with_first)
    for each in estimates(rows):
        assert (each.low, each.high) == (0, 1)
