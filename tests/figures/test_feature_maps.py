import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from eyechart.figures import feature_maps

CAPTION = ["test image 7", "class ankle boot"]


def some_maps(*shape: int, low: float = 0.0, high: float = 1.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def drawn(
    *shapes: tuple[int, int, int], image: tuple[int, int, int] = (28, 28, 1), high: float = 1.0, low: float = 0.0
) -> Figure:
    picture = np.random.default_rng(1).integers(0, 256, image, np.uint8)
    layers = [(f"conv2d_{number}", some_maps(*shape, low=low, high=high)) for number, shape in enumerate(shapes)]
    return feature_maps(picture, layers, CAPTION, "a network on a data set: feature maps")


def tiles_of(figure: Figure) -> list[list[AxesImage]]:
    """The image, then the maps of each layer."""
    return [list(axes.images) for axes in figure.axes if axes.images]


@pytest.mark.parametrize(
    "shapes",
    [
        [(26, 26, 8), (13, 13, 8), (11, 11, 8), (5, 5, 8)],
        [(30, 30, 32), (15, 15, 32), (13, 13, 32), (6, 6, 32)],
        [(1, 1, 1)],
        [(26, 26, 1), (13, 13, 3)],
        [(8, 64, 5), (64, 8, 2), (1, 300, 4)],
        [(28, 28, 64)] * 24,
        [(4, 4, 2)] * 24,
    ],
    ids=lambda shapes: f"{len(shapes)} layers {shapes[0]}",
)
def test_every_text_can_be_read(shapes: list[tuple[int, int, int]], texts_of):
    texts = texts_of(drawn(*shapes))
    assert {"a network on a data set: feature maps", *CAPTION} <= set(texts)
    assert {f"conv2d_{number}" for number in range(len(shapes))} <= set(texts)


@pytest.mark.parametrize(("low", "high"), [(0, 0), (0, 1e-7), (0, 123), (-1, 1e6), (-1e-5, 0), (-0.0123, 0.02)])
def test_values_of_all_sizes(low: float, high: float, texts_of):
    texts_of(drawn((13, 13, 8), (6, 6, 8), low=low, high=high))


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (64, 8, 3), (8, 64, 1), (300, 200, 3), (1, 1, 1)])
def test_every_image(shape: tuple[int, int, int], texts_of):
    figure = drawn((5, 5, 2), image=shape)
    texts_of(figure)
    assert tiles_of(figure)[0][0].get_array().shape == (shape if shape[2] == 3 else shape[:2])


def test_a_long_name_is_shortened(texts_of):
    figure = feature_maps(
        np.zeros((8, 8, 1), np.uint8),
        [("a_layer_with_a_name_that_nobody_will_read_to_its_end", some_maps(4, 4, 2))],
        ["test image 7", "class of a name that nobody will read to its end"],
        "",
    )
    assert sum(text.endswith("…") for text in texts_of(figure)) == 2


def test_maps_of_a_layer_share_a_scale(texts_of):
    amounts, signed = some_maps(6, 6, 3, high=7), some_maps(6, 6, 3, low=-4, high=2)
    figure = feature_maps(np.zeros((8, 8, 1), np.uint8), [("a", amounts), ("b", signed)], CAPTION, "")
    image, first, second = tiles_of(figure)
    assert image[0].get_clim() == (0, 255)
    assert [tile.get_clim() for tile in first] == [(0, amounts.max())] * 3
    assert [tile.get_clim() for tile in second] == [(signed.min(), -signed.min())] * 3
    assert {f"{amounts.max():.3g}", f"{signed.min():.3g}".replace("-", "−")} <= set(texts_of(figure))


def test_maps_are_shown_in_their_order_and_many_are_cut(texts_of):
    maps = some_maps(5, 6, 40)
    maps[..., 39] = 1000  # what is not seen does not make the others pale
    figure = feature_maps(np.zeros((8, 8, 1), np.uint8), [("a", maps)], CAPTION, "")
    tiles = tiles_of(figure)[1]
    assert len(tiles) == 16
    assert tiles[0].get_clim()[1] <= 1
    for number, tile in enumerate(tiles):
        np.testing.assert_array_equal(tile.get_array(), maps[..., number])
    assert "5×6, 16 of 40 maps" in texts_of(figure)
    assert "5×6, 1 map" in texts_of(feature_maps(np.zeros((8, 8, 1), np.uint8), [("a", maps[..., :1])], CAPTION, ""))


def test_of_very_many_layers_some_are_shown(texts_of):
    texts = texts_of(drawn(*[(6, 6, 4)] * 100))
    assert "a network on a data set: feature maps (24 of 100 layers)" in texts
    assert {"conv2d_0", "conv2d_99"} <= set(texts)
    assert sum(text.startswith("conv2d_") for text in texts) == 24


def test_a_network_that_diverged(texts_of):
    maps = some_maps(5, 5, 2)
    maps[0, 0] = np.nan, np.inf
    layers = [("a", maps), ("b", np.full((5, 5, 2), np.nan, np.float32))]
    texts_of(feature_maps(np.zeros((8, 8, 1), np.uint8), layers, CAPTION, ""))


def test_arguments_of_other_shapes():
    with pytest.raises(ValueError, match=r"Expected an image .* Received: \(8, 8\)"):
        feature_maps(np.zeros((8, 8), np.uint8), [("a", some_maps(5, 5, 2))], CAPTION, "")
    for layers in ([], [("a", some_maps(1, 5, 5, 2))]):
        with pytest.raises(ValueError, match=r"Expected maps of the shape .* Received: \["):
            feature_maps(np.zeros((8, 8, 1), np.uint8), layers, CAPTION, "")
