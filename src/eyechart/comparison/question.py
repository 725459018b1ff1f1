"""Is A better than B? Two rows of a board, or two runs, compared on the test images and answered in words."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eyechart.comparison import unequal
from eyechart.comparison.answers import Correctness, correctness, read_answers
from eyechart.comparison.confirmation import in_place_of
from eyechart.comparison.evidence import Evidence, weigh
from eyechart.comparison.failed_seeds import failures_in_words
from eyechart.comparison.groups import Board, boards
from eyechart.comparison.looks import looks_at
from eyechart.comparison.sides import WAYS, Side, find_side
from eyechart.comparison.verdicts import answer
from eyechart.core.errors import EyechartError
from eyechart.core.words import counted, with_interval
from eyechart.data.inequality import is_unequal
from eyechart.evaluation.multiple import Comparisons
from eyechart.evaluation.rows import Rows
from eyechart.evaluation.significance import estimates
from eyechart.evaluation.verdict import MARGIN

if TYPE_CHECKING:
    import pandas as pd


def compare_sides(results: pd.DataFrame, a: str | None, b: str | None, margin: float = MARGIN) -> list[str]:
    """Compare two rows of the boards of these runs.

    Rows of one board are compared as the board compares them, so that no two places say different things of one pair.

    Args:
        results: as `load_results` gives them; not empty.
        a: names a row or run, in one of the ways of `find`.
        b: names the other.
        margin: accuracies that lie closer than this, from 0 to 1, are practically the same.

    Returns:
        Lines: both sides, their difference in numbers, and what it means; where classes are of unequal size also the
        differences of balanced accuracy and of macro F1; and whether seeds were added after a look.

    Raises:
        EyechartError: one side is not given, not known or ambiguous, or the two cannot be compared.
    """
    if a is None or b is None:
        given, lacking = ("b", "a") if a is None else ("a", "b")
        raise EyechartError(f"a question has two sides, received only {given}: type {lacking}=ROW too, {WAYS}")
    read = functools.cache(read_answers)
    found = boards(results, read)
    sides = {"a": find_side("a", a, found), "b": find_side("b", b, found)}
    left, right = in_place_of(sides["a"], sides["b"], found)
    if left.of != right.of:
        raise EyechartError(
            f"only rows that were tested on the same images can be compared: "
            f"a is '{left.name}' on {left.board}, b is '{right.name}' on {right.board}"
        )
    if left.run_keys == right.run_keys:
        raise EyechartError(f"a and b are both '{left.name}': name two rows")
    if shared := set(left.run_keys) & set(right.run_keys):
        raise EyechartError(f"run {min(shared)} is on both sides: compare two rows, or two runs")
    known = [correctness(each.run_keys, read) for each in (left, right)]
    if known[0].images != known[1].images:
        raise EyechartError(f"'{left.name}' and '{right.name}' were not tested on the same images: train them again")
    place = _place(found, left, right)
    evidence = weigh(place[0], read, margin) if place else None
    if place and evidence and evidence.comparisons:
        comparisons, (i, j) = evidence.comparisons, place[1:]
        known = [each for each in evidence.rows if isinstance(each, Correctness)]
    else:
        comparisons, (i, j) = Comparisons(Rows.of([each.correct for each in known], known[0].groups)), (0, 1)
    of_classes = {score: unequal.scored(known, score) for score in unequal.SCORES}
    told = {score: found.estimates() for score, found in of_classes.items()}
    scores, lines = estimates(comparisons.rows), []
    for side, each, row in (("a", left, i), ("b", right, j)):
        accuracy = with_interval(scores[row].mean, scores[row].low, scores[row].high)
        others = ", ".join(unequal.in_words(score, found[row]) for score, found in told.items())
        seeds = f"{counted(len(each.run_keys), 'seed')}{failures_in_words(known[row])}"
        lines.append(f"{side}: {each.name}, test accuracy {accuracy}, {others}, {seeds}")
    names, each_has = (left.name, right.name), (len(left.run_keys), len(right.run_keys))
    lines += answer(names, comparisons.pair(i, j), seeds=each_has, rows=comparisons.rows, margin=margin)
    if is_unequal(known[0].counts[0].support.tolist()) and not comparisons.problem:
        lines += [unequal.difference(names, score, each, i, j) for score, each in of_classes.items()]
    return [*lines, *_alone(evidence), *_picked(found, place), *looks_at([left.run_keys, right.run_keys])]


def _place(found: Sequence[Board], left: Side, right: Side) -> tuple[Board, int, int] | None:
    """The board that both sides are rows of, and their positions; None where one of them is a single run of a row."""
    for board in found:
        rows = [tuple(keys) for keys in board.rows["run_keys"]]
        if left.run_keys in rows and right.run_keys in rows:
            return board, rows.index(left.run_keys), rows.index(right.run_keys)
    return None


def _picked(found: Sequence[Board], place: tuple[Board, int, int] | None) -> list[str]:
    """That single runs were compared as if nobody had picked them from the many."""
    runs = sum(len(board.runs) for board in found)
    if place or runs < 3:
        return []
    return [
        f"p is that of a pair named before looking: it is too small if the pair was picked from these {runs:,} runs"
    ]


def _alone(evidence: Evidence | None) -> list[str]:
    """That two rows were compared without the others of their board, and why."""
    return [f"compared by themselves: on the board, {evidence.problem}"] if evidence and evidence.problem else []
