"""What the page must know to compare any two rows: their matrices, their answers, example images, and who is better."""

from __future__ import annotations

import base64
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyechart.comparison.confirmation import answer_of, of_pair
from eyechart.comparison.evidence import Evidence
from eyechart.comparison.groups import Board
from eyechart.comparison.report.charts import ChartRow
from eyechart.comparison.report.examples import Source
from eyechart.comparison.report.gathering import Gathered
from eyechart.comparison.report.pictures import as_many
from eyechart.comparison.verdicts import answer
from eyechart.core.errors import EyechartError
from eyechart.evaluation.agreement import confusion, majority, most_telling
from eyechart.evaluation.multiple import Comparisons
from eyechart.evaluation.rows import Rows


def comparison(
    board: Board, evidence: Evidence, found: Gathered, about: Source, rows: list[ChartRow], room: int
) -> dict[str, Any]:
    """What the page's script reads. Only images that some row misses are in it: on the others no two rows differ.

    Args:
        board: whose rows are compared.
        evidence: what the test images say of them.
        found: what its runs left.
        about: its data set.
        rows: names and colours.
        room: for pictures, in characters.
    """
    answered = {row: majority(found.predictions(row), found.votes[row]) for row in found.rows}
    stacked = np.stack(list(answered.values()))
    some = np.flatnonzero((stacked != found.labels).any(axis=0))
    telling = most_telling(found.labels, stacked, found.classes)
    pictures: dict[int, str] = {}
    if about.images is not None:
        shown = as_many(about.images, found.index[telling].tolist(), room)
        place = {int(index): number for number, index in enumerate(found.index[some])}
        pictures = {place[index]: picture for index, picture in shown.items()}
    return {
        "classes": list(about.class_names),
        "support": np.bincount(found.labels, minlength=found.classes).tolist(),
        "rows": [
            {
                "name": rows[row].name,
                "seeds": len(found.answers(row)),
                "counts": _sparse(confusion(found.labels, found.predictions(row), found.classes)),
                "answer": packed(each[some]),
                "right": packed((found.predictions(row)[:, some] == found.labels[some]).sum(axis=0)),
            }
            for row, each in answered.items()
        ],
        "labels": packed(found.labels[some]),
        "index": packed(found.index[some]),
        "pictures": pictures,
        "verdicts": verdicts(board, evidence, found),
    }


def verdicts(board: Board, evidence: Evidence, found: Gathered) -> dict[str, list[str]]:
    """Of every two rows, by their numbers among the known ones as "0 1", which is better: lines of text."""
    names = list(board.rows["run"])
    told = {}
    for (a, i), (b, j) in combinations(enumerate(found.rows), 2):
        asked_again = answer_of(evidence.confirmed, names[i], names[j])
        if asked_again is not None:
            told[f"{a} {b}"] = of_pair(asked_again, evidence.margin) or [asked_again.problem]
            continue
        left, right = evidence.rows[i], evidence.rows[j]
        if isinstance(left, EyechartError) or isinstance(right, EyechartError):
            error = left if isinstance(left, EyechartError) else right
            told[f"{a} {b}"] = [f"Which of the two is better is not known: {error}"]
            continue
        comparisons, pair = evidence.comparisons, (i, j)
        if comparisons is None:  # of another row something is missing
            comparisons, pair = Comparisons(Rows.of([left.correct, right.correct], left.groups)), (0, 1)
        compared, seeds = comparisons.pair(*pair), (len(left.correct), len(right.correct))
        lines = answer((names[i], names[j]), compared, seeds=seeds, rows=comparisons.rows, margin=evidence.margin)
        told[f"{a} {b}"] = lines[::-1]
    return told


def packed(values: NDArray[np.integer]) -> dict[str, Any]:
    """Whole numbers from 0 as the bytes of a typed array, in base64."""
    kind = next(kind for kind in ("u1", "u2", "u4") if int(values.max(initial=0)) <= np.iinfo(kind).max)
    return {"bytes": int(kind[1]), "data": base64.b64encode(values.astype(f"<{kind}").tobytes()).decode("ascii")}


def _sparse(counts: NDArray[np.int64]) -> list[int]:
    """The cells that are not 0: position, count, position, count, ..."""
    cells = np.flatnonzero(counts)
    return [int(value) for pair in zip(cells, counts.ravel()[cells], strict=True) for value in pair]
