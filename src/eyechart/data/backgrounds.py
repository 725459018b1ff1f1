"""Images laid over photographs, and a further class of what is none of theirs: backgrounds and pieces.

A classifier that was shown nothing but whole, centred digits takes everything for one. Here each image lies over a
piece of a photograph, and images of the class `background` show a piece of a photograph alone, or pieces of one or two
images over it, so far off the centre that most lose a stroke. The photographs are some that scikit-image and
scikit-learn install, none with characters in it; for the test part they are others than for training.
"""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyechart.core.errors import DataError
from eyechart.data.config import BackgroundConfig
from eyechart.data.formats.folder import read_image
from eyechart.data.images import Images
from eyechart.data.photographs import check_channels
from eyechart.data.sources import NotThereError, UnreachableError, find_folder

CLASS = "background"
PLACES = ("package:skimage/data", "package:sklearn/datasets/images")
TRAINING = (
    "brick.png",
    "camera.png",
    "cell.png",
    "chelsea.png",
    "flower.jpg",
    "grass.png",
    "horse.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "retina.jpg",
)
TEST = ("china.jpg", "coffee.png", "gravel.png", "moon.png")
BRIGHTEST = 0.8  # of white: so bright is a photograph at most, so that a white stroke stays visible
# of the image's size, how far off the centre a piece is: what is nearer may pass for an image, though less well, and
# what is farther leaves nothing to be seen
LEAST_OFF, MOST_OFF = 0.2, 0.7

Pictures = list[npt.NDArray[np.uint8]]


def over_backgrounds(images: Images, settings: BackgroundConfig) -> Images:
    """Lay the images of a data set over photographs, and add the class `background` where a share of it is asked for.

    Args:
        images: bright on black, as MNIST's are.
        settings: the share of the further class, and the seed.

    Raises:
        DataError: the data set has a class of that name already, or a photograph is missing.
    """
    if CLASS in images.class_names:
        raise DataError(f"expected a data set without a class '{CLASS}'. Received: {', '.join(images.class_names)}")
    check_channels(images.train_images.shape[-1], "images to lay over photographs")
    channels, label = images.train_images.shape[-1], len(images.class_names)
    first = len(images.train_labels) - images.validation  # of the data set's own validation part, which stays the last
    parts = []
    for number, (pixels, labels, names) in enumerate(
        [
            (images.train_images[:first], images.train_labels[:first], TRAINING),
            (images.train_images[first:], images.train_labels[first:], TRAINING),
            (images.test_images, images.test_labels, TEST),
        ]
    ):
        random = np.random.default_rng([settings.seed, number])
        parts.append(_lay_all(pixels, labels, photographs(names, channels), settings.share, label, random))
    (fit, fit_labels), (held, held_labels), test = parts
    return dataclasses.replace(
        images,
        train_images=np.concatenate([fit, held]),
        train_labels=np.concatenate([fit_labels, held_labels]),
        test_images=test[0],
        test_labels=test[1],
        validation=len(held),
        class_names=(*images.class_names, CLASS) if settings.share else images.class_names,
    )


@functools.lru_cache(maxsize=4)  # many canvases ask for the same
def photographs(names: tuple[str, ...], channels: int) -> Pictures:
    """Photographs by their names: uint8 (height, width, channels) each, in their own sizes.

    Raises:
        DataError: one is missing, because another version of the package that carries it is installed.
    """
    found = []
    for name in names:
        file = _find(name)
        if file is None:
            raise DataError(
                f"the photograph {name} is not among those that scikit-image and scikit-learn install: "
                f"type make install, which installs the versions that have it"
            )
        found.append(read_image(file, None, channels))
    return found


def piece(pictures: Pictures, size: tuple[int, int], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A random piece of one of them, `BRIGHTEST` at most: uint8 (height, width, channels).

    A photograph that is too small goes on as its own mirror image.
    """
    picture = pictures[random.integers(len(pictures))]
    short = [max(0, wanted - there) for wanted, there in zip(size, picture.shape, strict=False)]
    if any(short):
        picture = np.pad(picture, [(0, short[0]), (0, short[1]), (0, 0)], "symmetric")
    top, left = (random.integers(there - wanted + 1) for wanted, there in zip(size, picture.shape, strict=False))
    bright = random.uniform(0, BRIGHTEST)
    return (picture[top : top + size[0], left : left + size[1]] * bright).astype(np.uint8)


def lay(image: npt.NDArray[np.uint8], background: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """An image over a background of its shape: what is black lets it through, what is white covers it."""
    through = background.astype(np.uint16) * (255 - image) // 255
    laid: npt.NDArray[np.uint8] = (image + through).astype(np.uint8)
    return laid


def _find(name: str) -> Path | None:
    for place in PLACES:
        try:
            file = find_folder(place, "") / name
        except (NotThereError, UnreachableError):
            continue
        if file.is_file():
            return file
    return None


def _lay_all(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int32],
    pictures: Pictures,
    share: float,
    label: int,
    random: np.random.Generator,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """One part: its images over pieces of photographs, and among them, at random places, those of the further class."""
    count = len(images)
    size = images.shape[1], images.shape[2]
    added = round(share * count)
    made = np.empty((count + added, *images.shape[1:]), np.uint8)
    made_labels = np.full(count + added, label, np.int32)
    own = np.sort(random.permutation(count + added)[:count])  # so that the first n are of all classes
    made_labels[own] = labels
    source = np.full(count + added, -1)
    source[own] = np.arange(count)
    for place, index in enumerate(source):
        image = images[index] if index >= 0 else _no_image(images, random)
        made[place] = lay(image, piece(pictures, size, random))
    return made, made_labels


def _no_image(images: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Nothing, or, equally often, a piece of one image, or one of each of two on opposite sides."""
    made: npt.NDArray[np.uint8] = np.zeros_like(images[0])
    pieces = random.integers(3)
    down, across = _off(made.shape[0], made.shape[1], random)
    for sign in (1, -1)[:pieces]:
        np.maximum(made, _shifted(images[random.integers(len(images))], sign * down, sign * across), out=made)
    return made


def _off(height: int, width: int, random: np.random.Generator) -> tuple[int, int]:
    """How far a piece is moved: see `LEAST_OFF` and `MOST_OFF`."""
    most = int(MOST_OFF * height), int(MOST_OFF * width)
    while True:
        down, across = (int(random.integers(-far, far + 1)) for far in most)
        if np.hypot(down, across) > LEAST_OFF * min(height, width):
            return down, across


def _shifted(image: npt.NDArray[np.uint8], down: int, across: int) -> npt.NDArray[np.uint8]:
    """The image moved down and to the right, or up and to the left, by less than its size; black where it was."""
    made = np.zeros_like(image)
    height, width = image.shape[:2]
    made[max(0, down) : height + min(0, down), max(0, across) : width + min(0, across)] = image[
        max(0, -down) : height + min(0, -down), max(0, -across) : width + min(0, -across)
    ]
    return made
