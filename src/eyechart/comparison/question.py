"""Is A better than B? Two rows of a board, or two runs, compared on the test images and answered in words."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from eyechart.comparison.evidence import Correctness, correctness, read_answers
from eyechart.comparison.failed_seeds import failures_in_words
from eyechart.comparison.groups import boards
from eyechart.comparison.looks import looks_at
from eyechart.comparison.sides import WAYS, Side, find_side
from eyechart.core.errors import EyechartError
from eyechart.core.words import counted, with_interval
from eyechart.evaluation.significance import LEVEL, Difference, difference, estimate

if TYPE_CHECKING:
    import pandas as pd


def compare_sides(results: pd.DataFrame, a: str | None, b: str | None) -> list[str]:
    """Compare two rows of the boards of these runs.

    Args:
        results: as `load_results` gives them; not empty.
        a: names a row or run, in one of the ways of `find`.
        b: names the other.

    Returns:
        Lines: both sides, their difference in numbers, what it means, and whether seeds were added after a look.

    Raises:
        EyechartError: one side is not given, not known or ambiguous, or the two cannot be compared.
    """
    if a is None or b is None:
        given, lacking = ("b", "a") if a is None else ("a", "b")
        raise EyechartError(f"a question has two sides, received only {given}: type {lacking}=ROW too, {WAYS}")
    read = functools.cache(read_answers)
    found = boards(results, read)
    sides = {"a": find_side("a", a, found), "b": find_side("b", b, found)}
    left, right = sides.values()
    if left.of != right.of:
        raise EyechartError(
            f"only rows that were tested on the same images can be compared: "
            f"a is '{left.name}' on {left.board}, b is '{right.name}' on {right.board}"
        )
    if left.run_keys == right.run_keys:
        raise EyechartError(f"a and b are both '{left.name}': name two rows")
    if shared := set(left.run_keys) & set(right.run_keys):
        raise EyechartError(f"run {min(shared)} is on both sides: compare two rows, or two runs")
    known = {side: correctness(each.run_keys, read) for side, each in sides.items()}
    if known["a"].images != known["b"].images:
        raise EyechartError(f"'{left.name}' and '{right.name}' were not tested on the same images: train them again")
    lines = []
    for side, each in sides.items():
        score = estimate(known[side].correct)
        lines.append(
            f"{side}: {each.name}, test accuracy {with_interval(score.mean, score.low, score.high)}, "
            f"{_means(known[side])}, {counted(len(each.run_keys), 'seed')}{failures_in_words(known[side])}"
        )
    between = difference(known["a"].correct, known["b"].correct)
    said = answer(left, right, between, known["a"].correct.shape[1])
    return [*lines, *said, *looks_at([left.run_keys, right.run_keys])]


def _means(found: Correctness) -> str:
    return f"balanced accuracy {found.mean('balanced_accuracy'):.4f}, macro F1 {found.mean('macro_f1'):.4f}"


def answer(left: Side, right: Side, found: Difference, images: int) -> list[str]:
    """Two lines: the difference in numbers, and what it means.

    Args:
        left: the side a.
        right: the side b.
        found: a minus b, of the test accuracy.
        images: how many the sides were tested on.
    """
    mean, low, high = (100 * value for value in (found.mean, found.low, found.high))
    numbers = f"a minus b: {mean:+.2f} percentage points, 95% interval {low:+.2f} to {high:+.2f}, {found.p_in_words}"
    seeds = [len(left.run_keys), len(right.run_keys)]
    if found.over_seeds:
        many = f"{seeds[0]} seeds" if seeds[0] == seeds[1] else f"seeds ({seeds[0]} and {seeds[1]})"
        said = f"both the {many} and the {counted(images, 'test image')}"
        only = ""
    else:
        said = f"the {counted(images, 'test image')}"
        which = "these two trained networks" if seeds == [1, 1] else "the networks that were trained"
        only = f" It speaks only of {which}: train more seeds to ask it of the choices behind them."
    if not found.p_value < LEVEL:
        return [
            numbers,
            f"It cannot be told which of '{left.name}' and '{right.name}' is better, counting {said}: "
            f"a difference below about {(high - low) / 2:.2f} percentage points would not show."
            f"{only}{disagreement(found)}",
        ]
    if mean < 0:
        left, right, mean, low, high = right, left, -mean, -high, -low
    return [
        numbers,
        f"'{left.name}' is better than '{right.name}': by {mean:.2f} percentage points "
        f"(95% interval {low:.2f} to {high:.2f}), counting {said}.{only}{disagreement(found)}",
    ]


def disagreement(found: Difference) -> str:
    """A sentence with a space before it, where the p-value says other than the interval whether 0 is possible."""
    if (found.p_value < LEVEL) == (found.low > 0 or found.high < 0):
        return ""
    return " The p-value and the interval disagree about 0: go by the p-value, which is exact; the interval is not."
