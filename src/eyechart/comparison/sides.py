"""Which row or run a person means: by its number on the board, by words or by run key."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from eyechart.comparison.groups import GROUPS, Board, as_dicts, choice, limit_in_words, text
from eyechart.comparison.held_back import FOLD
from eyechart.core.errors import EyechartError

DIGITS = 6  # of a run key are enough to name a run
MOST = 8  # candidates in a message
CHOSEN = ("model", "dataset", "backend", "limit", "limit_order", "training_version", "seed")
WAYS = "its number on the board, its words such as 'model=cnn optimizer.learning_rate=0.01', or a run key"


@dataclass(frozen=True)
class Side:
    """One side of the question: a row of a board, or a single run.

    Attributes:
        name: the row's label; of a single run with its seed.
        board: the title of its board.
        of: the data digest and limit, which only sides with the same test images share.
        run_keys: of its runs, one per seed.
    """

    name: str
    board: str
    of: tuple[str, str]
    run_keys: tuple[str, ...]


def find_side(side: str, asked: str, found: Sequence[Board]) -> Side:
    """The row or run that a person named.

    Args:
        side: `a` or `b`, for messages.
        asked: a row's number on the only board; a run key or its beginning; or words of which each is the model's name
            or a `key=value` of the row. With the word `seed=0` it is that run of the row.
        found: the boards.

    Raises:
        EyechartError: no row is named so, or more than one.
    """
    if asked.isdecimal() and len(asked) < DIGITS:
        return _numbered(side, int(asked), found)
    candidates = []
    if re.fullmatch(f"[0-9a-f]{{{DIGITS},}}", asked):
        candidates = [run for run, row in _runs(found) if row["run_key"].startswith(asked)]
    if not candidates:
        words = re.sub(r",\s+", ",", asked).split()  # a list may be typed with spaces
        among = _runs(found) if any(word.startswith("seed=") for word in words) else _rows(found)
        candidates = [named for named, row in among if words and all(_matches(word, row) for word in words)]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise EyechartError(f"{side}={asked} names more than one: {_listed(candidates, found)}")
    known = _listed([row for row, _ in _rows(found)], found)
    raise EyechartError(f"{side}={asked} names no row: expected {WAYS}. Rows: {known}")


def _numbered(side: str, number: int, found: Sequence[Board]) -> Side:
    if len(found) > 1:
        titles = ", ".join(board.title for board in found)
        raise EyechartError(
            f"{side}={number} is a row's number, and there are {len(found)} boards ({titles}): "
            f"choose one with sweep=last or experiment_name=NAME, or name the row by its words or a run key"
        )
    rows = [row for row, _ in _rows(found)]
    if not 1 <= number <= len(rows):
        raise EyechartError(f"{side}={number} names no row. Rows: {_listed(rows, found)}")
    return rows[number - 1]


def _rows(found: Sequence[Board]) -> list[tuple[Side, dict[str, Any]]]:
    """Every row of every board, as a side and with its values."""
    return [
        (Side(row["run"], board.title, _of(row), tuple(row["run_keys"])), row)
        for board in found
        for row in as_dicts(board.rows)
    ]


def _runs(found: Sequence[Board]) -> list[tuple[Side, dict[str, Any]]]:
    """The same of every single run."""
    labels = {row["group"]: side.name for side, row in _rows(found)}
    return [
        (Side(f"{labels[run['group']]} {_which(run, board)}", board.title, _of(run), (run["run_key"],)), run)
        for board in found
        for run in as_dicts(board.runs)
    ]


def _which(run: Mapping[str, Any], board: Board) -> str:
    """What tells a run from the others of its row: its seed, and its fold where a row has several."""
    of_folds = FOLD in board.runs and FOLD not in board.rows
    return f"seed={run['seed']}" + (f" {FOLD}={text(choice(run, FOLD))}" if of_folds else "")


def _of(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row["data_digest"]), limit_in_words(row)


def _matches(word: str, row: Mapping[str, Any]) -> bool:
    """Whether a word is the model's name, or a `key=value` that was chosen for the row."""
    name, equals, value = word.partition("=")
    if not equals:
        return bool(word == row["model"])
    if not (name in row and (name in CHOSEN or name.startswith(GROUPS))):
        return False
    chosen = text(choice(row, name))
    if value == chosen:  # also a hash that could be read as a number
        return True
    with suppress(ValueError):  # of a word
        value = text(json.loads(value))  # 1e-2 is 0.01
    return value == chosen


def _listed(sides: Sequence[Side], found: Sequence[Board]) -> str:
    """Candidates in one line: with their numbers where there is one board, with the board's title where not."""
    if len(found) > 1:
        names = [f"{side.name} ({side.board})" for side in sides]
    else:
        numbers = {row.run_keys: number for number, (row, _) in enumerate(_rows(found), 1)}
        names = [f"{numbers.get(side.run_keys, side.run_keys[0][:8])}: {side.name}" for side in sides]
    more = f"; and {len(names) - MOST} more" if len(names) > MOST else ""
    return "; ".join(names[:MOST]) + more
