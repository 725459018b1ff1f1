"""A canvas to scan, composed of test images of a data set at places that are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyechart.core.errors import EyechartError
from eyechart.data import Dataset, backgrounds
from eyechart.data.backgrounds import lay
from eyechart.data.photographs import check_channels

MOST_PIXELS = 89_000_000  # of an image: Pillow takes more for an attack
TRIES = 100  # random places for an image, before a canvas is taken to be full
STARTS = 20  # canvases that are filled anew, before so many images are taken not to fit


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


@dataclass(frozen=True)
class Canvas:
    """A composed image.

    Attributes:
        image: uint8 (height, width, channels), black or a background where nothing lies.
        places: of each small image its first row and column.
        labels: of each its class.
        size: their height and width.
    """

    image: NDArray[np.uint8]
    places: tuple[tuple[int, int], ...]
    labels: tuple[int, ...]
    size: tuple[int, int]


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
    check_channels(channels, "images to lay over photographs")
    pictures = backgrounds.photographs(backgrounds.TEST, channels)
    return backgrounds.piece(pictures, (wanted.side, wanted.side), np.random.default_rng([wanted.seed, 2]))


def random_places(side: int, size: tuple[int, int], count: int, seed: int) -> list[tuple[int, int]]:
    """First row and column of `count` small images that neither overlap nor leave a square canvas.

    Args:
        side: of the canvas, in pixels.
        size: height and width of the small images.
        count: how many.
        seed: decides on the places.

    Raises:
        EyechartError: so many have not been found.
    """
    random = np.random.default_rng(seed)
    most = 0
    for _ in range(STARTS if side >= max(size) else 0):
        found = _fill(side, size, count, random)
        most = max(most, len(found))
        if len(found) == count:
            return found
    raise EyechartError(
        f"expected a canvas that {count} images of {size[0]}x{size[1]} pixels fit on at random, received "
        f"size={side}, with room for {most}: type a larger size= or a smaller digits="
    )


def _fill(side: int, size: tuple[int, int], count: int, random: np.random.Generator) -> list[tuple[int, int]]:
    """As many places as are found, at most `count`."""
    found: list[tuple[int, int]] = []
    for _ in range(count):
        for _ in range(TRIES):
            place = int(random.integers(side - size[0] + 1)), int(random.integers(side - size[1] + 1))
            if not any(_overlap(place, other, size) for other in found):
                found.append(place)
                break
        else:
            return found
    return found


def check_places(places: Sequence[tuple[int, int]], side: int, size: tuple[int, int]) -> None:
    """Raise EyechartError where small images at these places would overlap or leave a square canvas."""
    height, width = size
    for number, (top, left) in enumerate(places):
        if not (0 <= top <= side - height and 0 <= left <= side - width):
            raise EyechartError(
                f"expected places of images of {height}x{width} pixels within a canvas of size={side}, received "
                f"[{top},{left}]: type rows from 0 to {side - height} and columns from 0 to {side - width}, "
                f"or a larger size="
            )
        for other in places[:number]:
            if _overlap((top, left), other, size):
                raise EyechartError(
                    f"expected places of images of {height}x{width} pixels that do not overlap, received "
                    f"[{other[0]},{other[1]}] and [{top},{left}]: type places= that are further apart"
                )


def compose(
    images: NDArray[np.uint8],
    labels: Sequence[int],
    places: Sequence[tuple[int, int]],
    side: int,
    background: NDArray[np.uint8] | None = None,
) -> Canvas:
    """A square canvas with these images at these places.

    Args:
        images: uint8 (n, height, width, channels).
        labels: the class of each.
        places: of each its first row and column, as `check_places` accepts them.
        side: of the canvas.
        background: that they lie over, uint8 (side, side, channels); None: black.
    """
    _, height, width, channels = images.shape
    canvas = np.zeros((side, side, channels), np.uint8) if background is None else background.copy()
    for image, (top, left) in zip(images, places, strict=True):
        place = slice(top, top + height), slice(left, left + width)
        canvas[place] = lay(image, canvas[place])
    return Canvas(canvas, tuple(places), tuple(map(int, labels)), (height, width))


def _overlap(one: tuple[int, int], other: tuple[int, int], size: tuple[int, int]) -> bool:
    return abs(one[0] - other[0]) < size[0] and abs(one[1] - other[1]) < size[1]
