import numpy as np
import pytest
from matplotlib.figure import Figure

from eyechart.figures import Panel, scan, to_array
from eyechart.figures.shrinking import shrunk

RANDOM = np.random.default_rng(0)


def panel(rows: int, columns: int, cell: tuple[int, int], classes: int = 10, name: str = "every pixel") -> Panel:
    answers = RANDOM.integers(0, classes, (rows, columns)).astype(np.float32)
    probabilities = RANDOM.uniform(0.1, 1, (rows, columns)).astype(np.float32)
    for values in (answers, probabilities):
        values[:1] = values[-1:] = np.nan
    return Panel(name, answers, probabilities, cell)


def drawn(shape: tuple[int, int, int], cell: tuple[int, int] = (4, 4), classes: int = 10, **more: object) -> Figure:
    image = RANDOM.integers(0, 256, shape, np.uint8)
    coarse = panel(-(-shape[0] // cell[0]), -(-shape[1] // cell[1]), cell, classes, "every 4 pixels, 44×44")
    maps = [coarse, panel(shape[0], shape[1], (1, 1), classes, "every pixel, 173×173")]
    names = [f"class {number}" for number in range(classes)]
    return scan(image, maps, names, [(0, 0), (9, 30)], (20, 20), "a network on a data set: what it sees")


@pytest.mark.parametrize("shape", [(200, 200, 1), (60, 61, 3), (40, 300, 3), (300, 40, 1), (3, 3, 1), (2000, 1500, 3)])
def test_every_text_can_be_read(shape: tuple[int, int, int], texts_of):
    texts = texts_of(drawn(shape))
    assert {"paler: less probable", "ring: centre of what is framed"} <= set(texts)
    assert ({"class 0", "class 9"} <= set(texts)) == (shape != (3, 3, 1))  # only what is in the map has a colour


def test_of_many_classes_ten_have_a_colour(texts_of):
    texts = texts_of(drawn((100, 100, 3), classes=100))
    assert "gray: another class" in texts
    assert len([text for text in texts if text.startswith("class ")]) == 10
    assert "gray: another class" not in texts_of(drawn((100, 100, 3), classes=10))


def test_all_panels_have_the_coordinates_of_the_image():
    figure = drawn((50, 63, 1), cell=(4, 2))
    to_array(figure)
    panels = [axes for axes in figure.axes if axes.images]
    assert len(panels) == 5
    for axes in panels:
        assert axes.get_xlim() == (0, 63)
        assert axes.get_ylim() == (50, 0)
    assert panels[1].images[0].get_extent() == [0, 64, 52, 0]  # 13 rows of 4, 32 columns of 2 pixels


def test_a_large_image_is_shown_smaller_at_its_own_coordinates(texts_of):
    figure = drawn((2500, 1203, 3))
    texts_of(figure)
    axes = figure.axes[0]
    assert axes.images[0].get_array().shape == (834, 401, 3)
    assert axes.images[0].get_extent() == [0, 1203, 2502, 0]
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 1203), (2500, 0))
    (frames,) = axes.collections  # of all places
    corners = [path.vertices.min(axis=0).tolist() for path in frames.get_paths()]
    assert corners == [[0, 0], [30, 9]]


@pytest.mark.parametrize("shape", [(25, 13, 3), (7, 30, 1), (4, 4, 1)])
def test_a_pixel_of_a_shrunk_image_is_the_mean_of_its_block(shape):
    image = RANDOM.integers(0, 256, shape, np.uint8)
    small, side = shrunk(image, 10)
    assert small.shape == (-(-shape[0] // side), -(-shape[1] // side), shape[2])
    assert max(small.shape[:2]) <= 10
    for row, column in np.ndindex(small.shape[:2]):
        block = image[row * side : (row + 1) * side, column * side : (column + 1) * side]
        np.testing.assert_allclose(small[row, column], block.mean(axis=(0, 1)), atol=0.5)


def test_a_class_is_the_paler_the_less_probable():
    classes = np.array([[1.0, 1.0], [np.nan, 2.0]], np.float32)
    probabilities = np.array([[1.0, 0.0], [np.nan, 0.5]], np.float32)
    figure = scan(
        np.zeros((2, 2, 1), np.uint8), [Panel("all", classes, probabilities, (1, 1))], "abc", [], (1, 1), "a title"
    )
    colours = np.asarray(figure.axes[1].images[0].get_array())
    np.testing.assert_allclose(colours[0, 1], 1)
    np.testing.assert_allclose(colours[0, 0], (1, 127 / 255, 14 / 255), atol=1e-6)
    assert 0.5 < colours[1, 1].mean() < 0.8
    assert len(set(colours[1, 0])) == 1  # gray, where there is no answer


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="Expected an image"):
        scan(np.zeros((4, 4), np.uint8), [panel(4, 4, (1, 1))], "abc", [], (1, 1), "a title")
    with pytest.raises(ValueError, match="Expected an image"):
        scan(np.zeros((4, 4, 1), np.uint8), [], "abc", [], (1, 1), "a title")
