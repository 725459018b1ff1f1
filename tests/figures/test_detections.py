import numpy as np
import pytest
from matplotlib.figure import Figure

from eyechart.figures import Box, detections, to_array

BOXES = [Box(0, 0, "sneaker", 0.9999, True), Box(30, 0, "ankle boot", 0.5, False), Box(0, 30, "bag", 0.75, None)]


def drawn(shape: tuple[int, int, int], boxes: list[Box] = BOXES, size: tuple[int, int] = (28, 28)) -> Figure:
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return detections(image, boxes, [(60, 60)], size, "a network on a data set: what it detects")


def test_each_box_has_its_class_and_probability(texts_of):
    texts = texts_of(drawn((120, 100, 1)))
    assert {"sneaker 1.00", "bag 0.75", "detected", "right", "wrong", "missed"} <= set(texts)
    assert any(text.startswith("ankle") for text in texts)


@pytest.mark.parametrize("shape", [(200, 200, 3), (90, 2000, 1), (1500, 90, 3), (60, 59, 1)])
def test_every_text_can_be_read(shape: tuple[int, int, int], texts_of):
    texts_of(drawn(shape))
    texts_of(drawn(shape, boxes=[]))
    texts_of(drawn(shape, size=(4, 4)))


def test_the_picture_grows_so_that_names_have_room(texts_of):
    widths = [drawn((side, side, 1)).get_figwidth() for side in (100, 400, 8000, 9000)]
    assert widths[0] < widths[1] < widths[2] == widths[3]
    assert "bag 0.75" in texts_of(drawn((500, 450, 1)))
    assert any(text.startswith("bag") for text in texts_of(drawn((1100, 900, 1))))
    assert not any(text.startswith("bag") for text in texts_of(drawn((1300, 900, 1))))


def test_thousands_of_boxes_are_drawn_at_once():
    boxes = [Box(top, left, "a", 0.9, None) for top in range(0, 3000, 30) for left in range(0, 3000, 30)]
    figure = drawn((3000, 3000, 1), boxes)
    (axes,) = figure.axes
    assert not axes.patches
    assert sum(len(collection.get_paths()) for collection in axes.collections) == 10_001
    assert max(axes.images[0].get_array().shape) <= 2000
    assert axes.get_xlim() == (0, 3000)
    to_array(figure)


def test_another_shape_is_refused():
    with pytest.raises(ValueError, match="Expected an image"):
        drawn((20, 20))  # type: ignore[arg-type]
