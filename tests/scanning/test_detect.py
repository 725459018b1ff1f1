import numpy as np
import pytest

from eyechart.scanning.detect import Detection, detect, is_right, score

WINDOW = (6, 4)


def probabilities(*peaks: tuple[int, int, int, float]) -> np.ndarray:
    """Three classes, all equally probable but at some peaks: (row, column, class, probability)."""
    found = np.full((30, 30, 3), 1 / 3, np.float16)
    for row, column, label, probability in peaks:
        found[row, column] = (1 - probability) / 2
        found[row, column, label] = probability
    return found


def test_of_windows_that_overlap_the_surest_is_kept():
    found = detect(probabilities((10, 10, 0, 0.75), (15, 13, 1, 1.0), (10, 6, 2, 0.875), (29, 29, 2, 0.5)), WINDOW)
    assert found == [
        Detection(1, 1.0, 15, 13),  # the first overlaps this, and is less sure
        Detection(2, 0.875, 10, 6),
        Detection(2, 0.5, 29, 29),
    ]


def test_windows_side_by_side_do_not_overlap():
    assert len(detect(probabilities((10, 10, 0, 0.75), (16, 10, 1, 0.75), (10, 14, 2, 0.75)), WINDOW)) == 3
    assert len(detect(probabilities((10, 10, 0, 0.75), (15, 10, 1, 0.75), (10, 13, 2, 0.75)), WINDOW)) == 1


def test_nothing_is_sure():
    assert detect(probabilities((3, 3, 1, 0.49)), WINDOW) == []


def test_what_is_right_is_counted_by_hand():
    found = [Detection(1, 0.99, 10, 10), Detection(2, 0.9, 20, 20), Detection(0, 0.8, 2, 2), Detection(1, 0.6, 0, 20)]
    labels, places = (1, 2, 1, 1), ((11, 10), (20, 20), (2, 2), (10, 25))
    # near is 0.35 of 4 pixels: the first lies one pixel off, the third is of another class, none lies at the fourth
    every = score(found, labels, places, WINDOW, 0.5)
    assert (every.detected, every.right, every.known) == (4, 2, 4)
    assert (every.precision, every.recall, every.distance) == (0.5, 0.5, 0.5)
    sure = score(found, labels, places, WINDOW, 0.95)
    assert (sure.precision, sure.recall, sure.distance) == (1.0, 0.25, 1.0)
    none = score(found, labels, places, WINDOW, 0.999)
    assert (none.precision, none.recall, none.distance) == (None, 0.0, None)


@pytest.mark.parametrize("off", [(2, 0), (0, 2), (-1, 1)])
def test_beyond_a_third_of_the_window_is_not_near(off: tuple[int, int]):
    found = [Detection(1, 0.99, 10 + off[0], 10 + off[1])]
    assert score(found, [1], [(10, 10)], WINDOW, 0.5).right == 0


def test_a_detection_is_right_where_its_class_lies():
    places = ((10, 10), (20, 20))
    assert is_right(Detection(2, 0.9, 21, 20), (1, 2), places, WINDOW)
    assert not is_right(Detection(1, 0.9, 21, 20), (1, 2), places, WINDOW)
    assert not is_right(Detection(2, 0.9, 22, 20), (1, 2), places, WINDOW)
