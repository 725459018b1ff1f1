"""An image beside what a network takes it for at every place: at every stride, and at every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.core.pictures import visible
from eyechart.figures import style
from eyechart.figures.shrinking import shrunk
from eyechart.figures.tiles import BAR, Scale, add_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = 2.5  # inches: the longer side of the image
LEAST = 1.6  # inches: room for the name of a narrow one, and for the notes below it
LEFT, BETWEEN, EDGE = 0.38, 0.5, 0.14  # inches: left of a panel, below one, and around everything
NAMED = 10  # so many classes have a colour of their own
CLASSES = "tab10"
SHOWN = 1000  # pixels of a side: a panel has fewer
DARK = (0.08, 0.13, 0.24)  # in the place of tab10's gray, which stands for other classes
PROBABILITY = Scale("Blues", 0, 1)


@dataclass(frozen=True)
class Panel:
    """A map in a frame that covers the image.

    Attributes:
        name: of the map, for the two panels that show it.
        classes: the class at each place, float (rows, columns); not a number where there is none.
        probabilities: of that class, likewise.
        cell: height and width of a place in pixels of the image.
    """

    name: str
    classes: NDArray[np.floating]
    probabilities: NDArray[np.floating]
    cell: tuple[int, int]


def scan(
    image: NDArray[np.uint8],
    maps: Sequence[Panel],
    class_names: Sequence[str],
    places: Sequence[tuple[int, int]],
    window: tuple[int, int],
    title: str,
) -> Figure:
    """The image, and of each map a row: the classes, each in a colour, and their probabilities on a scale from 0 to 1.

    All panels have the image's coordinates, also where a large image is shown smaller. The colours are the paler, the
    less probable the class. Of more than ten classes the ten that cover most have a colour, the others are gray.

    Args:
        image: uint8 (height, width, channels), shown as `visible` makes it.
        maps: one or more.
        class_names: in the order of their numbers.
        places: first row and column of what is known to lie in the image; framed there, and their centres in the maps.
        window: height and width of these.
        title: written above, folded where it is wider than the figure.

    Raises:
        ValueError: the image has another shape, or there is no map.
    """
    if image.ndim != 3 or 0 in image.shape or not maps:
        raise ValueError(f"Expected an image (height, width, channels) and maps. Received: {image.shape}, {len(maps)}")
    height, width = (PANEL * side / max(image.shape[:2]) for side in image.shape[:2])
    room = max(width, LEAST)
    column = LEFT + room
    left = LEFT + (room - width) / 2
    across = 3 * column + sum(BAR) + EDGE
    heading = style.fold(title, across - 2 * EDGE, style.TITLE)
    top = EDGE + style.inches(style.TITLE, len(heading)) + style.inches(style.LABEL) + 0.16
    row = max(height, 1.0) + BETWEEN
    shown = _shown(maps[-1].classes)
    notes = ["paler: less probable", "gray: another class"][: 1 + (len(np.unique(maps[-1].classes)) > NAMED + 1)]
    notes += ["ring: centre of what is framed"] if places else []
    key_height = style.inches(style.SMALL, len(shown) + len(notes)) + 0.1
    rows = max(row * len(maps), row + key_height + 0.1)
    figure = style.new_figure(across, top + rows - BETWEEN + 0.3)
    style.add_title(figure, heading, EDGE)

    size = image.shape[0], image.shape[1]
    axes = _panel(figure, left, top, (height, width), size, f"the image, {size[0]}×{size[1]} pixels")
    small, side = shrunk(image, SHOWN)
    small = visible(small)
    extent = _extent(small.shape, (side, side))
    axes.imshow(small[:, :, 0] if small.shape[2] == 1 else small, cmap="gray", vmin=0, vmax=255, extent=extent)
    style.add_boxes(axes, places, window, style.VERMILLION, width=0.8)
    _add_key(figure, shown, class_names, notes, LEFT, top + row - style.inches(style.LABEL))
    for number, panel in enumerate(maps):
        upper = top + number * row
        axes = _panel(figure, left + column, upper, (height, width), size, f"{panel.name}: class")
        extent = _extent(panel.classes.shape, panel.cell)
        axes.imshow(_coloured(panel, shown), extent=extent, interpolation="nearest")
        _mark(axes, places, window, style.INK)
        axes = _panel(figure, left + 2 * column, upper, (height, width), size, f"{panel.name}: probability")
        axes.imshow(
            panel.probabilities, cmap=PROBABILITY.colours, vmin=0, vmax=1, extent=extent, interpolation="nearest"
        )
        _mark(axes, places, window, style.VERMILLION)
        add_scale(figure, PROBABILITY, left + 2 * column + width, upper, height)
    return figure


def _panel(
    figure: Figure, left: float, top: float, inches: tuple[float, float], size: tuple[int, int], name: str
) -> Axes:
    """Axes in the image's pixels, with a name above."""
    axes = style.add_axes(figure, left, top, inches[1], inches[0])
    axes.set(xlim=(0, size[1]), ylim=(size[0], 0), facecolor=style.PALE, autoscale_on=False)
    rows, columns = (min(5, max(1, int(length / 0.4))) for length in inches)  # so that the numbers stay apart
    axes.locator_params(axis="y", nbins=rows, integer=True)
    axes.locator_params(axis="x", nbins=columns, integer=True)
    across, down = figure.get_size_inches()
    name = style.shorten(name, max(inches[1], LEAST) + LEFT - 0.1, style.LABEL)
    middle, above = (left + inches[1] / 2) / across, 1 - (top - 0.05) / down
    figure.text(middle, above, name, size=style.LABEL, color=style.INK, ha="center", va="bottom")
    return axes


