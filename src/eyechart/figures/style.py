"""What all figures share: sizes, colours, text that fits, and the way out to a file or an array.

Positions are computed in inches from measured text instead of by matplotlib's layout engines, which draw a figure
several times to place it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eyechart.core.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.figure import Figure

DPI = 150  # sharp on a dense screen, still a small file

# font sizes in points
TITLE, LABEL, SMALL = 10.0, 8.5, 7.5
LINE_HEIGHT = 1.35  # in font sizes

# Okabe & Ito, "Color Universal Design" (2008): told apart with every kind of colour vision
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
INK, GREY, PALE = "#222222", "#767676", "#E4E4E4"
SHARES = "Blues"  # one hue, light to dark: readable without colour vision and in print
AMOUNTS = "Greys"  # likewise, where hundreds of small pictures must stay calm
SIGNED = "RdBu_r"  # blue below 0, white, red above


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure of `width` x `height` inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def add_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes whose frame lies `left` and `top` inches from the figure's corner, in the shared style."""
    across, down = figure.get_size_inches()
    axes = figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))
    axes.tick_params(labelsize=SMALL, labelcolor=INK, color=GREY, length=2.5, width=0.6)
    for spine in axes.spines.values():
        spine.set(color=GREY, linewidth=0.6)
    return axes


def add_boxes(
    axes: Axes,
    places: Sequence[tuple[int, int]],
    size: tuple[int, int],
    colour: str,
    *,
    width: float,
    line: str = "solid",
) -> None:
    """Frame boxes of one size, by first row and column in the data of `axes`, with lines of a width in points.

    All of them are one object: thousands are drawn at once. Where they are small, their lines are thinner.
    """
    from matplotlib.collections import PolyCollection

    corners = np.array([(0, 0), (size[1], 0), (size[1], size[0]), (0, size[0])])
    boxes = [corners + np.array((left, top)) for top, left in places]
    across, down = np.abs(axes.transData.transform(size[::-1]) - axes.transData.transform((0, 0))) * 72 / DPI
    thin = min(width, 0.12 * min(across, down))
    collection = PolyCollection(boxes, facecolors="none", edgecolors=colour, linewidths=thin, linestyles=line)
    axes.add_collection(collection, autolim=False)


def add_title(figure: Figure, lines: list[str], top: float = 0.1) -> None:
    """Write the lines, made by `fold`, centred, the first `top` inches below the upper edge."""
    height = figure.get_figheight()
    for number, line in enumerate(lines):
        below = top + number * inches(TITLE)
        figure.text(0.5, 1 - below / height, line, size=TITLE, color=INK, ha="center", va="top", parse_math=False)


def add_legend(figure: Figure, axes: Axes, top: float) -> None:
    """Name the lines of `axes` that have a name, centred and side by side, `top` inches below the upper edge."""
    entries = {text: line for line in axes.lines if not (text := str(line.get_label())).startswith("_")}
    if entries:
        figure.legend(
            list(entries.values()),
            list(entries),
            loc="upper center",
            bbox_to_anchor=(0.5, 1 - top / figure.get_figheight()),
            ncols=len(entries),
            fontsize=LABEL,
            labelcolor=INK,
            frameon=False,
            borderaxespad=0,
            borderpad=0.2,
        )


def leave_room(axes: Axes, numbers: NDArray[Any]) -> None:
    """Let the horizontal axis begin a little before the least of these numbers and end a little after the greatest."""
    if len(numbers):
        room = max(0.5, 0.02 * np.ptp(numbers))
        axes.set_xlim(numbers.min() - room, numbers.max() + room)


def inches(size: float, lines: int = 1) -> float:
    """The height in inches of lines of text of a font size in points."""
    return lines * size * LINE_HEIGHT / 72


def text_width(text: str, size: float) -> float:
    """The width of one line of text in inches."""
    from matplotlib.font_manager import FontProperties

    # `$` is an ordinary character in a class name, hence no mathematics
    pixels, _, _ = _renderer().get_text_width_height_descent(text, FontProperties(size=size), False)  # type: ignore[no-untyped-call]
    return float(pixels) / DPI


def widest(texts: Iterable[str], size: float) -> float:
    """The width in inches of the widest of some lines of text, 0 of none."""
    return max((text_width(text, size) for text in texts), default=0.0)


def shorten(text: str, width: float, size: float) -> str:
    """`text` on one line, cut and ended by an ellipsis where it is wider than `width` inches."""
    text = " ".join(text.split())
    if text_width(text, size) <= width:
        return text
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if text_width(text[:middle].rstrip() + "…", size) <= width:
            fits = middle
        else:
            too_long = middle
    return text[:fits].rstrip() + "…"


def fold(text: str, width: float, size: float) -> list[str]:
    """`text` as lines of whole words no wider than `width` inches; a wider word is shortened."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(shorten(word, width, size))
    return lines


def to_array(figure: Figure) -> NDArray[np.uint8]:
    """The drawn figure as uint8 (height, width, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]


def save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG, whole or not at all, without date and software: equal pixels are equal bytes."""
    from PIL import Image

    with replacing(path) as temporary:
        Image.fromarray(to_array(figure)).save(temporary, format="PNG", dpi=(figure.dpi, figure.dpi))


@cache
def _renderer() -> RendererAgg:
    """Measures text; its canvas is never drawn on."""
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(1, 1, DPI)  # type: ignore[no-untyped-call]
