from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eyechart.data.stratify import best_stretch, joined, stratified_permutation, window

label_lists = st.lists(st.integers(0, 6), min_size=1, max_size=120).map(np.array)


@given(label_lists, st.integers(0, 2**32 - 1))
def test_it_is_a_permutation(labels, seed):
    order = stratified_permutation(labels, seed=seed)
    assert order.dtype == np.int64
    assert sorted(order) == list(range(len(labels)))
    assert np.array_equal(order, stratified_permutation(labels, seed=seed))


@given(label_lists, st.integers(0, 5))
def test_every_window_holds_the_classes_in_proportion(labels, seed):
    one_hot = np.eye(7, dtype=int)[labels[stratified_permutation(labels, seed=seed)]]
    prefix = np.vstack([np.zeros(7, int), one_hot.cumsum(axis=0)])
    share = prefix[-1] / len(labels)
    starts, ends = np.triu_indices(len(prefix))
    difference = np.abs(prefix[ends] - prefix[starts] - share * (ends - starts)[:, None])
    # a prefix is off by half an image of its own class and by half a one of every other, in proportion
    assert (difference <= 1 + (prefix[-1] > 0).sum() * share + 1e-9).all()


@given(st.integers(1, 7), st.integers(1, 20), st.integers(0, 5))
def test_with_equal_classes_every_window_is_balanced_to_one_image(classes, size, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(classes), size))
    ordered = labels[stratified_permutation(labels, seed=seed)]
    for start in range(len(ordered)):
        for end in range(start + 1, len(ordered) + 1, 3):
            counts = np.bincount(ordered[start:end], minlength=classes)
            assert counts.max() - counts.min() <= 1


def test_the_seed_matters_and_the_order_is_not_that_of_the_file():
    labels = np.arange(100) % 10
    first, second = stratified_permutation(labels, seed=0), stratified_permutation(labels, seed=1)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, np.arange(100))


def test_it_will_never_change():
    """The splits of every run, and the digits' test part, hang on it."""
    assert stratified_permutation(np.arange(12) % 3, seed=0).tolist() == [6, 4, 11, 9, 10, 2, 3, 1, 8, 0, 7, 5]


# --- units that are not divided

numbered = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), min_size=1, max_size=40).map(np.array)


@given(label_lists, st.integers(0, 5))
def test_units_of_one_image_change_nothing(labels, seed):
    alone = np.random.default_rng(seed).permutation(len(labels)) * 7
    ordered = np.argsort(np.argsort(alone))  # units are in the order of their numbers
    expected = stratified_permutation(labels[np.argsort(alone)], seed=seed)
    assert np.array_equal(ordered[stratified_permutation(labels, seed=seed, units=alone)], expected)
    assert np.array_equal(
        stratified_permutation(labels, seed=seed),
        stratified_permutation(labels, seed=seed, units=np.arange(len(labels))),
    )


@given(numbered, st.integers(0, 5))
def test_units_lie_side_by_side(images, seed):
    labels, units = images.T
    order = stratified_permutation(labels, seed=seed, units=units)
    assert sorted(order) == list(range(len(labels)))
    assert len(list(itertools.groupby(units[order]))) == len(set(units))


@given(numbered, st.integers(1, 9))
def test_windows_side_by_side_divide_no_unit_and_hold_each_image_once(images, folds):
    labels, units = images.T
    order = stratified_permutation(labels, seed=0, units=units)
    size = -(-len(order) // folds)
    found = [window(order, fold * size, size, units) for fold in range(folds)]
    covered = sum(mask.astype(int) for mask in found)
    assert covered.min() >= 1
    assert covered.max() <= -(-size * folds // len(order))
    for mask in found:
        assert not set(units[order[mask]]) & set(units[order[~mask]])


@given(label_lists, st.integers(0, 200), st.integers(0, 120))
def test_a_window_of_single_images_goes_round(labels, start, size):
    order = stratified_permutation(labels, seed=0)
    size = min(size, len(order))
    expected = np.zeros(len(order), bool)
    expected[(start + np.arange(size)) % len(order)] = True
    assert np.array_equal(window(order, start, size, None), expected)


@given(numbered, st.data())
def test_the_best_stretch_divides_no_unit_and_leaves_some(images, data):
    labels, units = images.T
    if len(set(units)) < 2:
        return
    order = stratified_permutation(labels, seed=0, units=units)
    size = data.draw(st.integers(1, len(order) - 1))
    mask = best_stretch(order, size, labels, units)
    assert 0 < mask.sum() < len(order)
    assert not set(units[order[mask]]) & set(units[order[~mask]])
    alone = best_stretch(order, size, labels, None)
    assert np.array_equal(np.flatnonzero(alone), np.arange(len(order) - size, len(order)))


def test_the_best_stretch_has_the_size_and_the_classes_that_are_asked_for():
    """60 patients with 5 to 30 images each, a fifth of them of the class 1: a sixth of the images."""
    random = np.random.default_rng(0)
    units = np.repeat(np.arange(60), random.integers(5, 31, 60))
    labels = (units % 5 == 0).astype(int)
    order = stratified_permutation(labels, seed=0, units=units)
    size = len(labels) // 6
    held = labels[order[best_stretch(order, size, labels, units)]]
    assert abs(len(held) - size) <= 10
    assert abs(held.mean() - labels.mean()) < 0.01


def test_units_of_one_class_each_are_spread_over_windows():
    """30 patients of two classes with 20 images each: five folds of six patients have three of each."""
    units = np.repeat(np.arange(30), 20)
    labels = units % 2
    order = stratified_permutation(labels, seed=0, units=units)
    for fold in range(5):
        held = labels[order[window(order, fold * 120, 120, units)]]
        assert np.bincount(held).tolist() == [60, 60]


def test_what_is_rare_is_spread_first():
    """Six of 60 patients have an image of a rare class among 19 of a common one: each third has two of them."""
    units = np.repeat(np.arange(60), 20)
    labels = ((np.arange(1200) % 20 == 0) & (units < 6)).astype(int)
    order = stratified_permutation(labels, seed=0, units=units)
    assert [labels[order[window(order, third * 400, 400, units)]].sum() for third in range(3)] == [2, 2, 2]


@given(numbered)
def test_joined_units_divide_no_part_and_are_the_smallest(images):
    one, other = images.T
    unit = joined(one, None, other)
    unit = np.arange(len(one)) if unit is None else unit
    for partition in (one, other):
        assert all(len(set(unit[partition == value])) == 1 for value in set(partition))
    assert (unit[unit] == unit).all()
    reached, before = np.arange(len(one)) == 0, None  # from the first, by steps within parts
    while not np.array_equal(before, reached):
        before, reached = reached, np.isin(one, one[reached]) | np.isin(other, other[reached])
    assert np.array_equal(reached, unit == unit[0])
    assert joined(None) is None
