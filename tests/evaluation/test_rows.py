"""What is kept of the rows of a board, and how both sources of chance are put together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from eyechart.evaluation.rows import LENT, Rows, accuracy_scales, spread, student

Correct = NDArray[np.bool_]
few = settings(deadline=None, max_examples=40)


@st.composite
def boards(draw: st.DrawFn) -> list[Correct]:
    """Small rows over the same images; single seeds and rows without mistakes are common."""
    images, count = draw(st.sampled_from([1, 2, 5, 30, 200])), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    chances = st.sampled_from([0.0, 0.5, 0.9, 1.0])
    return [rng.random((draw(st.integers(1, 5)), images)) < draw(chances) for _ in range(count)]


def of_accuracies(*rows: list[float], images: int = 1000) -> Rows:
    """Rows whose seeds have these accuracies, right on the first images."""
    return Rows.of([np.arange(images) < images * np.array(seeds)[:, None] for seeds in rows])


# --- what is kept


def test_what_is_kept_of_rows_by_hand():
    a = np.array([[1, 1, 0, 0], [1, 0, 0, 1]], bool)
    b = np.array([[1, 1, 1, 0]], bool)
    found = Rows.of([a, b])
    assert found.means.tolist() == [0.5, 0.75]
    assert found.seeds.tolist() == [2, 1]
    assert found.variances.tolist() == [0, 0]
    assert_allclose(found.residuals, [(0 + 0.5 + 0 + 0.5) / 4 / 4, 0])  # of two images, one of two seeds is right
    shares = np.array([[1, 0.5, 0, 0.5], [1, 1, 1, 0]]) - [[0.5], [0.75]]
    assert_allclose(found.squares, shares @ shares.T)
    assert (found.images, found.units, found.freedom, len(found)) == (4, 4, 4, 2)
    assert found.groups is None
    assert found.sizes is None
    groups = Rows.of([a, b], np.array([7, 7, 3, 7]))
    sums = np.array([[-0.5, 0.5], [0.25, -0.25]])  # group 3 has one image, group 7 three
    assert_allclose(groups.groups, sums.T)
    assert groups.sizes.tolist() == [1, 3]
    assert_allclose(groups.squares, sums @ sums.T)
    assert (groups.images, groups.units, groups.freedom) == (4, 2, 1)


def test_what_seeds_disagree_about_counts_by_group():
    a = np.array([[1, 1, 0, 0, 1, 0], [0, 0, 0, 0, 1, 1]], bool)
    groups = np.array([0, 0, 1, 1, 2, 2])
    own = a - a.mean(axis=1, keepdims=True)
    sums = own.reshape(2, 3, 2).sum(axis=2)
    assert_allclose(Rows.of([a], groups).residuals, [sums.var(axis=0, ddof=1).sum() / 36])
    # seeds that disagree about whole groups do so about more than about as many images here and there
    together, apart = (np.stack([np.ones(100), np.arange(100) % every < 10]) > 0 for every in (100, 20))
    assert_allclose(apart.mean(), 0.75)
    assert Rows.of([together], np.arange(100) // 10).residuals[0] > 0


@given(boards(), st.integers(0, 2**32 - 1))
@few
def test_groups_of_one_image_each_are_images(board: list[Correct], seed: int):
    alone = np.random.default_rng(seed).permutation(board[0].shape[1])
    single, grouped = Rows.of(board), Rows.of(board, alone)
    for name in ("means", "seeds", "variances", "squares", "images", "units"):
        assert_allclose(getattr(grouped, name), getattr(single, name), atol=1e-9, err_msg=name)


@given(boards(), st.integers(0, 2**32 - 1))
@few
def test_the_order_of_images_and_the_names_of_groups_are_nothing(board: list[Correct], seed: int):
    rng = np.random.default_rng(seed)
    shuffled, groups = rng.permutation(board[0].shape[1]), rng.integers(0, 4, board[0].shape[1])
    one, other = Rows.of(board, groups), Rows.of([row[:, shuffled] for row in board], (100 - 7 * groups)[shuffled])
    for name in ("means", "variances", "residuals", "squares", "images", "units"):
        assert_allclose(getattr(other, name), getattr(one, name), atol=1e-9, err_msg=name)


@pytest.mark.parametrize("bad", [np.ones(5, bool), np.ones((0, 3), bool), np.ones((3, 0), bool)])
def test_rows_are_seeds_by_images(bad: Correct):
    with pytest.raises(ValueError, match=r"Expected rows \(seeds, images\), not empty. Received: "):
        Rows.of([bad])


def test_rows_are_of_the_same_images():
    with pytest.raises(ValueError, match=r"Expected rows of the same images. Received: 3 and 4"):
        Rows.of([np.ones((2, 3), bool), np.ones((2, 4), bool)])


# --- images


def test_the_variance_over_images_is_that_of_their_mean():
    values = np.random.default_rng(0).random((1, 50))
    found = Rows.of([values])
    squares = found.squares[0, 0]
    assert_allclose(found.over_images(squares, 0.0), values.var() / 51)
    assert_allclose(found.over_images(squares, 1.0), (50 * values.var() + 1) / 50 / 51)
    assert found.over_images(0.0, 1.0) > 0  # that no image told two rows apart is no proof


def test_the_variance_over_groups_is_that_of_their_sums():
    values, groups = np.random.default_rng(0).random((1, 60)), np.arange(60) % 12
    found = Rows.of([values], groups)
    of_groups = values.reshape(5, 12).mean(axis=0)  # of equal size: the mean is the mean of theirs
    assert_allclose(found.over_images(found.squares[0, 0], 0.0), of_groups.var(ddof=1) / 12)
    assert_allclose(found.over_images(0.0, 1.0), 1 / 60**2 * 12 / 11)
    one = Rows.of([values], np.zeros(60, int))
    assert np.isfinite(one.over_images(one.squares[0, 0], 1.0))


def test_images_that_come_in_groups_say_less():
    right = np.repeat(np.random.default_rng(0).random((1, 40)) < 0.8, 25, axis=1)  # a whole film is hard or easy
    images, groups = Rows.of([right]), Rows.of([right], np.arange(1000) // 25)
    assert 20 < groups.over_images(groups.squares[0, 0], 1.0) / images.over_images(images.squares[0, 0], 1.0) < 30


# --- seeds


@given(boards())
@few
def test_no_row_goes_by_less_than_its_own_seeds_show(board: list[Correct]):
    found = Rows.of(board)
    used, freedom, both = spread(found, found.variances)
    several = found.seeds > 1
    assert (used >= found.variances)[several].all()
    assert (used >= both).all()
    assert (used[~several] == 0).all()
    assert (both >= 0).all()
    assert (freedom >= np.maximum(found.seeds - 1, 0)).all()
    assert (freedom <= np.maximum(found.seeds - 1, 0) + np.maximum(LENT, (found.seeds + 1) / 2)).all()
    assert (freedom <= max((found.seeds - 1).sum(), found.seeds.max() - 1)).all()


def test_a_row_alone_borrows_nothing():
    found = of_accuracies([0.9, 0.91])
    used, freedom, both = spread(found, found.variances)
    assert used.tolist() == both.tolist() == found.variances.tolist()
    assert freedom.tolist() == [1]
    beside_one_seed = of_accuracies([0.9, 0.91], [0.9])
    assert spread(beside_one_seed, beside_one_seed.variances)[0].tolist() == [*found.variances, 0]


def test_the_rows_of_a_board_lend_each_other_of_what_they_show():
    rows = [[0.9, 0.92], [0.9, 0.9], [0.9, 0.96], [0.9, 0.91]]
    found = of_accuracies(*rows)
    used, freedom, both = spread(found, found.variances)
    scales = accuracy_scales(found.means, 1000)
    beyond = ((found.variances - found.residuals) / scales**2).mean()
    lent = beyond * scales**2 + found.residuals
    assert_allclose(both, (LENT * lent + found.variances) / (LENT + 1))
    assert_allclose(used, np.maximum(both, found.variances))
    assert used[1] > found.variances[1] == 0
    assert used[2] == found.variances[2]  # the larger counts
    assert_allclose(freedom, 4 / 2)  # half of the board's four; each row has one by itself


def test_two_rows_lend_each_other_only_what_they_have():
    two = of_accuracies([0.9, 0.9], [0.9, 0.96])
    used, freedom, _ = spread(two, two.variances)  # the other row has one degree of freedom, too few to lend
    assert used.tolist() == two.variances.tolist()
    assert freedom.tolist() == [1, 1]
    five = of_accuracies([0.9] * 5, [0.9, 0.9, 0.9, 0.9, 0.1])
    used, freedom, _ = spread(five, five.variances)  # that the one has failed once says of the other that it may
    assert used[0] > 0
    assert used[1] == five.variances[1]
    assert freedom.tolist() == [4, 4]


def test_a_row_with_many_seeds_borrows_from_no_row_with_few():
    found = of_accuracies([0.9, 0.91, 0.92, 0.93, 0.94, 0.95], [0.9, 0.9], [0.9, 0.92])
    used, freedom, _ = spread(found, found.variances)
    assert (used[0], freedom[0]) == (found.variances[0], 5)
    assert used[1] > 0
    of_mean = 3**2 / (1 / 5 + 1 / 1 + 1 / 1)  # of the mean of the three variances, in which each counts alike
    assert_allclose(freedom[1:], of_mean / 2)
    many = of_accuracies(*[[0.9, 0.92]] * 20)
    assert_allclose(spread(many, many.variances)[1], 1 + LENT)


def test_a_row_with_one_seed_has_no_spread():
    found = of_accuracies([0.9, 0.92], [0.9], [0.9, 0.95], [0.8, 0.9])
    used, _, both = spread(found, found.variances)
    assert used[1] == both[1] == 0
    assert (np.delete(used, 1) > 0).all()


def test_what_is_lent_is_alike_on_the_scale_of_logits():
    """Seeds of a row near 100% lie closer together, and what a worse row shows must not widen it."""
    near, far = [0.99, 0.991], [0.5, 0.6]
    found = of_accuracies(near, far, far, far)
    used, _, _ = spread(found, found.variances)
    assert used[0] < used[1] / 20
    assert found.scales == pytest.approx(accuracy_scales(found.means, 1000))
    counts = Rows.of([np.array([[1, 5, 2], [2, 2, 4]])])
    assert counts.scales.tolist() == [1]  # of anything but accuracies nothing is known


def test_simulated_boards_are_leading_axes():
    found = of_accuracies([0.9, 0.92], [0.9, 0.9], [0.9, 0.95])
    variances = np.stack([found.variances, found.variances[::-1]])
    used, freedom, both = spread(found, variances)
    assert used.shape == both.shape == (2, 3)
    assert freedom.shape == (3,)
    for each, board, drawn in zip(variances, used, both, strict=True):
        alone = spread(found, each)
        assert_allclose(board, alone[0])
        assert_allclose(drawn, alone[2])


# --- both


def test_both_sources_by_hand():
    # V = 2 + (3 - 1); three quarters of it are seeds' with 4 degrees of freedom, a quarter images' with 100
    variance, freedom = student(2.0, 100, 3.0, 1.0, 4.0)
    assert variance == 4
    assert freedom == pytest.approx(1 / (0.75 / 4 + 0.25 / 100))


def test_seeds_that_only_disagree_about_images_add_nothing():
    variance, freedom = student(2.0, 100, 1.0, 1.5, 4.0)
    assert variance == 2
    assert freedom == pytest.approx(1 / (0.5 / 4 + 0.5 / 100))


def test_one_source_alone_has_its_own_degrees_of_freedom():
    assert student(2.0, 100, 0.0, 0.0, 0.0) == (2, 100)
    _, freedom = student(1e-12, 100, 3.0, 0.0, 4.0)
    assert freedom == pytest.approx(4)


@given(*[st.floats(0.001, 10)] * 3, st.integers(1, 50), st.integers(2, 10_000))
@few
def test_degrees_of_freedom_lie_between_those_of_both_sources(images, seeds, residual, few_free, many_free):
    variance, freedom = student(images, many_free, seeds, residual, few_free)
    assert images <= variance <= images + seeds
    assert min(few_free, many_free) - 1e-9 <= freedom <= max(few_free, many_free) + 1e-9
