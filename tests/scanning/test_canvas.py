import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyechart.errors import EyechartError
from eyechart.scanning import Geometry
from eyechart.scanning.canvas import check_places, compose, random_places
from eyechart.scanning.frames import coarse_frame, full_frame


@settings(max_examples=50)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 12), st.integers(0, 1000))
def test_random_places_are_as_given_ones_have_to_be(height: int, width: int, more: int, seed: int):
    side = 3 * max(height, width) + more
    places = random_places(side, (height, width), 2, seed)
    check_places(places, side, (height, width))
    assert places == random_places(side, (height, width), 2, seed)


def test_another_seed_is_another_canvas():
    assert random_places(200, (28, 28), 5, 0) != random_places(200, (28, 28), 5, 1)


def test_the_places_of_the_document():
    places = [(0, 0), (50, 150), (100, 100), (171, 171), (120, 30)]
    check_places(places, 200, (28, 28))
    images = np.random.default_rng(0).integers(1, 256, (5, 28, 28, 3), np.uint8)
    canvas = compose(images, [5, 4, 3, 2, 1], places, 200)
    for image, (top, left) in zip(images, canvas.places, strict=True):
        np.testing.assert_array_equal(canvas.image[top : top + 28, left : left + 28], image)
    assert np.count_nonzero(canvas.image.any(axis=2)) == 5 * 28 * 28
    assert canvas.labels == (5, 4, 3, 2, 1)


def test_side_by_side_is_no_overlap():
    check_places([(0, 0), (0, 5), (4, 0), (4, 5)], 10, (4, 5))


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ([(0, 0), (3, 4)], r"that do not overlap, received \[0,0\] and \[3,4\]: type places= that are further apart"),
        ([(7, 0)], r"within a canvas of size=10, received \[7,0\]: type rows from 0 to 6 and columns from 0 to 5"),
        ([(0, -1)], r"received \[0,-1\]"),
    ],
)
def test_wrong_places(places: list[tuple[int, int]], message: str):
    with pytest.raises(EyechartError, match=message):
        check_places(places, 10, (4, 5))


@pytest.mark.parametrize("side", [27, 28, 50, 90])
def test_more_than_fit(side: int):
    with pytest.raises(EyechartError, match=rf"received size={side}, with room for \d+: type a larger size= or a sm"):
        random_places(side, (28, 28), 10, 0)


def test_the_frames_of_the_document():
    geometry = Geometry((28, 28), (4, 4), (6, 6), (6, 6), True)
    coarse = coarse_frame(np.ones((44, 44)), (200, 200), geometry)
    assert coarse.shape == (50, 50)
    assert np.isfinite(coarse[3:-3, 3:-3]).all()
    assert np.isfinite(coarse).sum() == 44 * 44
    full = full_frame(np.ones((173, 173)), (200, 200), geometry)
    assert full.shape == (200, 200)
    assert np.isfinite(full[13:-14, 13:-14]).all()
    assert np.isfinite(full).sum() == 173 * 173


@settings(max_examples=100)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 30), st.integers(1, 5))
def test_an_answer_lies_where_its_window_has_its_centre(height: int, width: int, more: int, stride: int):
    geometry = Geometry((height, width), (stride, 1), (0, 0), (0, 0), False)
    size = height + more, width + 3
    rows, columns = geometry.positions(size)
    number = np.arange(rows * columns).reshape(rows, columns).astype(float)
    frame = coarse_frame(number, size, geometry)
    assert frame.shape == (-(-size[0] // stride), size[1])
    for i in range(rows):
        middle = i * stride + (height + 1) // 2 - 1
        np.testing.assert_array_equal(frame[middle // stride, (width + 1) // 2 - 1 :][:columns], number[i])
    every = geometry.positions(size, (1, 1))
    full = full_frame(np.ones(every), size, geometry)
    assert np.isfinite(full).sum() == every[0] * every[1]
    assert np.isfinite(full[(height + 1) // 2 - 1, (width + 1) // 2 - 1])
