"""Images of 2, 4 and more channels, and of one pixel, in every figure and page that shows images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from eyechart import figures
from eyechart.comparison.report.pictures import png
from eyechart.data.samples import draw_samples

Images = NDArray[np.uint8]
NAMES = ["a", "b"]
ANSWERS = np.array([[0.9, 0.1], [0.2, 0.8]])

DRAWN: dict[str, Callable[[Images], object]] = {
    "gallery": lambda images: figures.gallery(images, [0, 1], [1, 0], [0.5, 0.9], NAMES, "title"),
    "contact_sheet": lambda images: figures.contact_sheet(images, NAMES, ANSWERS, NAMES, "title"),
    "feature_maps": lambda images: figures.feature_maps(images[0], [("conv", np.ones((3, 3, 2)))], ["image"], "title"),
    "fixed_filters": lambda images: figures.fixed_filters(images[0], "title"),
    "detections": lambda images: figures.detections(images[0], [], [(0, 0)], (1, 1), "title"),
    "scan": lambda images: figures.scan(
        images[0],
        [figures.Panel("map", np.ones(images.shape[1:3]), np.zeros(images.shape[1:3]), (1, 1))],
        NAMES,
        [],
        (1, 1),
        "title",
    ),
}


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("shape", [(8, 8, 2), (8, 8, 4), (8, 8, 7), (1, 1, 1)])
def test_every_figure_shows_images_of_any_channels(name, shape):
    images = np.random.default_rng(0).integers(0, 256, (2, *shape), np.uint8)
    assert figures.to_array(DRAWN[name](images)).ndim == 3


@pytest.mark.parametrize("channels", [2, 4, 7])
def test_pages_and_samples_too(tmp_path, channels):
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, channels), np.uint8)
    assert png(images[0])
    labels = np.array([0, 1, 0, 1])
    draw_samples(tmp_path / "s.png", images=images, labels=labels, order=np.arange(4), class_names=NAMES)
    assert (tmp_path / "s.png").stat().st_size > 100
