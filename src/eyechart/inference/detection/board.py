"""Runs side by side on the same canvases: a row for those that differ only in their seed, with error bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.comparison.groups import labels
from eyechart.core import terminal
from eyechart.core.words import between, decimals
from eyechart.evaluation.multiple import adjust
from eyechart.evaluation.rows import LEVEL, Rows
from eyechart.evaluation.significance import Difference, Estimate, mean_difference, mean_estimates, p_in_words
from eyechart.inference.detection.found import Found, numbers
from eyechart.inference.scanning.detect import THRESHOLDS

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("seeds", "proba-\nbility", "false\nalarms", "95%\ninterval", "recall", "precision", "pixels\noff")
ASKED = 0.9  # the rows are compared by what they detect with this probability or a higher one


@dataclass(frozen=True)
class BoardRow:
    """Runs that differ only in their seed.

    Attributes:
        name: what was trained on what.
        found: what each found.
        false_alarms: of each threshold, per image, with the interval.
        recall: likewise.
        precision: over all seeds; None where nothing was detected.
        distance: in pixels, likewise; None where nothing is right.
    """

    name: str
    found: tuple[Found, ...]
    false_alarms: dict[float, Estimate]
    recall: dict[float, Estimate]
    precision: dict[float, float | None]
    distance: dict[float, float | None]


def board_rows(found: Sequence[Found], results: pd.DataFrame) -> list[BoardRow]:
    """The rows, those with the fewest false alarms at `ASKED` first.

    Args:
        found: by runs, on the same canvases.
        results: of these runs, as `results_of` gives them.
    """
    by_run = {one.run.key: one for one in found}
    groups = results.drop_duplicates("group")
    named = dict(zip(groups["group"], labels(groups), strict=True))
    names, members = [], []
    for group, runs in results.sort_values(["seed", "run_key"]).groupby("group", sort=False):
        names.append(f"{named[group]} on {runs['dataset'].iloc[0]}")
        members.append(tuple(by_run[key] for key in runs["run_key"]))
    alarms = {threshold: _false_alarms(members, threshold) for threshold in THRESHOLDS}
    recalls = {threshold: _recall(members, threshold) for threshold in THRESHOLDS}
    made = [
        _row(name, each, _of_row(alarms, number), _of_row(recalls, number))
        for number, (name, each) in enumerate(zip(names, members, strict=True))
    ]
    return sorted(made, key=lambda row: row.false_alarms[ASKED].mean)


def differences(made: Sequence[BoardRow]) -> list[Difference]:
    """Of each row but the first: its false alarms per image at `ASKED` minus those of the first.

    P-values are corrected for all pairs, because which row is the first was seen in the same canvases.
    """
    rows = Rows.of([_counts(row.found, ASKED, false_alarms=True) for row in made])
    found = {(i, j): mean_difference(rows, j, i) for i, j in combinations(range(len(made)), 2)}
    corrected = adjust([one.p_value for one in found.values()])
    return [
        replace(one, p_value=float(p_value))
        for (pair, one), p_value in zip(found.items(), corrected, strict=True)
        if pair[0] == 0
    ]


def show_board(made: Sequence[BoardRow], title: str) -> None:
    """Print the rows as a table, and what can be told of their differences."""
    from rich.text import Text

    console = terminal.console()
    board = terminal.table()
    board.add_column("run", overflow="fold", min_width=max(len(word) for row in made for word in row.name.split()))
    for name in COLUMNS:
        board.add_column(name, justify="right", no_wrap=True)
    for row in made:
        for number, threshold in enumerate(THRESHOLDS):
            head = ("", "") if number else (row.name, str(len(row.found)))
            board.add_row(*map(Text, (*head, *_cells(row, threshold))), end_section=threshold == THRESHOLDS[-1])
    console.print(Text(f"{title} (false alarms per image)", style="bold"))
    console.print(board, crop=False)
    for line in sentences(made):
        console.print(Text(line, style="dim"))


def sentences(made: Sequence[BoardRow]) -> list[str]:
    """Of each row but the first, whether it gives more false alarms than the first."""
    if not made[1:]:
        return []
    lines, found = [], differences(made)
    for row, one in zip(made[1:], found, strict=True):
        much = f"{one.mean:.2f} per image (95% interval {one.low:.2f} to {one.high:.2f}), {p_in_words(one.p_value)}"
        if one.p_value < LEVEL:
            lines.append(f"'{row.name}' gives more false alarms than '{made[0].name}': by {much}")
        else:
            both = f"'{row.name}' and '{made[0].name}'"
            lines.append(f"{both} cannot be told apart by their false alarms: the difference is {much}")
    counted = "seeds and canvases both counted" if all(one.over_seeds for one in found) else "canvases counted"
    lines.append(
        f"from probability {ASKED:.2f} on; {counted}; intervals are of each pair alone, p is corrected for all (Holm)"
    )
    return lines


def table(made: Sequence[BoardRow]) -> pd.DataFrame:
    """A row per run and threshold: `run`, `run_key`, `threshold`, what was counted, and what it comes to."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "run": row.name,
                "run_key": one.run.key,
                "threshold": threshold,
                **_at(one, threshold)[["detected", "right", "known"]].sum(),
                **numbers(_at(one, threshold)),
            }
            for row in made
            for one in row.found
            for threshold in THRESHOLDS
        ]
    )


