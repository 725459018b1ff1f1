"""A canvas of test images: what decides on it, and what cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.core.errors import EyechartError
from eyechart.data import open_dataset
from eyechart.inference.scanning.canvas import Composition, composed


def test_the_seed_decides_on_the_canvas(digits):
    dataset = open_dataset("digits")
    one, again, other = (composed(dataset, Composition(90, 5, seed, None)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.image, again.image)
    assert one.places == again.places
    assert not np.array_equal(one.image, other.image)
    given = composed(dataset, Composition(90, 99, 3, one.places))
    np.testing.assert_array_equal(given.image, one.image)
    assert given.labels == one.labels


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            Composition(15, 1, 0, None),
            "expected a canvas of 16 pixels, the size of the images of 'digits', to 9433",
        ),
        (Composition(9434, 1, 0, None), "received size=9434: type another size="),
        (
            Composition(40, 9, 0, None),
            "expected a canvas that 9 images of 16x16 pixels fit on at random",
        ),
        (Composition(2000, 9999, 0, None), r"expected 1 to \d+ test images of 'digits', received 9,999: type another"),
        (Composition(40, 1, 0, ((0, 0), (15, 7))), r"that do not overlap, received \[0,0\] and \[15,7\]"),
        (Composition(20, 1, 0, ((0, 5),)), r"received \[0,5\]: type rows from 0 to 4 and columns from 0 to 4"),
    ],
)
def test_a_canvas_that_cannot_be(digits, wanted, message):
    with pytest.raises(EyechartError, match=message):
        composed(open_dataset("digits"), wanted)


def test_a_canvas_may_lie_over_a_photograph(digits):
    dataset = open_dataset("digits")
    black, over, other = (
        composed(dataset, Composition(90, 5, seed, background=background))
        for seed, background in ((3, False), (3, True), (4, True))
    )
    assert (over.places, over.labels) == (black.places, black.labels)
    white = black.image == 255
    assert (over.image[white] == 255).all()
    assert (over.image >= black.image).all()
    assert np.unique(over.image[black.image == 0]).size > 5
    assert not np.array_equal(over.image, other.image)
