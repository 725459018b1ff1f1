"""An image with the boxes that a network is sure of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.core.pictures import visible
from eyechart.figures import style
from eyechart.figures.shrinking import shrunk

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL, MOST = 4.2, 12.0  # inches: the longer side of the image; of a large one, so that names have room, or at most
LEAST_WIDTH = 4.6  # inches: room for the title
LEFT, EDGE = 0.4, 0.14  # inches: left of the image, and around everything
ROOM, NAMED = 0.6, 0.3  # inches of a box: room for most names; narrower ones have none
SHOWN = 2000  # pixels of a side of the image: the figure has fewer
LINE = 1.2  # points
COLOURS = {None: "#56B4E9", True: style.GREEN, False: style.VERMILLION}
MEANINGS = {None: "detected", True: "right", False: "wrong"}


@dataclass(frozen=True)
class Box:
    """Something detected.

    Attributes:
        top: first row.
        left: first column.
        name: of its class.
        probability: of that class.
        right: whether that lies there; None: nobody knows.
    """

    top: int
    left: int
    name: str
    probability: float
    right: bool | None


def detections(
    image: NDArray[np.uint8],
    boxes: Sequence[Box],
    missed: Sequence[tuple[int, int]],
    size: tuple[int, int],
    title: str,
) -> Figure:
    """The image with a box around each detection, its class and probability at its upper edge where it has room.

    Args:
        image: uint8 (height, width, channels), shown as `visible` makes it.
        boxes: what was detected.
        missed: first row and column of what was not, dashed.
        size: height and width of all boxes.
        title: written above, folded where it is wider than the figure.

    Raises:
        ValueError: the image has another shape.
    """
    if image.ndim != 3 or 0 in image.shape:
        raise ValueError(f"Expected an image of the shape (height, width, channels). Received: {image.shape}")
    longer = max(image.shape[:2])
    panel = min(MOST, max(PANEL, ROOM * longer / size[1]))
    height, width = (panel * side / longer for side in image.shape[:2])
    across = max(LEFT + width + EDGE, LEAST_WIDTH)
    heading = style.fold(title, across - 2 * EDGE, style.TITLE)
    top = EDGE + style.inches(style.TITLE, len(heading)) + style.inches(style.LABEL) + 0.12
    figure = style.new_figure(across, top + height + 0.3)
    style.add_title(figure, heading, EDGE)
    axes = style.add_axes(figure, LEFT + (across - LEFT - EDGE - width) / 2, top, width, height)
    axes.set(xlim=(0, image.shape[1]), ylim=(image.shape[0], 0), autoscale_on=False)
    rows, columns = (min(6, max(1, int(length / 0.4))) for length in (height, width))  # the numbers stay apart
    axes.locator_params(axis="y", nbins=rows, integer=True)
    axes.locator_params(axis="x", nbins=columns, integer=True)
    small, side = shrunk(image, SHOWN)
    small = visible(small)
    shown = small[:, :, 0] if small.shape[2] == 1 else small
    extent = (0, small.shape[1] * side, small.shape[0] * side, 0)
    axes.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="nearest")
    style.add_boxes(axes, missed, size, style.GREY, width=LINE, line="dashed")
    for kind, colour in COLOURS.items():
        places = [(box.top, box.left) for box in boxes if box.right is kind]
        style.add_boxes(axes, places, size, colour, width=LINE)
    room = size[1] * width / image.shape[1]  # inches of a box
    if room >= NAMED:
        for box in boxes:
            _name(axes, box, room)
    entries = [(COLOURS[kind], "solid", MEANINGS[kind]) for kind in COLOURS if any(box.right is kind for box in boxes)]
    entries += [(style.GREY, "dashed", "missed")] if missed else []
    for colour, line, meaning in entries:
        axes.plot([], [], color=colour, linestyle=line, label=meaning)
    style.add_legend(figure, axes, top - style.inches(style.LABEL) - 0.1)
    return figure


def _name(axes: Axes, box: Box, room: float) -> None:
    """The class and its probability, within the box, or as much of the class as has room."""
    text = f"{box.name} {box.probability:.2f}"
    if style.text_width(text, style.SMALL) > room - 0.04:
        text = style.shorten(box.name, room - 0.04, style.SMALL)
    axes.annotate(
        text,
        (box.left, box.top),
        (2, -2),
        textcoords="offset points",
        size=style.SMALL,
        color="white",
        va="top",
        parse_math=False,
        bbox={"boxstyle": "square,pad=0.1", "facecolor": COLOURS[box.right], "edgecolor": "none"},
    )
