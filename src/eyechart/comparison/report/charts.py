"""The report's charts as Vega-Lite specifications: plain dictionaries, drawn in the page.

Every datum has the position of its `row` on the board: a page sets the parameter `chosen` to one, and the others fade.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eyechart.figures.style import BLUE, GREEN, GREY, VERMILLION

Spec = dict[str, Any]

# Okabe & Ito again; their yellow and black are left out, which are not seen on a light and on a dark page
COLOURS = (BLUE, VERMILLION, GREEN, "#CC79A7", "#E69F00", "#56B4E9")
BAND = 24  # pixels of a row
SPAN = 10  # from this ratio of the highest to the lowest on, an axis of costs is logarithmic
TEXT = "currentColor"  # of the page, whether it is light or dark

_CHOSEN = "!isValid(chosen) || datum.row === chosen"
_COLOURED = f"datum.row < {len(COLOURS)} || datum.row === chosen"
_CONFIG = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": TEXT,
        "titleColor": TEXT,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "gridColor": TEXT,
        "gridOpacity": 0.1,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
    },
}


@dataclass(frozen=True)
class ChartRow:
    """What a chart must know of a row of a board.

    Attributes:
        position: on the board, from 0.
        name: its number and label.
        colour: of its marks.
    """

    position: int
    name: str
    colour: str

    def datum(self, **values: Any) -> Spec:
        """A datum of this row."""
        return {"row": self.position, "name": self.name, "colour": self.colour, **values}


def chart_rows(labels: Sequence[str]) -> list[ChartRow]:
    """The rows of a board, best first. Those beyond the colours that can be told apart are grey."""
    return [
        ChartRow(number, f"{number + 1}  {label}", COLOURS[number] if number < len(COLOURS) else GREY)
        for number, label in enumerate(labels)
    ]


def intervals(scores: Sequence[Spec], seeds: Sequence[Spec]) -> Spec:
    """Test accuracy of each row with its 95% interval, in the order of the board.

    Args:
        scores: of each row `mean`, `low` and `high`; the last two may be None.
        seeds: of each run `accuracy` and `seed`.
    """
    y = {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 280, "grid": False}}
    interval = [_shown("low", "95% interval from", ".4f"), _shown("high", "to", ".4f")]
    return _spec(
        height=BAND * len(scores),
        layer=[
            {
                "data": {"values": list(scores)},
                "transform": [{"filter": "isValid(datum.low)"}],
                "mark": {"type": "rule", "strokeWidth": 2, "strokeCap": "round"},
                "encoding": {
                    "x": _quantity("low", "test accuracy"),
                    "x2": {"field": "high"},
                    "y": y,
                    "color": _colour(),
                    "opacity": _opacity(0.55),
                    "tooltip": [_NAME, _shown("mean", "test accuracy", ".4f"), *interval],
                },
            },
            {
                "data": {"values": list(seeds)},
                "mark": {"type": "tick", "thickness": 1, "size": 10},
                "encoding": {
                    "x": _quantity("accuracy"),
                    "y": y,
                    "color": _colour(),
                    "opacity": _opacity(0.7),
                    "tooltip": [_NAME, _shown("seed"), _shown("accuracy", "test accuracy", ".4f")],
                },
            },
            {
                "data": {"values": list(scores)},
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {
                    "x": _quantity("mean"),
                    "y": y,
                    "color": _colour(),
                    "opacity": _opacity(1),
                    "tooltip": [_NAME, _shown("mean", "test accuracy", ".4f"), *interval],
                },
            },
        ],
    )


def against(title: str, points: Sequence[Spec], front: Sequence[int]) -> Spec:
    """Test accuracy against a cost: of each row `cost` and `mean`. The rows of the Pareto front are joined by steps."""
    low, high = (end(point["cost"] for point in points) for end in (min, max))
    scale: Spec = {"zero": False, "nice": True}
    axis: Spec = {"format": "~s", "tickCount": 5, "labelOverlap": True, "grid": False}
    if low > 0 and high >= SPAN * low:
        scale = {"type": "log", "nice": False, "padding": 20}
        axis["values"] = _round_values(low, high)
    x = {"field": "cost", "type": "quantitative", "title": title, "scale": scale, "axis": axis}
    tooltip = [_NAME, _shown("mean", "test accuracy", ".4f"), _shown("cost", title, ",~r")]
    return _spec(
        height=260,
        layer=[
            {
                "data": {"values": [point for point in points if point["row"] in front]},
                "mark": {"type": "line", "interpolate": "step-after", "color": TEXT, "opacity": 0.35, "strokeWidth": 1},
                "encoding": {"x": x, "y": _quantity("mean", "test accuracy")},
            },
            {
                "data": {"values": [{**point, "front": point["row"] in front} for point in points]},
                "mark": {"type": "point", "size": 80, "strokeWidth": 2, "opacity": 1},
                "encoding": {
                    "x": x,
                    "y": _quantity("mean"),
                    "color": _colour(),
                    "fill": {
                        "condition": {"test": "datum.front", "field": "colour", "type": "nominal", "scale": None},
                        "value": "transparent",
                    },
                    "opacity": _opacity(1),
                    "tooltip": tooltip,
                },
            },
        ],
    )


def curves(title: str, lines: Sequence[Spec], means: Sequence[Spec], best: Sequence[Spec]) -> Spec:
    """One metric over the epochs: a thin line per run, a bold one per row of several seeds, points at best epochs.

    Args:
        title: of the metric.
        lines: of each run `seed`, and the lists `epoch` and `value`; `alone` where its row has no other seed.
        means: of each row of several seeds the same lists.
        best: of each run `seed`, `epoch` and `value`.
    """
    x = {"field": "epoch", "type": "quantitative", "title": "epoch", "axis": {"tickMinStep": 1, "format": "d"}}
    x |= {"scale": {"zero": False, "nice": False}}
    flat = [{"flatten": ["epoch", "value"]}]

    def line(data: Sequence[Spec], width: Any, opacity: Spec, tooltip: list[Spec]) -> Spec:
        return {
            "data": {"values": list(data)},
            "transform": flat,
            "mark": {"type": "line", "strokeJoin": "round"},
            "encoding": {
                "x": x,
                "y": _quantity("value", title),
                "detail": [{"field": "row"}, {"field": "seed"}],
                "color": _colour(),
                "strokeWidth": width,
                "opacity": opacity,
                "tooltip": tooltip,
            },
        }

    faint = {"condition": {"test": f"datum.alone && ({_COLOURED})", "value": 1.8}, "value": 0.9}
    bold = {"condition": {"test": _COLOURED, "value": 2.4}, "value": 1.2}
    return _spec(
        height=220,
        layer=[
            line(lines, faint, _opacity(0.45, grey=0.15, alone=0.9), [_NAME, _shown("seed")]),
            line(means, bold, _opacity(1, grey=0.5), [_NAME, _shown("of")]),
            {
                "data": {"values": list(best)},
                "mark": {"type": "point", "filled": True, "size": 34},
                "encoding": {
                    "x": x,
                    "y": _quantity("value"),
                    "color": _colour(),
                    "opacity": _opacity(1, grey=0.5),
                    "tooltip": [_NAME, _shown("seed"), _shown("epoch", "best epoch"), _shown("value", title, ".4f")],
                },
            },
        ],
    )


def reliability(bins: Sequence[Spec]) -> Spec:
    """How often answers of each confidence are right: of each bin `confidence`, `accuracy` and `images`."""
    unit = {"domain": [0, 1]}
    axis = {"values": [0, 0.5, 1], "format": "~g"}
    x = {"field": "confidence", "type": "quantitative", "title": "confidence", "scale": unit, "axis": axis}
    y = {"field": "accuracy", "type": "quantitative", "title": "share right", "scale": unit, "axis": axis}
    ends = [{"confidence": end, "accuracy": end} for end in (0, 1)]
    return _spec(
        height=150,
        layer=[
            {
                "data": {"values": ends},
                "mark": {"type": "line", "color": TEXT, "opacity": 0.35, "strokeDash": [3, 3], "strokeWidth": 1},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": {"values": list(bins)},
                "mark": {"type": "line", "strokeWidth": 1.5},
                "encoding": {"x": x, "y": y, "color": _colour(), "opacity": _opacity(1)},
            },
            {
                "data": {"values": list(bins)},
                "mark": {"type": "point", "filled": True, "opacity": 1},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": _colour(),
                    "opacity": _opacity(1),
                    "size": {
                        "field": "images",
                        "type": "quantitative",
                        "legend": None,
                        "scale": {"range": [10, 120], "zero": True},
                    },
                    "tooltip": [
                        _NAME,
                        _shown("images", "answers", ","),
                        _shown("confidence", "mean confidence", ".3f"),
                        _shown("accuracy", "share right", ".3f"),
                    ],
                },
            },
        ],
    )


def _spec(height: int, layer: Sequence[Spec]) -> Spec:
    return {
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "params": [{"name": "chosen", "value": None}],
        "config": _CONFIG,
        "layer": [each for each in layer if each["data"]["values"]],  # of nothing, Vega knows no extent
    }


def _round_values(low: float, high: float) -> list[float]:
    """Where a logarithmic axis is labelled: at 1, 10, 100, ..., and between them at 3, 30, ..."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [value for n in exponents for value in (10.0**n, 3 * 10.0**n) if low / 2 <= value <= 2 * high]


