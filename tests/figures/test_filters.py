import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from eyechart.figures import filters, to_array


def some_filters(*shape: int, scale: float = 1.0, seed: int = 0) -> np.ndarray:
    return (scale * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def tiles_of(figure: Figure) -> list[list[AxesImage]]:
    return [list(axes.images) for axes in figure.axes if axes.images]


@pytest.mark.parametrize(
    "shapes",
    [
        [(3, 3, 1, 1)],
        [(3, 3, 1, 8), (3, 3, 8, 8)],
        [(5, 5, 1, 20), (5, 5, 20, 50)],
        [(3, 3, 3, 32), (3, 3, 32, 32)],
        [(3, 3, 3, 1), (3, 3, 1, 5)],
        [(11, 11, 3, 96), (5, 5, 96, 2)],
        [(28, 28, 1, 500)],
        [(32, 32, 3, 32)],
        [(1, 7, 1, 9), (7, 1, 9, 40)],
        [(3, 3, 4, 2), (3, 3, 2, 17)],
    ],
    ids=str,
)
def test_every_text_can_be_read(shapes: list[tuple[int, ...]], texts_of):
    names = ["conv2d", "conv2d_1"]
    layers = [(name, some_filters(*shape)) for name, shape in zip(names, shapes, strict=False)]
    texts = texts_of(filters(layers, "a network on a data set: filters"))
    assert "a network on a data set: filters" in texts
    assert sum(text.startswith("conv2d") for text in texts) == len(shapes)


@pytest.mark.parametrize("scale", [0.0, 1e-9, 1e-3, 50, 1e7])
def test_weights_of_all_sizes(scale: float, texts_of):
    texts_of(filters([("a", some_filters(3, 3, 1, 8, scale=scale)), ("b", some_filters(3, 3, 8, 8, scale=scale))], ""))


def test_a_layer_that_diverged(texts_of):
    kernel = some_filters(3, 3, 1, 2)
    kernel[0, 0] = np.nan, np.inf
    texts_of(filters([("a", kernel), ("b", np.full((3, 3, 2, 2), np.nan, np.float32))], ""))
    texts_of(filters([("a", np.full((3, 3, 3, 2), np.nan, np.float32))], ""))


def test_filters_of_a_layer_share_a_scale_and_those_of_two_layers_do_not():
    first, second = some_filters(3, 3, 1, 4), some_filters(3, 3, 4, 6, scale=5, seed=1)
    shown = [[tile.get_clim() for tile in tiles] for tiles in tiles_of(filters([("a", first), ("b", second)], ""))]
    limits = [np.abs(kernel).max() for kernel in (first, second)]
    assert shown[0] == [pytest.approx((-limits[0], limits[0]))] * 4
    assert shown[1] == [pytest.approx((-limits[1], limits[1]))] * 24


def test_rows_are_input_maps_and_columns_output_maps():
    kernel = some_filters(3, 2, 4, 6)
    (tiles,) = tiles_of(filters([("a", kernel)], ""))
    for number, tile in enumerate(tiles):
        np.testing.assert_array_equal(tile.get_array(), kernel[:, :, number // 6, number % 6])
    left, right, bottom, top = tiles[7].get_extent()
    assert left > tiles[6].get_extent()[1]
    assert right - left < bottom - top  # 3 high and 2 wide, counted from above
    assert top > tiles[1].get_extent()[2]


def test_many_filters_are_cut_and_it_is_said(texts_of):
    figure = filters([("a", some_filters(3, 3, 1, 65)), ("b", some_filters(3, 3, 65, 17))], "")
    assert [sum(len(row) for row in tiles_of(figure)[:4]), len(tiles_of(figure)[4])] == [64, 256]
    texts = texts_of(figure)
    assert "a: the first 64 of 65 filters of 3×3 on gray values" in texts
    assert "b: filters of 3×3 from 65 to 17 maps (the first 16 input and output maps)" in texts
    texts = texts_of(filters([("b", some_filters(3, 3, 8, 17))], ""))
    assert "b: filters of 3×3 from 8 to 17 maps (the first 16 output maps)" in texts


def test_colours_are_the_weights_of_three_channels():
    kernel = np.zeros((1, 2, 3, 2), np.float32)
    kernel[0, 0, :, 0] = [2, 0, -2]
    (tiles,) = tiles_of(filters([("a", kernel)], ""))
    np.testing.assert_allclose(tiles[0].get_array(), [[[1, 0.5, 0], [0.5, 0.5, 0.5]]])
    np.testing.assert_allclose(tiles[1].get_array(), np.full((1, 2, 3), 0.5))


def test_filters_lie_upright():
    kernel = np.zeros((2, 2, 1, 1), np.float32)
    kernel[0, 1] = 1  # the upper right quarter: red
    drawn = to_array(filters([("a", kernel)], "")).astype(int)
    red = (drawn[..., 0] > 80) & (drawn[..., 1] < 30) & (drawn[..., 2] < 60)
    frame = tiles_of(figure := filters([("a", kernel)], ""))[0][0].get_window_extent()
    to_array(figure)
    rows, columns = np.nonzero(red[:, : int(frame.x1)])
    assert columns.mean() > (frame.x0 + frame.x1) / 2
    assert rows.mean() < drawn.shape[0] - (frame.y0 + frame.y1) / 2


@pytest.mark.parametrize("shapes", [[], [(3, 3, 8)], [(3, 3, 1, 0)]])
def test_filters_have_four_axes(shapes: list[tuple[int, ...]]):
    with pytest.raises(ValueError, match=r"Expected filters of the shape .* Received: \["):
        filters([("a", np.zeros(shape, np.float32)) for shape in shapes], "")
