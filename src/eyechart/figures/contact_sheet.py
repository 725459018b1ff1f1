"""Many images at a glance, with what a network takes each of them for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.figures import style
from eyechart.figures.captioned import CAPTION, captioned, with_share

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KEY = (("predicted class (probability)", style.INK), ("file", style.GREY))
UNKNOWN = "□"  # in place of a character that the font lacks, of which matplotlib would warn


def contact_sheet(
    images: NDArray[np.uint8],
    names: Sequence[str],
    probabilities: NDArray[np.floating],
    class_names: Sequence[str],
    title: str,
) -> Figure:
    """A grid of the given images in the given order, each with its predicted class and its name below.

    Args:
        images: uint8 (n, height, width, channels), as the network sees them; n may be 0.
        names: of the images; long ones are shortened to fit.
        probabilities: (n, K), of each class.
        class_names: K names; long ones are shortened to fit.
        title: written above, folded where it is wider than the figure.

    Raises:
        ValueError: the images have another shape, or there are not as many names and probabilities as images.
    """
    captions = [
        (
            (with_share(_drawable(class_names[int(row.argmax())]), float(row.max())), style.INK),
            (style.shorten(_drawable(name), CAPTION, style.SMALL), style.GREY),
        )
        for _, name, row in zip(images, names, probabilities, strict=True)
    ]
    return captioned(images, captions, KEY, _drawable(title), "no images")


def _drawable(text: str) -> str:
    """`text` with `UNKNOWN` in place of what the font lacks."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = get_font(findfont(FontProperties())).get_charmap()
    return "".join(letter if ord(letter) in known else UNKNOWN for letter in text)
