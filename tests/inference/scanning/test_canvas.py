import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyechart.core.errors import EyechartError
from eyechart.inference.scanning import Geometry
from eyechart.inference.scanning.canvas import check_places, compose, random_places
from eyechart.inference.scanning.frames import coarse_frame, full_frame
from eyechart.inference.scanning.maps import Seen


def seen(rows: int, columns: int, seed: int = 0) -> Seen:
    random = np.random.default_rng(seed)
    return Seen(random.random((rows, columns), np.float32), random.integers(0, 10, (rows, columns), np.uint8))


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
    coarse = coarse_frame(seen(44, 44), (200, 200), geometry, 1000)
    assert (coarse.classes.shape, coarse.cell) == ((50, 50), (4, 4))
    full = full_frame(seen(173, 173), (200, 200), geometry, 1000)
    assert (full.classes.shape, full.cell) == ((200, 200), (1, 1))
    for values, of_full in ((coarse.classes, full.classes), (coarse.probabilities, full.probabilities)):
        assert np.isfinite(values[3:-3, 3:-3]).all()
        assert np.isfinite(values).sum() == 44 * 44
        assert np.isfinite(of_full[13:-14, 13:-14]).all()
        assert np.isfinite(of_full).sum() == 173 * 173


@settings(max_examples=100)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 30), st.integers(1, 5))
def test_an_answer_lies_where_its_window_has_its_centre(height: int, width: int, more: int, stride: int):
    geometry = Geometry((height, width), (stride, 1), (0, 0), (0, 0), False)
    size = height + more, width + 3
    rows, columns = geometry.positions(size)
    numbers = np.arange(rows * columns).reshape(rows, columns)
    frame = coarse_frame(Seen(numbers / 2, numbers), size, geometry, 1000)
    assert frame.classes.shape == (-(-size[0] // stride), size[1])
    assert frame.cell == (stride, 1)
    np.testing.assert_array_equal(frame.probabilities, frame.classes / 2)
    for i in range(rows):
        middle = i * stride + (height + 1) // 2 - 1
        np.testing.assert_array_equal(frame.classes[middle // stride, (width + 1) // 2 - 1 :][:columns], numbers[i])
    every = geometry.positions(size, (1, 1))
    full = full_frame(seen(*every), size, geometry, 1000).classes
    assert np.isfinite(full).sum() == every[0] * every[1]
    assert np.isfinite(full[(height + 1) // 2 - 1, (width + 1) // 2 - 1])


@settings(max_examples=100)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(1, 20),
    st.data(),
)
def test_of_a_large_map_the_surest_of_each_block_is_shown(window, more, beside, most, data):
    geometry = Geometry(window, (1, 1), (0, 0), (0, 0), False)
    size = window[0] + more, window[1] + beside
    large = seen(more + 1, beside + 1, data.draw(st.integers(0, 99)))
    whole, small = (full_frame(large, size, geometry, limit) for limit in (1000, most))
    side = small.cell[0]
    assert small.cell == (side, side)
    assert max(small.classes.shape) <= most
    assert small.classes.shape == small.probabilities.shape == (-(-size[0] // side), -(-size[1] // side))
    for row, column in np.ndindex(small.classes.shape):
        block = slice(row * side, (row + 1) * side), slice(column * side, (column + 1) * side)
        probabilities = whole.probabilities[block]
        if np.isnan(probabilities).all():
            assert np.isnan(small.probabilities[row, column])
            assert np.isnan(small.classes[row, column])
        else:
            assert small.probabilities[row, column] == np.nanmax(probabilities)
            assert small.classes[row, column] == whole.classes[block].flat[np.nanargmax(probabilities)]
