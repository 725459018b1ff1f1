from __future__ import annotations

import numpy as np
import pytest

from eyechart.training.backend.engine import Epoch
from eyechart.training.order import Reading, order


@pytest.fixture
def epoch():
    draws = np.arange(4 * 3 * 2, dtype=np.float32).reshape(4, 3, 2)
    return Epoch(np.arange(12, dtype=np.int32).reshape(4, 3), draws, np.array([True, False, False, True]))


def test_the_share_of_some_members(epoch):
    share = epoch.of(slice(1, 3))
    assert share.orders.tolist() == [[3, 4, 5], [6, 7, 8]]
    assert np.array_equal(share.draws, epoch.draws[1:3])
    assert share.active.tolist() == [False, False]


def test_a_share_has_no_more_than_the_whole(epoch):
    share = Epoch(epoch.orders).of(slice(1, 2))
    assert share.orders.tolist() == [[3, 4, 5]]
    assert share.draws is None
    assert share.active is None


def test_an_epoch_of_which_nobody_learns_is_idle(epoch):
    assert not epoch.idle
    assert not Epoch(epoch.orders).idle
    assert [epoch.of(slice(member, member + 1)).idle for member in range(4)] == [False, True, True, False]


def test_members_read_in_orders_of_their_own():
    active = np.array([True, False])
    epoch = Reading([5, 6], 7, lambda seed, number: np.full((7, 5), 10 * seed + number, np.float32)).epoch(3, active)
    assert np.array_equal(epoch.orders, [order(5, 3, 7), order(6, 3, 7)])
    assert epoch.draws.shape == (2, 7, 5)
    assert epoch.draws[:, 0, 0].tolist() == [53, 63]
    assert epoch.active.tolist() == [True, False]


def test_what_is_not_augmented_has_no_draws():
    epoch = Reading([5], 7).epoch(1)
    assert epoch.draws is None
    assert epoch.active is None