def _quantity(name: str, title: str | None = None) -> Spec:
    channel: Spec = {"field": name, "type": "quantitative", "scale": {"zero": False}}
    return channel if title is None else channel | {"title": title, "axis": {"tickCount": 6, "format": "~g"}}


def _colour() -> Spec:
    return {"field": "colour", "type": "nominal", "scale": None}


def _opacity(value: float, *, grey: float | None = None, alone: float | None = None) -> Spec:
    """Faded where another row is chosen.

    Args:
        value: unless told otherwise.
        grey: of a row without a colour of its own, as long as it is not chosen.
        alone: of a line without others of its row.
    """
    conditions: list[Spec] = [{"test": f"!({_CHOSEN})", "value": 0.06}]
    if grey is not None:
        conditions.append({"test": f"!isValid(chosen) && !({_COLOURED})", "value": grey})
    if alone is not None:
        conditions.append({"test": "datum.alone", "value": alone})
    return {"condition": conditions, "value": value}


def _shown(name: str, title: str | None = None, format: str | None = None) -> Spec:
    """A line of a tooltip."""
    shown: Mapping[str, Any] = {"field": name, "title": title or name}
    return {**shown, "type": "quantitative", "format": format} if format else {**shown, "type": "nominal"}


_NAME = _shown("name", "row")