def _row(
    name: str, found: tuple[Found, ...], false_alarms: dict[float, Estimate], recall: dict[float, Estimate]
) -> BoardRow:
    import pandas as pd

    all_seeds = {threshold: numbers(pd.concat([_at(one, threshold) for one in found])) for threshold in THRESHOLDS}
    precision = {threshold: one["precision"] for threshold, one in all_seeds.items()}
    distance = {threshold: one["distance"] for threshold, one in all_seeds.items()}
    return BoardRow(name, found, false_alarms, recall, precision, distance)


def _of_row(estimates: dict[float, list[Estimate]], number: int) -> dict[float, Estimate]:
    return {threshold: rows[number] for threshold, rows in estimates.items()}


def _at(found: Found, threshold: float) -> pd.DataFrame:
    return found.scores[found.scores["threshold"] == threshold]


def _counts(found: Sequence[Found], threshold: float, *, false_alarms: bool) -> NDArray[np.int64]:
    """False alarms or right detections: int64 (seeds, canvases)."""
    at = [_at(one, threshold) for one in found]
    return np.stack([(one["detected"] - one["right"] if false_alarms else one["right"]).to_numpy() for one in at])


def _false_alarms(rows: Sequence[Sequence[Found]], threshold: float) -> list[Estimate]:
    """Of each row, per image, not below 0."""
    found = mean_estimates(Rows.of([_counts(row, threshold, false_alarms=True) for row in rows]))
    return [replace(one, low=max(one.low, 0.0)) for one in found]


def _recall(rows: Sequence[Sequence[Found]], threshold: float) -> list[Estimate]:
    """Of each row, from 0 to 1."""
    known = float(_at(rows[0][0], threshold)["known"].iloc[0])  # as many on each canvas
    found = mean_estimates(Rows.of([_counts(row, threshold, false_alarms=False) for row in rows]))
    return [Estimate(one.mean / known, max(one.low / known, 0.0), min(one.high / known, 1.0)) for one in found]


def _cells(row: BoardRow, threshold: float) -> tuple[str, ...]:
    alarms, precision, distance = row.false_alarms[threshold], row.precision[threshold], row.distance[threshold]
    digits = decimals(alarms.low, alarms.high, 2)
    return (
        f"{threshold:.2f}",
        f"{alarms.mean:.{digits}f}",
        between(alarms.low, alarms.high, digits),
        f"{row.recall[threshold].mean:.3f}",
        "-" if precision is None else f"{precision:.3f}",
        "-" if distance is None else f"{distance:.1f}",
    )
