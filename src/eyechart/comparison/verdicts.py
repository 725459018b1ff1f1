"""What comparisons of rows say, in words: on boards, as answers to a question, and in the report alike."""

from __future__ import annotations

from collections.abc import Sequence

from eyechart.comparison.evidence import Evidence
from eyechart.comparison.groups import Board
from eyechart.core.words import counted, decimals, points_with_interval
from eyechart.evaluation.multiple import BOARDS, Compared
from eyechart.evaluation.rows import LEVEL, Rows
from eyechart.evaluation.scores import NAMED
from eyechart.evaluation.significance import Difference, p_in_words
from eyechart.evaluation.verdict import MOST_SEEDS, Outcome, Verdict, judge

MARKS = {
    Outcome.BETTER: "lower",  # of the row that the first one is better than
    Outcome.WORSE: "higher",
    Outcome.SAME: "same",
    Outcome.UNKNOWN: "?",
    Outcome.UNTELLABLE: "?",
}
BELOW = "see below"  # of a row that new seeds were asked about
P_BEST = (
    "P(best): the probability that this row's true accuracy, over all seeds and images, is the highest, if all "
    "accuracies were equally likely before the test"
)
ONE_SEED_BEST = "; of a row with one seed, that trained network"
FEW_SEEDS = 3  # of a row lean on how far the seeds of other rows lie apart


def verdicts(board: Board, evidence: Evidence) -> list[Verdict]:
    """What the comparison of the first row with each other one comes to; empty where they were not compared."""
    if evidence.comparisons is None:
        return []
    seeds = [int(number) for number in board.rows["seeds"]]
    return [
        judge(compared, evidence.margin, (seeds[0], own))
        for compared, own in zip(evidence.comparisons.with_first, seeds[1:], strict=True)
    ]


def marks(board: Board, evidence: Evidence) -> list[str]:
    """For each row how its test accuracy lies to that of the first, which validation chose where it could.

    Empty where the rows were not compared.
    """
    if evidence.comparisons is None:
        return []
    found = [MARKS[each.outcome] for each in verdicts(board, evidence)]
    others = [BELOW if number in evidence.asked_again else mark for number, mark in enumerate(found, 1)]
    return ["chosen" if board.chosen else "first", *others]


def chance(share: float) -> str:
    """A probability in percent: `62%`; nothing that was simulated is certain."""
    return "<1%" if share < 0.005 else ">99%" if share > 0.995 else f"{share:.0%}"


def numbers(board: Board, evidence: Evidence) -> dict[str, list[float | None]]:
    """The first row minus each other one in numbers, for tables: accuracies and differences from 0 to 1.

    None of a row that new seeds were asked about; empty where the rows were not compared.
    """
    if evidence.comparisons is None:
        return {}
    told = _numbers(board, evidence)
    return {
        name: [None if number in evidence.asked_again else value for number, value in enumerate(values, 1)]
        for name, values in told.items()
    }


def _numbers(board: Board, evidence: Evidence) -> dict[str, list[float | None]]:
    assert evidence.comparisons is not None
    compared, found = evidence.comparisons.with_first, verdicts(board, evidence)
    return {
        **{name: [getattr(each.difference, name) for each in compared] for name in ("mean", "low", "high")},
        "p_value": [each.p_board for each in compared],
        "p_value_alone": [each.difference.p_value for each in compared],
        "found_in_half": [each.half for each in found],
        "found_in_four_of_five": [each.most for each in found],
        "more_seeds": [each.more_seeds for each in found],
    }


