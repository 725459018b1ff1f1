import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eyechart.inference.scanning.detect import LEAST, Detection, detect, right_ones, score_detections

WINDOW = (6, 4)


def found(*peaks: tuple[int, int, int, float]) -> list[Detection]:
    """What is detected where nothing is sure but some peaks: (row, column, class, probability)."""
    probabilities, labels = np.full((30, 30), 1 / 3, np.float16), np.zeros((30, 30), np.uint8)
    for row, column, label, probability in peaks:
        probabilities[row, column], labels[row, column] = probability, label
    return detect(probabilities, labels, WINDOW)


def test_of_windows_that_overlap_the_surest_is_kept():
    assert found((10, 10, 0, 0.75), (15, 13, 1, 1.0), (10, 6, 2, 0.875), (29, 29, 2, 0.5)) == [
        Detection(1, 1.0, 15, 13),  # the first overlaps this, and is less sure
        Detection(2, 0.875, 10, 6),
        Detection(2, 0.5, 29, 29),
    ]


def test_windows_side_by_side_do_not_overlap():
    assert len(found((10, 10, 0, 0.75), (16, 10, 1, 0.75), (10, 14, 2, 0.75))) == 3
    assert len(found((10, 10, 0, 0.75), (15, 10, 1, 0.75), (10, 13, 2, 0.75))) == 1


def test_nothing_is_sure():
    assert found((3, 3, 1, 0.49)) == []


def one_by_one(probabilities: np.ndarray, labels: np.ndarray, window: tuple[int, int]) -> list[Detection]:
    """The same over the whole map for each detection."""
    left_over, (height, width) = probabilities.copy(), window
    detections = []
    while left_over.max() >= LEAST:
        top, left = divmod(int(left_over.argmax()), left_over.shape[1])
        detections.append(Detection(int(labels[top, left]), float(left_over[top, left]), top, left))
        left_over[max(0, top - height + 1) : top + height, max(0, left - width + 1) : left + width] = 0
    return detections


@given(st.data(), st.tuples(st.integers(1, 25), st.integers(1, 25)), st.tuples(st.integers(1, 6), st.integers(1, 6)))
def test_detections_are_found_as_one_by_one(data, size, window):
    # few values, so that many windows are equally sure
    probabilities = data.draw(
        arrays(np.float32, size, elements=st.sampled_from([0.25, 0.5, 0.75, 1.0]), fill=st.just(1))
    )
    labels = np.arange(size[0] * size[1]).reshape(size)
    assert detect(probabilities, labels, window) == one_by_one(probabilities, labels, window)


def test_detections_are_found_where_no_two_windows_are_equally_sure():
    probabilities = np.random.default_rng(0).permutation(np.linspace(0.2, 1, 90 * 71, dtype=np.float32)).reshape(90, 71)
    labels = np.zeros((90, 71), np.uint8)
    assert detect(probabilities, labels, (7, 9)) == one_by_one(probabilities, labels, (7, 9))


def test_what_is_right_is_counted_by_hand():
    found = [Detection(1, 0.99, 10, 10), Detection(2, 0.9, 20, 20), Detection(0, 0.8, 2, 2), Detection(1, 0.6, 0, 20)]
    labels, places = (1, 2, 1, 1), ((11, 10), (20, 20), (2, 2), (10, 25))
    # near is 0.35 of 4 pixels: the first lies one pixel off, the third is of another class, none lies at the fourth
    every = score_detections(found, labels, places, WINDOW, 0.5)
    assert (every.detected, every.right, every.known) == (4, 2, 4)
    assert (every.precision, every.recall, every.distance) == (0.5, 0.5, 0.5)
    sure = score_detections(found, labels, places, WINDOW, 0.95)
    assert (sure.precision, sure.recall, sure.distance) == (1.0, 0.25, 1.0)
    none = score_detections(found, labels, places, WINDOW, 0.999)
    assert (none.precision, none.recall, none.distance) == (None, 0.0, None)


@pytest.mark.parametrize("off", [(2, 0), (0, 2), (-1, 1)])
def test_beyond_a_third_of_the_window_is_not_near(off: tuple[int, int]):
    found = [Detection(1, 0.99, 10 + off[0], 10 + off[1])]
    assert score_detections(found, [1], [(10, 10)], WINDOW, 0.5).right == 0


def test_a_detection_is_right_where_its_class_lies():
    labels, places = (1, 2, 1), ((10, 10), (20, 20), (0, 0))
    detections = [Detection(*about) for about in ((2, 0.9, 21, 20), (1, 0.9, 21, 20), (2, 0.9, 22, 20), (1, 0.5, 0, 1))]
    assert right_ones(detections, labels, places, WINDOW) == [[], [0], [3]]
    assert right_ones([], labels, places, WINDOW) == [[], [], []]