def _extent(shape: tuple[int, ...], cell: tuple[int, int]) -> tuple[float, float, float, float]:
    return 0.0, float(shape[1] * cell[1]), float(shape[0] * cell[0]), 0.0


def _mark(axes: Axes, places: Sequence[tuple[int, int]], window: tuple[int, int], colour: str) -> None:
    """A ring at the centre of each known place."""
    rows = [top + window[0] / 2 for top, _ in places]
    columns = [left + window[1] / 2 for _, left in places]
    inches = PANEL * min(window) / max(*axes.get_xlim(), *axes.get_ylim())
    side = min(7, max(1.5, 72 * inches))  # no larger than what it marks, and to be seen
    axes.plot(
        columns, rows, "o", markersize=side, markerfacecolor="none", markeredgecolor=colour, markeredgewidth=side / 8
    )


def _shown(classes: NDArray[np.floating]) -> list[int]:
    """The classes that have a colour: those that cover most, by their numbers."""
    found, counts = np.unique(classes[np.isfinite(classes)].astype(int), return_counts=True)
    return sorted(int(number) for number in found[np.argsort(-counts, kind="stable")][:NAMED])


def _colours(shown: Sequence[int]) -> dict[int, tuple[float, ...]]:
    """A colour of each class: by its number where that is small, so that it is the same in every picture."""
    from matplotlib import colormaps

    palette = [colormaps[CLASSES](number)[:3] for number in range(NAMED)]
    palette[7] = DARK
    small = max(shown, default=0) < NAMED
    return {number: palette[number if small else place] for place, number in enumerate(shown)}


def _coloured(panel: Panel, shown: Sequence[int]) -> NDArray[np.floating]:
    """The classes as colours, the whiter, the less probable."""
    from matplotlib.colors import to_rgb

    colours = np.empty((*panel.classes.shape, 3))
    colours[...] = to_rgb(style.GREY)
    for number, colour in _colours(shown).items():
        colours[panel.classes == number] = colour
    probabilities = panel.probabilities[..., np.newaxis]
    outside = np.array(to_rgb(style.PALE))
    return np.where(np.isfinite(probabilities), 1 - (1 - colours) * np.nan_to_num(probabilities), outside)


def _add_key(
    figure: Figure, shown: Sequence[int], class_names: Sequence[str], notes: Sequence[str], left: float, top: float
) -> None:
    """Name the classes that have a colour, and what else there is to know."""
    from matplotlib.patches import Rectangle

    across, down = figure.get_size_inches()
    for line, (number, colour) in enumerate(_colours(shown).items()):
        upper = top + style.inches(style.SMALL, line)
        square = Rectangle(
            (left / across, 1 - (upper + 0.12) / down), 0.12 / across, 0.1 / down, facecolor=colour, transform=None
        )
        square.set_transform(figure.transFigure)
        figure.add_artist(square)
        name = style.shorten(class_names[number], PANEL - 0.4, style.SMALL)
        x, y = (left + 0.2) / across, 1 - upper / down
        figure.text(x, y, name, size=style.SMALL, color=style.INK, ha="left", va="top", parse_math=False)
    for line, note in enumerate(notes):
        y = 1 - (top + style.inches(style.SMALL, len(shown) + line) + 0.06) / down
        figure.text(left / across, y, note, size=style.SMALL, color=style.GREY, ha="left", va="top")
