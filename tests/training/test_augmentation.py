"""Changing images at random; `engine_cases.py` changes them, on both backends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyechart.core.errors import ConfigError
from eyechart.training.augmentation import DRAWS, Augmentation

seeds, epochs = st.integers(0, 2**32 - 1), st.integers(1, 1000)
indices = st.lists(st.integers(0, 3000), min_size=1, max_size=20).map(np.array)
CHANGES = ("shift", "flip", "shift and flip", "cutout", "even cutout", "all")


# --- the random numbers


@given(seeds, epochs, indices)
def test_an_image_is_changed_alike_whichever_others_are_drawn(seed, epoch, asked):
    together = Augmentation().draw(seed, epoch, asked)
    assert together.dtype == np.float32
    assert together.shape == (len(asked), DRAWS)
    assert (together >= 0).all()
    assert (together < 1).all()
    for index, draws in zip(asked, together, strict=True):
        assert np.array_equal(Augmentation().draw(seed, epoch, np.array([index]))[0], draws)


@given(seeds, seeds, epochs, epochs)
def test_every_seed_and_epoch_has_numbers_of_its_own(seed, other_seed, epoch, other_epoch):
    one, other = (Augmentation().draw(*key, np.arange(3)) for key in ((seed, epoch), (other_seed, other_epoch)))
    assert np.array_equal(one, other) == ((seed, epoch) == (other_seed, other_epoch))


def test_the_numbers_are_those_they_have_always_been():
    # others would be another result for every run key that was given out
    drawn = Augmentation().draw(0, 1, np.array([1]))
    assert drawn[0] == pytest.approx([0.22719777, 0.48411632, 0.92539388, 0.78430218, 0.33383149], abs=1e-7)


# --- what they do to images


@pytest.mark.parametrize("change", CHANGES)
def test_both_backends_change_images_alike(all_facts, change):
    one, other = (all_facts[backend]["augmented"][change] for backend in ("tensorflow", "jax"))
    assert one["draws"] == other["draws"]
    assert one["changed"] == other["changed"]


@pytest.fixture
def changed(facts):
    """Of a kind of change: the images before, their draws, and the images after."""

    def of(change):
        found = facts("augmented")[change]
        assert found["type"] == "uint8"
        return [np.array(found[name]) for name in ("images", "draws", "changed")]

    return of


def padded(image, sides):
    return np.pad(image, ((sides, sides), (sides, sides), (0, 0)))


def test_a_shift_is_a_crop_of_the_image_with_a_black_border(changed):
    crops = []
    for before, draws, after in zip(*changed("shift"), strict=True):
        top, left = (int(draw * 5) for draw in draws[:2])
        height, width, _ = before.shape
        assert np.array_equal(after, padded(before, 2)[top : top + height, left : left + width])
        crops.append((top, left))
    assert sorted(crops) == [(top, left) for top in range(5) for left in range(5)]


def test_a_flip_mirrors_left_to_right(changed):
    flipped = []
    for before, draws, after in zip(*changed("flip"), strict=True):
        assert np.array_equal(after, before[:, ::-1] if draws[2] < 0.5 else before)
        flipped.append(draws[2] < 0.5)
    assert set(flipped) == {True, False}


def test_what_is_flipped_is_then_shifted(changed):
    for before, draws, after in zip(*changed("shift and flip"), strict=True):
        top, left = (int(draw * 5) for draw in draws[:2])
        height, width, _ = before.shape
        seen = before[:, ::-1] if draws[2] < 0.5 else before
        assert np.array_equal(after, padded(seen, 2)[top : top + height, left : left + width])


@pytest.mark.parametrize(("change", "side"), [("cutout", 3), ("even cutout", 4)])
def test_what_is_cut_out_is_a_black_square_around_its_place_as_far_as_the_image_goes(changed, change, side):
    areas = []
    for before, draws, after in zip(*changed(change), strict=True):
        height, width, _ = before.shape
        row, column = int(draws[3] * height), int(draws[4] * width)
        top, left = row - side // 2, column - side // 2
        expected = before.copy()
        expected[max(top, 0) : top + side, max(left, 0) : left + side] = 0
        assert np.array_equal(after, expected)
        assert (after[row, column] == 0).all()
        areas.append(int((after == 0).all(axis=2).sum()))
    assert max(areas) == side**2  # inside the image
    assert min(areas) < side**2  # at a border


def test_all_at_once_is_one_after_the_other(changed):
    for before, draws, after in zip(*changed("all"), strict=True):
        top, left = (int(draw * 5) for draw in draws[:2])
        height, width, _ = before.shape
        seen = padded(before[:, ::-1] if draws[2] < 0.5 else before, 2)[top : top + height, left : left + width]
        kept = after.any(axis=2)
        assert np.array_equal(after[kept], seen[kept])
        assert not kept[int(draws[3] * height), int(draws[4] * width)]


# --- whether anything is done


@pytest.mark.parametrize("chosen", [{"flip": True}, {"shift": 1}, {"cutout": 1}])
def test_any_change_is_an_augmentation(chosen):
    assert Augmentation(**chosen)


def test_no_change_is_none():
    assert not Augmentation()


@pytest.mark.parametrize("chosen", [{"shift": -1}, {"cutout": -1}])
def test_numbers_of_pixels_are_not_negative(chosen):
    (name,) = chosen
    with pytest.raises(ConfigError, match=rf"augmentation\.{name} must be 0 or more"):
        Augmentation(**chosen).check()
