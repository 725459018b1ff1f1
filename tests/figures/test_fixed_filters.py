import numpy as np
import pytest
from matplotlib.figure import Figure

from eyechart.figures import fixed_filters
from eyechart.figures.fixed_filters import (
    blur,
    edges,
    gaussian,
    gaussian_2d,
    gradient_2d,
    points_for,
    random_walk,
    smooth,
)


def an_image(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


# --- what they compute


def test_the_gaussian_is_that_of_the_document():
    line = gaussian()
    assert line.shape == (15,)
    assert line.sum() == pytest.approx(1)
    assert line[7] / line[0] == pytest.approx(np.exp(4))
    np.testing.assert_allclose(line, line[::-1])
    np.testing.assert_allclose(gaussian_2d(15).sum(axis=0), line)


@pytest.mark.parametrize(
    ("size", "points"), [((1, 1), 5), ((8, 8), 5), ((28, 28), 5), ((32, 96), 5), ((64, 64), 11), ((600, 900), 15)]
)
def test_a_small_image_gets_a_small_gaussian(size: tuple[int, int], points: int):
    assert points_for(*size) == points


def test_the_signal_is_that_of_the_document_and_smoothing_keeps_its_course():
    signal = random_walk()
    assert signal.shape == (200,)
    assert signal[:2] == pytest.approx([-0.41675785, -0.4730245])
    smoothed = smooth(signal)
    np.testing.assert_allclose(smoothed[7:-7], np.convolve(signal, gaussian(), mode="valid"))
    assert np.abs(np.diff(smoothed)).max() < np.abs(np.diff(signal)).max() / 2
    np.testing.assert_allclose(smooth(np.full(50, 3.0)), 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_blurring_keeps_channels_apart_and_plain_areas_as_they_are(channels: int):
    image = np.full((12, 12, channels), 200, np.uint8)
    np.testing.assert_allclose(blur(image), 200)
    image[6, 6, 0] = 0
    blurred = blur(image)
    assert blurred[6, 6, 0] < blurred[6, 7, 0] < blurred[6, 8, 0] < 200
    np.testing.assert_allclose(blurred[..., 1:], 200)


def test_edges_are_found_where_columns_differ_and_their_sign_says_how():
    image = np.zeros((12, 20, 3), np.uint8)
    image[:, 5:12] = 240  # brighter, then darker to the right
    found = edges(image)
    assert found.shape == (12, 20)
    row = found[6]
    assert {int(row.argmin()), int(row.argmax())} <= {4, 5, 11, 12}
    assert row.argmin() < 8 < row.argmax()
    np.testing.assert_allclose(edges(np.swapaxes(image, 0, 1)), 0, atol=1e-9)


# --- how it is shown


def panels(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (8, 8, 1), (64, 20, 3), (5, 70, 1), (1, 1, 1)])
def test_every_text_can_be_read(shape: tuple[int, int, int], texts_of):
    texts = texts_of(fixed_filters(an_image(*shape), "mnist: what fixed filters do"))
    points = points_for(*shape[:2])
    assert {"the Gaussian, 15 points", f"the Gaussian, {points}×{points}", "signal", "smoothed"} <= set(texts)


def test_it_shows_what_is_computed():
    image = an_image(28, 28, 1)
    figure = fixed_filters(image, "")
    first, kernel, blurred, gradient, borders = panels(figure)
    np.testing.assert_array_equal(first, image[..., 0])
    np.testing.assert_array_equal(kernel, gaussian_2d(5))
    np.testing.assert_allclose(blurred, blur(image)[..., 0], atol=0.5)
    np.testing.assert_array_equal(gradient, gradient_2d(5))
    np.testing.assert_array_equal(borders, edges(image))
    lines = [line.get_ydata() for axes in figure.axes for line in axes.lines]
    for line, values in zip(lines, (gaussian(), random_walk(), smooth(lines[1])), strict=True):
        np.testing.assert_array_equal(line, values)


def test_image_and_blurred_image_share_a_scale_and_signs_are_centred():
    limits = [axes.images[0].get_clim() for axes in fixed_filters(an_image(28, 28, 1), "").axes if axes.images]
    assert limits[0] == limits[2] == (0, 255)
    assert limits[1][0] == 0
    assert [low for low, _ in limits[3:]] == [-high for _, high in limits[3:]]


def test_a_plain_image(texts_of):
    texts_of(fixed_filters(np.zeros((28, 28, 1), np.uint8), ""))


def test_an_image_of_another_shape():
    with pytest.raises(ValueError, match=r"Expected an image .* Received: \(8, 8\)"):
        fixed_filters(np.zeros((8, 8), np.uint8), "")
