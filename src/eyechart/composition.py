"""A canvas to scan, of test images of a data set at places that are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyechart.data import Dataset, backgrounds
from eyechart.errors import EyechartError
from eyechart.scanning.canvas import Canvas, check_places, compose, random_places

MOST_PIXELS = 89_000_000  # of an image: Pillow takes more for an attack


@dataclass(frozen=True)
class Composition:
    """A canvas with test images of a data set.

    Attributes:
        side: of the canvas, in pixels.
        count: how many test images, at random places.
        seed: decides which, and where.
        places: first rows and columns, of so many images; None: random.
        background: whether they lie over a photograph, none that a data set is trained on, instead of on black.
    """

    side: int
    count: int
    seed: int
    places: tuple[tuple[int, int], ...] | None = None
    background: bool = False


def composed(dataset: Dataset, wanted: Composition) -> Canvas:
    """A canvas with test images of a data set, which ones being decided by the seed.

    Raises:
        EyechartError: it would be too small or too large, or the images do not fit on it as they are wanted.
    """
    size = dataset.image_shape[0], dataset.image_shape[1]
    count = wanted.count if wanted.places is None else len(wanted.places)
    test = dataset.split(validation_fraction=0).test
    if wanted.side < max(size) or wanted.side**2 > MOST_PIXELS:
        raise EyechartError(
            f"expected a canvas of {max(size)} pixels, the size of the images of '{dataset.name}', to "
            f"{int(MOST_PIXELS**0.5)}, received size={wanted.side}: type another size="
        )
    if not 1 <= count <= len(test):
        raise EyechartError(
            f"expected 1 to {len(test):,} test images of '{dataset.name}', received {count:,}: type another digits="
        )
    if wanted.places is None:
        places = random_places(wanted.side, size, count, wanted.seed)
    else:
        places = list(wanted.places)
        check_places(places, wanted.side, size)
    # a stream of its own: the same images at given places as at random ones
    chosen = np.random.default_rng([wanted.seed, 1]).choice(len(test), count, replace=False)
    labels = [int(label) for label in test.labels[chosen]]
    return compose(test[chosen], labels, places, wanted.side, _background(wanted, dataset.image_shape[2]))


def _background(wanted: Composition, channels: int) -> NDArray[np.uint8] | None:
    if not wanted.background:
        return None
    pictures = backgrounds.photographs(backgrounds.TEST, channels)
    return backgrounds.piece(pictures, (wanted.side, wanted.side), np.random.default_rng([wanted.seed, 2]))
