from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eyechart.training.order import order

seeds, epochs, sizes = st.integers(0, 2**40), st.integers(1, 10_000), st.integers(0, 500)


def test_the_order_is_the_one_it_has_always_been():
    # another order is another result for every run key that was ever given out
    assert order(0, 1, 10).tolist() == [9, 1, 3, 8, 7, 6, 0, 4, 2, 5]


@given(seeds, epochs, sizes)
def test_every_image_is_read_once(seed, epoch, size):
    positions = order(seed, epoch, size)
    assert positions.dtype == np.int32
    assert sorted(positions) == list(range(size))


@given(seeds, epochs, sizes)
def test_it_depends_on_nothing_else(seed, epoch, size):
    first = order(seed, epoch, size)
    np.random.random()
    order(seed + 1, epoch, size)
    assert np.array_equal(order(seed, epoch, size), first)


@given(seeds, seeds, epochs)
def test_seeds_have_orders_of_their_own(one, other, epoch):
    assert (one == other) == np.array_equal(order(one, epoch, 100), order(other, epoch, 100))


@given(seeds, epochs, epochs)
def test_epochs_have_orders_of_their_own(seed, one, other):
    assert (one == other) == np.array_equal(order(seed, one, 100), order(seed, other, 100))