def notes(board: Board, evidence: Evidence) -> list[str]:
    """What the marks of a board mean, and what is assumed: one line each."""
    if evidence.comparisons is None:
        return []
    compared, found = evidence.comparisons.with_first, verdicts(board, evidence)
    if evidence.comparisons.problem:
        return [f"? {evidence.comparisons.problem}"]
    outcomes = {each.outcome for number, each in enumerate(found, 1) if number not in evidence.asked_again}
    apart = [MARKS[each] for each in (Outcome.BETTER, Outcome.WORSE) if each in outcomes]
    lines = []
    if apart:
        lines.append(
            f"{' and '.join(apart)}: told apart from row 1 at 5%, {_counted(evidence, compared)}"
            f"{_corrected(board, compared)}"
        )
    if Outcome.WORSE in outcomes and board.chosen:
        lines.append("higher: better on the test images than the row that validation chose; they do not choose")
    if Outcome.SAME in outcomes:
        lines.append(f"same: practically the same as row 1, they differ {_within(evidence.margin)}")
    if Outcome.UNKNOWN in outcomes:
        lines.append(_untold(board, evidence, found, apart=bool(apart)))
    lines.append(
        P_BEST
        + (", from the seeds that chose" if evidence.confirmed else "")
        + (ONE_SEED_BEST if (board.rows["seeds"] == 1).any() else "")
    )
    fewest = min((int(seeds) for seeds in board.rows["seeds"] if seeds > 1), default=0)
    if 1 < fewest <= FEW_SEEDS:
        lines.append(
            f"with as few as {fewest} seeds a row, all this holds only if the seeds of all rows scatter about alike"
        )
    return lines


def _counted(evidence: Evidence, compared: Sequence[Compared]) -> str:
    over_seeds = {each.difference.over_seeds for each in compared}
    assert evidence.comparisons is not None
    images = "groups of test images" if evidence.comparisons.rows.groups is not None else "test images"
    if over_seeds == {True}:
        return f"seeds and {images} both counted"
    return f"{images} counted, and seeds where both rows have several" if True in over_seeds else f"{images} counted"


def _corrected(board: Board, compared: Sequence[Compared]) -> str:
    count = compared[0].among
    if count < 2:
        return ""
    if not compared[0].with_first:
        return f", corrected for all {count:,} pairs"
    return f", corrected for {count:,} comparisons{' and for how row 1 was chosen' if board.chosen else ''}"


def _within(margin: float) -> str:
    return f"by less than {100 * margin:g} percentage points (margin={100 * margin:g}), with an error of 5%"


def _untold(board: Board, evidence: Evidence, found: Sequence[Verdict], *, apart: bool) -> str:
    """That some rows cannot be told from the first, what would have shown, and what would help."""
    assert evidence.comparisons is not None
    compared = evidence.comparisons.with_first
    open_rows = [
        number
        for number, each in enumerate(found)
        if each.outcome is Outcome.UNKNOWN and number + 1 not in evidence.asked_again
    ]
    widest = max((found[number] for number in open_rows), key=lambda each: each.most)
    how = "" if apart else f", {_counted(evidence, compared)}{_corrected(board, compared)}"
    return f"?: cannot be told from row 1 yet at 5%{how}: {_shows(widest)}{_help(found, open_rows, compared)}"


def _shows(verdict: Verdict) -> str:
    """How far apart rows must be to be told apart."""
    if verdict.half > 1:
        return "with so little to go by hardly any difference would be found"
    half, most = 100 * verdict.half, 100 * verdict.most
    digits = decimals(0, half, 2)
    return (
        f"a true difference of {half:.{digits}f} percentage points is found in half of such comparisons, "
        f"{'none' if most > 100 else f'one of {most:.{digits}f}'} in four of five"
    )


def _help(found: Sequence[Verdict], open_rows: Sequence[int], compared: Sequence[Compared]) -> str:
    """What would bring an answer for these rows."""
    over_seeds = [number for number in open_rows if compared[number].difference.over_seeds]
    helped = [number for number in over_seeds if found[number].more_seeds]
    limits = [number for number in over_seeds if found[number].images_limit]
    far = [number for number in over_seeds if number not in helped + limits]
    said = ""
    if helped:
        each = [f"about {found[number].more_seeds} for row {number + 2}" for number in helped[:NAMED]]
        more = f" and others for {len(helped) - NAMED} more rows" if len(helped) > NAMED else ""
        said += f"; if differences are what they seem, more seeds of both rows would tell: {', '.join(each)}{more}"
    if far:
        said += f"; for {_rows(far)} it would take more than {MOST_SEEDS} more seeds"
    if limits:
        said += f"; for {_rows(limits)} more seeds would not tell: the test images are too few"
    return said


def _rows(numbers: Sequence[int]) -> str:
    """Rows of a board by their numbers, the first of them where there are many; `numbers` are from 0, after row 1."""
    named = ", ".join(str(number + 2) for number in numbers[:NAMED])
    return f"{'row' if len(numbers) == 1 else 'rows'} {named}{', ...' if len(numbers) > NAMED else ''}"


