"""What the test images say of the scores that count every class the same, where accuracy says little of rare ones."""

from __future__ import annotations

from collections.abc import Sequence

from eyechart.comparison.answers import Correctness
from eyechart.core.errors import EyechartError
from eyechart.core.words import between, decimals, points_with_interval
from eyechart.evaluation.rows import LEVEL
from eyechart.evaluation.significance import Estimate, p_in_words
from eyechart.evaluation.weighted import Scored, balanced_accuracy, macro_f1

SCORES = {"balanced_accuracy": balanced_accuracy, "macro_f1": macro_f1}
IN_WORDS = {"balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1"}
MEANS = {"balanced_accuracy": ", in which every class counts the same,"}


def scored(rows: Sequence[Correctness], score: str) -> Scored:
    """The rows of a board, tested on the same images, by one of `SCORES`."""
    classes = len(rows[0].counts[0].support)
    values = (SCORES[score](each.labels, each.predictions, classes) for each in rows)
    return Scored(values, rows[0].labels, rows[0].groups)


def intervals(rows: Sequence[Correctness | EyechartError], score: str) -> list[Estimate | None]:
    """One of `SCORES` of each row of a board with its 95% interval; None where the answers are not known."""
    known = [each for each in rows if isinstance(each, Correctness)]
    if len({each.images for each in known}) == 1:
        found = scored(known, score).estimates()
    else:  # rows of other images lend each other nothing
        found = [scored([each], score).estimates()[0] for each in known]
    of_known = iter(found)
    return [next(of_known) if isinstance(each, Correctness) else None for each in rows]


def in_words(score: str, found: Estimate) -> str:
    """A score with its 95% interval: `macro F1 0.9021 (0.8663-0.9290)`."""
    digits = decimals(found.low, found.high)
    return f"{IN_WORDS[score]} {found.mean:.{digits}f} ({between(found.low, found.high)})"


def difference(names: tuple[str, str], score: str, rows: Scored, i: int, j: int) -> str:
    """A sentence: which of two rows is better by a score, and the score of row `i` minus that of row `j`.

    It is corrected for all pairs of the board by Bonferroni's method, whichever of the rows was chosen.

    Args:
        names: of the two.
        score: one of `SCORES`.
        rows: of the board.
        i: the position of the first.
        j: that of the second.
    """
    found, pairs = rows.difference(i, j), len(rows) * (len(rows) - 1) // 2
    mean, low, high = (100 * value for value in (found.mean, found.low, found.high))
    among, p = min(found.p_value * pairs, 1.0), p_in_words(found.p_value)
    if pairs > 1:
        p += f" by itself, {p_in_words(among)} among the board's {pairs:,} pairs (Bonferroni)"
    better = names[0] if mean > 0 else names[1]
    if among < LEVEL:
        said = f"'{better}' is better"
    elif found.p_value < LEVEL:
        said = f"'{better}' looks better, but picked from so many pairs it may be luck"
    else:
        said = "it cannot be told which is better"
    numbers = f"'{names[0]}' minus '{names[1]}' is {points_with_interval(mean, low, high)}, {p}"
    return f"By {IN_WORDS[score]}{MEANS.get(score, '')} {said}: {numbers}."
