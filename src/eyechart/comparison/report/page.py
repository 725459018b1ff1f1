"""The parts put together into one HTML file that asks for nothing from elsewhere."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from eyechart.comparison.leaderboard import Leaderboard
from eyechart.comparison.report import words
from eyechart.comparison.report.sections import part
from eyechart.core.files import write_text

HERE = Path(__file__).parent
ROOM = 1_200_000  # characters for the pictures of all boards: the file can still be sent by mail


def write_report(path: Path, leaderboard: Leaderboard, what: str) -> None:
    """Write the report on the runs of a leaderboard.

    Args:
        path: of the file, which is replaced.
        leaderboard: of at least one run.
        what: whose runs they are, in words.
    """
    room = ROOM // len(leaderboard.boards)
    parts = [part(board, evidence, number, room) for number, (board, evidence) in enumerate(leaderboard.boards, 1)]
    data = {
        "charts": {name: spec for each in parts for name, spec in each.charts.items()},
        "pairs": {str(each.shown["number"]): each.pairs for each in parts if each.pairs is not None},
    }
    write_text(path, _render(data, boards=[each.shown for each in parts], what=what, runs=len(leaderboard)))


def _render(data: dict[str, Any], **shown: Any) -> str:
    import vl_convert
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # whatever a class or a run is called is text here, and never HTML
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"count": words.count, "percent": words.percent}
    return environment.get_template("page.html.j2").render(
        date=time.strftime("%Y-%m-%d %H:%M"),
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        script=(HERE / "page.js").read_text(encoding="utf-8"),
        vega=vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"),
        data=_json(data),
        **shown,
    )


def _json(data: Any) -> str:
    """JSON that may stand inside of a script element: nothing in it ends the element or begins a comment."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