def answer(
    names: tuple[str, str], compared: Compared, *, seeds: tuple[int, int], rows: Rows, margin: float
) -> list[str]:
    """Two lines: the difference of two rows in numbers, and what it means.

    Args:
        names: of both.
        compared: the test accuracy of the first minus that of the second.
        seeds: of both.
        rows: of the board.
        margin: of what is practically the same, from 0 to 1.
    """
    found, verdict = compared.difference, judge(compared, margin, seeds)
    mean, low, high = (100 * value for value in (found.mean, found.low, found.high))
    numbers = f"a minus b: {_in_numbers(compared)}"
    said = f"counting {_both(found.over_seeds, seeds, rows)}"
    only = _disagreement(found) + _only(found.over_seeds, seeds)
    both = f"'{names[0]}' and '{names[1]}'"
    if verdict.outcome is Outcome.UNTELLABLE:
        return [numbers, f"Which of {both} is better cannot be told: there are too few groups of test images."]
    if verdict.outcome is Outcome.SAME:
        return [numbers, f"{both} are practically the same: they differ {_within(margin)}, {said}.{only}"]
    better, worse = names if mean > 0 else names[::-1]
    if verdict.outcome is Outcome.UNKNOWN:
        if verdict.looks:
            return [
                numbers,
                f"'{better}' looks better than '{worse}', but picked from {_picked(compared)} it may be luck: only if "
                f"this pair was named before looking is it told apart at 5%, {said}.{only}",
            ]
        more = _more(verdict, found.over_seeds)
        return [numbers, f"It cannot be told yet which of {both} is better, {said}: {_shows(verdict)}.{more}{only}"]
    low, high = (low, high) if mean > 0 else (-high, -low)
    interval = "95% interval"
    if compared.among > 1:
        interval, margin = "corrected 95% interval", 100 * found.margin(compared.level)
        low, high = abs(mean) - margin, abs(mean) + margin
    digits = decimals(low, high, 2)
    return [
        numbers,
        f"'{better}' is better than '{worse}': by {abs(mean):.{digits}f} percentage points "
        f"({interval} {low:.{digits}f} to {high:.{digits}f}), {said}.{only}",
    ]


def _in_numbers(compared: Compared) -> str:
    found, p_board = compared.difference, compared.p_board if compared.among > 1 else None
    joint = ", " if p_board is None else "; for a pair named before looking "
    points = points_with_interval(100 * found.mean, 100 * found.low, 100 * found.high, joint)
    among = "" if p_board is None else f"; among {_picked(compared)} {p_in_words(p_board, 2 / BOARDS)}"
    return f"{points}, {p_in_words(found.p_value)}{among}"


def _picked(compared: Compared) -> str:
    return f"the board's {compared.among:,} {'comparisons with row 1' if compared.with_first else 'pairs'}"


def _both(over_seeds: bool, seeds: tuple[int, int], rows: Rows) -> str:
    images = f"the {counted(rows.images, 'test image')}"
    if rows.groups is not None:
        images += f" in {counted(rows.units, 'group')}"
    if not over_seeds:
        return images
    many = f"{seeds[0]} seeds" if seeds[0] == seeds[1] else f"seeds ({seeds[0]} and {seeds[1]})"
    return f"both the {many} and {images}"


def _only(over_seeds: bool, seeds: tuple[int, int]) -> str:
    if over_seeds:
        return ""
    which = "these two trained networks" if seeds == (1, 1) else "the networks that were trained"
    return f" It speaks only of {which}: train more seeds to ask it of the choices behind them."


def _disagreement(found: Difference) -> str:
    """A sentence with a space before it, where the p-value says other than the interval whether 0 is possible."""
    if (found.p_value < LEVEL) == (found.low > 0 or found.high < 0):
        return ""
    return " The p-value and the interval disagree about 0: go by the p-value, the interval is an approximation."


def _more(verdict: Verdict, over_seeds: bool) -> str:
    if not over_seeds:
        return ""
    if verdict.images_limit:
        return " If the difference is what it seems, more seeds would not tell: the test images are too few."
    if verdict.more_seeds is None:
        return f" If the difference is what it seems, more than {MOST_SEEDS} more seeds of each would be needed."
    return f" If the difference is what it seems, about {counted(verdict.more_seeds, 'more seed')} of each would do."
