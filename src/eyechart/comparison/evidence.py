"""What the test images say of the rows of a board: error bars, and which rows cannot be told apart from the first."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eyechart.comparison.answers import Correctness, Read, correctness, read_answers
from eyechart.comparison.confirmed import Confirmed
from eyechart.comparison.groups import Board
from eyechart.core.errors import EyechartError
from eyechart.evaluation.multiple import Comparisons
from eyechart.evaluation.rows import Rows
from eyechart.evaluation.significance import Estimate, estimate, estimates
from eyechart.evaluation.verdict import MARGIN


@dataclass(frozen=True)
class Evidence:
    """What is known of a board beyond the scores that its runs wrote down.

    Attributes:
        estimates: per row its test accuracy with the 95% interval; None where it is not known.
        comparisons: of the rows, in their order; None if they were not compared.
        margin: accuracies that lie closer than this, from 0 to 1, are practically the same.
        problem: one line on why something is not known; empty if all is.
        rows: per row which test images its runs classified right, or why that is not known.
        confirmed: what new seeds say of rows that sweeps chose.
        asked_again: the positions of the rows of which these alone say how they lie to the first.
    """

    estimates: list[Estimate | None]
    comparisons: Comparisons | None = None
    margin: float = MARGIN
    problem: str = ""
    rows: Sequence[Correctness | EyechartError] = ()
    confirmed: tuple[Confirmed, ...] = ()
    asked_again: frozenset[int] = frozenset()


def weigh(board: Board, read: Read = read_answers, margin: float = MARGIN) -> Evidence:
    """Compare the rows of a board with its first. What is missing or does not fit is told, and the rest still said.

    Args:
        board: its rows.
        read: gives the answers of a run by its run key; one that keeps them spares reading them again.
        margin: accuracies that lie closer than this, from 0 to 1, are practically the same.
    """
    found: list[Correctness | EyechartError] = []
    problems = []
    for label, keys in zip(board.rows["run"], board.rows["run_keys"], strict=True):
        try:
            found.append(correctness(keys, read))
        except EyechartError as error:
            found.append(error)
            problems.append(f"{label}: {error}")
    known = [each for each in found if isinstance(each, Correctness)]
    if not problems:
        labels = list(board.rows["run"])
        problems = [
            f"{label} was not tested on the images of {labels[0]}"
            for label, each in zip(labels, known, strict=True)
            if each.images != known[0].images
        ]
    if not problems:
        compared = _compare(board, known, read)
        return Evidence(list(estimates(compared.rows)), compared if len(known) > 1 else None, margin, rows=found)
    each_by_itself = [estimate(each.correct, each.groups) if isinstance(each, Correctness) else None for each in found]
    lost = "the rows are not compared" if len(found) > 1 else "no interval"
    more = f" (and the like of {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Evidence(each_by_itself, None, margin, problem=f"{lost}: {problems[0]}{more}", rows=found)


def _compare(board: Board, known: Sequence[Correctness], read: Read) -> Comparisons:
    """Compare rows whose answers are known; boards with the same runs say the same."""
    keys = [key for of_row in board.rows["run_keys"] for key in of_row]
    seed = int.from_bytes(hashlib.sha256(" ".join(sorted(keys)).encode()).digest()[:8])
    held_back = [[read(key).held_back for key in of_row] for of_row in board.rows["run_keys"]]
    images = {each.images if each else "" for of_row in held_back for each in of_row}
    validation = None
    if len(images) == 1 and "" not in images:
        validation = Rows.of([np.stack([each.correct for each in of_row if each]) for of_row in held_back])
    return Comparisons(Rows.of([each.correct for each in known], known[0].groups), validation, seed)
