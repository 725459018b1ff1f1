from __future__ import annotations

import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure

from eyechart.figures import contact_sheet

NAMES = ["cat", "a class name that is far too long to stand below an image of any size"]


def a_sheet(count: int, shape: tuple[int, int, int] = (28, 28, 1), name: str = "IMG") -> Figure:
    images = np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)
    probabilities = np.array([[0.75, 0.25], [0.0, 1.0]] * count, np.float32)[:count]
    return contact_sheet(images, [f"{name} {i}.png" for i in range(count)], probabilities, NAMES, "cnn on pets")


@pytest.mark.parametrize("count", [1, 2, 5, 7, 56])
def test_every_text_can_be_read(count: int, texts_of):
    texts = texts_of(a_sheet(count))
    assert texts.count("cat (75%)") == (count + 1) // 2
    assert f"IMG {count - 1}.png" in texts
    assert len(texts) == 2 * count + 3  # with the title and the key


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 32, 3), (64, 8, 3), (8, 64, 1), (300, 200, 3), (1, 1, 1)])
def test_every_shape(shape: tuple[int, int, int], texts_of):
    texts_of(a_sheet(7, shape))


def test_no_images(texts_of):
    assert "no images" in texts_of(a_sheet(0))


@pytest.mark.parametrize("name", ["$\\alpha$", "über ", "日本 🐈", "\x00\n\x1b", "x" * 300])
def test_any_name_is_drawn_without_a_warning(name: str, texts_of):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(texts_of(a_sheet(1, name=name))) == 5


def test_what_the_font_lacks_is_shown_as_a_box(texts_of):
    assert "□□ □ 0.png" in texts_of(a_sheet(1, name="日本 🐈"))


def test_arguments_that_do_not_fit_together():
    with pytest.raises(ValueError, match=r"zip\(\) argument 2 is shorter"):
        contact_sheet(np.zeros((2, 4, 4, 1), np.uint8), ["a"], np.ones((2, 2)), NAMES, "")
    with pytest.raises(ValueError, match=r"Received: \(2, 4, 4\)"):
        contact_sheet(np.zeros((2, 4, 4), np.uint8), ["a", "b"], np.ones((2, 2)), NAMES, "")
