import numpy as np
import pytest
from matplotlib.figure import Figure

from eyechart.figures import Box, detections

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


def test_another_shape_is_refused():
    with pytest.raises(ValueError, match="Expected an image"):
        drawn((20, 20))  # type: ignore[arg-type]
