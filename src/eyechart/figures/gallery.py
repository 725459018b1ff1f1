"""The images a model got wrong, with what it took them for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eyechart.figures import style
from eyechart.figures.captioned import CAPTION, captioned, with_share

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KEY = (("predicted class (probability)", style.VERMILLION), ("true class", style.INK))


def gallery(
    images: NDArray[np.uint8],
    labels: ArrayLike,
    predictions: ArrayLike,
    probabilities: ArrayLike,
    class_names: Sequence[str],
    title: str,
) -> Figure:
    """A grid of the given images in the given order, each with its predicted and its true class below.

    The caller passes just what is to be seen, usually some dozens at most:

        rows = most_confident_mistakes(part_of(table, "test"), count=25)
        gallery(test_images[rows["index"]], rows["label"], rows["prediction"], rows["confidence"], names, title)

    Args:
        images: uint8 (n, height, width, channels); n may be 0.
        labels: (n,) integers, the true class of each.
        predictions: (n,) integers, the predicted class of each.
        probabilities: (n,) floats, the probability, 0 to 1, of the predicted class.
        class_names: K names; long ones are shortened to fit.
        title: written above, folded where it is wider than the figure.

    Raises:
        ValueError: the images have another shape, or there is not one label, prediction and probability for each.
    """
    labels, predictions, probabilities = np.asarray(labels), np.asarray(predictions), np.asarray(probabilities)
    if not len(images) == len(labels) == len(predictions) == len(probabilities):
        raise ValueError(
            "Expected as many labels, predictions and probabilities as images. "
            f"Received: {len(labels)}, {len(predictions)}, {len(probabilities)} for {len(images)} images"
        )

    captions = [
        (
            (with_share(class_names[prediction], probability), style.VERMILLION),
            (style.shorten(f"true: {class_names[label]}", CAPTION, style.SMALL), style.INK),
        )
        for label, prediction, probability in zip(labels, predictions, probabilities, strict=True)
    ]
    return captioned(images, captions, KEY, title, "no mistakes")
