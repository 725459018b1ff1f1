"""How often the rows of a board got more seeds after someone had looked at them.

Each sweep that ends shows its leaderboard, and so does `compare.py` with a sweep's name: the sweep's journal says when,
its manifest of which runs. A look at boards of all runs leaves no trace, and is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from eyechart.comparison.groups import Board
from eyechart.evaluation.looks import error_of_looking
from eyechart.runs.listing import passing_over
from eyechart.runs.run import Run
from eyechart.runs.sweep import Sweep

FEWEST = 2  # seeds of a row, from which on a board says anything of seeds


def looked_at(boards: Sequence[Board]) -> list[Board]:
    """The boards, with a remark on each whose rows got more seeds after a look; sweeps are read once for all."""
    rows = [list(board.rows["run_keys"]) for board in boards]
    seen = _first_seen([keys for board in rows for keys in board])
    return [
        replace(board, remarks=(*board.remarks, *_remarks(row_keys, seen)))
        for board, row_keys in zip(boards, rows, strict=True)
    ]


def looks_at(rows: Sequence[Sequence[str]]) -> list[str]:
    """The same remark on a few rows, each given by the run keys of its runs: one line at most."""
    return _remarks(rows, _first_seen(rows))


def _remarks(rows: Sequence[Sequence[str]], seen: Mapping[str, int]) -> list[str]:
    counts = {_counts([seen[key] for key in keys if key in seen], len(keys)) for keys in rows}
    seeds = max((each for each in counts if len(each) > 1), key=error_of_looking, default=())
    return [remark(seeds)] if seeds else []


def remark(seeds: Sequence[int]) -> str:
    """What it does to look at a row with so many seeds each time, in one line."""
    numbers = f"{', '.join(map(str, seeds[:-1]))}, then {seeds[-1]} seeds"
    return (
        f"seeds were added after a look at the board ({numbers}): with that many chances to stop, "
        f"p = 0.05 is worth about {error_of_looking(seeds):.2f} at the worst"
    )


def _first_seen(rows: Sequence[Sequence[str]]) -> dict[str, int]:
    """When the runs of rows that can have been extended were first seen on a board, in milliseconds since 1970."""
    keys = {key for row_keys in rows if len(row_keys) > FEWEST for key in row_keys}
    if not keys:
        return {}
    ends = {key: end["t"] for key in keys if (end := Run(key).journal.end) is not None}
    seen: dict[str, int] = {}
    for sweep in Sweep.all():
        with passing_over():
            covered = ends.keys() & set(sweep.run_keys)
            for shown in sweep.shown if covered else ():
                seen |= {key: shown for key in covered if ends[key] <= shown < seen.get(key, shown + 1)}
    return seen


def _counts(seen: Iterable[int], now: int) -> tuple[int, ...]:
    """The seeds of a row at each look, from the times at which they were first seen, and now."""
    times = sorted(seen)
    at = [number for number, time in enumerate(times, 1) if times[number : number + 1] != [time]]
    return tuple(dict.fromkeys(count for count in [*at, now] if count >= FEWEST))
