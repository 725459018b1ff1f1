import numpy as np
import pytest
from matplotlib.figure import Figure

from eyechart.figures import gallery, to_array

NAMES = ["cat", "dog", "a class name that is far too long to stand below an image of any size"]


def a_gallery(count: int, shape: tuple[int, int, int] = (28, 28, 1), value: int | None = None) -> Figure:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, *shape), dtype=np.uint8)
    if value is not None:
        images[:] = value
    labels, predictions = np.arange(count) % 3, (np.arange(count) + 1) % 3
    return gallery(images, labels, predictions, np.linspace(1, 0.3, count, dtype=np.float32), NAMES, "mistakes")


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 25, 40])
def test_every_text_can_be_read(count: int, texts_of):
    texts = texts_of(a_gallery(count))
    assert "dog (100%)" in texts
    assert texts.count("true: cat") == (count + 2) // 3
    assert len(texts) == 2 * count + 3  # with the title and the key


def test_no_mistakes(texts_of):
    assert "no mistakes" in texts_of(a_gallery(0))


@pytest.mark.parametrize(
    "shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 8, 3), (8, 64, 1), (300, 200, 3), (1, 1, 1), (1, 500, 3)]
)
def test_every_shape(shape: tuple[int, int, int], texts_of):
    texts_of(a_gallery(7, shape))


@pytest.mark.parametrize("channels", [1, 3])
def test_images_lie_upright_in_their_colours(channels: int):
    image = np.zeros((1, 2, 2, channels), dtype=np.uint8)
    image[0, 0, 0] = [130] if channels == 1 else [10, 200, 30]  # the upper left quarter
    drawn = to_array(gallery(image, [0], [1], [0.5], NAMES, ""))
    rows, columns = np.nonzero((drawn == 0).all(axis=2))
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    middle, centre = (top + bottom) // 2, (left + right) // 2
    assert bottom - top == right - left
    assert (drawn[top : middle - 1, left : centre - 1] == image[0, 0, 0]).all()
    assert (drawn[middle + 1 : bottom, left:right] == 0).all()
    assert (drawn[top:bottom, centre + 1 : right] == 0).all()


def test_texts_do_not_lie_on_images():
    black = a_gallery(6, value=0)
    drawn = (to_array(black) == 0).all(axis=2)
    columns = np.flatnonzero(drawn.any(axis=0))
    rows = np.flatnonzero(drawn.any(axis=1))
    # five images in the first row, one in the second: rectangles, nothing drawn upon them
    tile = round(1.15 * black.dpi)
    assert drawn.sum() == 6 * tile * tile
    assert len(rows) == 2 * tile
    assert len(columns) == 5 * tile


def test_arguments_that_do_not_fit_together():
    images = np.zeros((2, 4, 4, 1), dtype=np.uint8)
    with pytest.raises(ValueError, match=r"Received: \(2, 4, 4\)"):
        gallery(images[..., 0], [0, 1], [1, 0], [0.5, 0.5], NAMES, "")
    with pytest.raises(ValueError, match="Received: 1, 2, 2 for 2 images"):
        gallery(images, [0], [1, 0], [0.5, 0.5], NAMES, "")
