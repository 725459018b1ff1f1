"""The report's answers in words, with numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eyechart.comparison import verdicts
from eyechart.comparison.answers import Correctness
from eyechart.comparison.evidence import Evidence
from eyechart.comparison.failed_seeds import failures_in_words
from eyechart.comparison.groups import Board
from eyechart.core.words import decimals
from eyechart.evaluation.agreement import Potential
from eyechart.evaluation.verdict import Outcome

MOST = 5  # names in a sentence


def percent(share: float, digits: int = 2) -> str:
    """A share as percent with two digits: accuracies differ in them."""
    return f"{100 * share:.{digits}f}%"


def points(difference: float) -> str:
    """A difference of shares in percentage points."""
    return f"{100 * difference:+.2f}".replace("-", "−") + " points"


def number(value: float) -> str:
    """A count, or a mean of counts with one digit."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def count(value: float, one: str, many: str | None = None) -> str:
    """A count with its noun."""
    return f"{number(value)} {one if value == 1 else many or f'{one}s'}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, the first of them where there are many."""
    if len(names) > MOST:
        return f"{', '.join(names[:MOST])} and {count(len(names) - MOST, 'other')}"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def first_row(board: Board, evidence: Evidence, images: int | None) -> str:
    """Which row validation chose, or which is first where none may be chosen, and how good it is."""
    row, estimate = board.rows.iloc[0], evidence.estimates[0]
    seeds = int(row["seeds"])
    of = f"{images:,} test images" if images else "test images"
    answers = evidence.rows[0] if evidence.rows else None
    failed = failures_in_words(answers) if isinstance(answers, Correctness) else ""
    details = f"mean of {seeds} seeds{failed}" if seeds > 1 else "one seed"
    digits = 2
    if estimate is not None:
        digits = decimals(100 * estimate.low, 100 * estimate.high, digits)
        details = f"95% interval {percent(estimate.low, digits)} to {percent(estimate.high, digits)}, {details}"
    right = f"classifies {percent(row['test/accuracy'], digits)} of the {of} right ({details})"
    if not board.chosen:
        return f"{board.note[:1].upper()}{board.note[1:]}. The first row, {row['run']}, {right}."
    return f"Validation chose {row['run']}: it {right}." if len(board.rows) > 1 else f"{row['run']} {right}."


def against_first(board: Board, evidence: Evidence) -> str:
    """Which rows cannot be told apart from the first, and which are lower or higher; of what new seeds say nothing."""
    if len(board.rows) == 1:
        return "There is one row only, so there is nothing to compare it with."
    if evidence.comparisons is None:
        return "Which rows can be told apart is not known; below the leaderboard stands why."
    others = [
        (name, each)
        for number, (name, each) in enumerate(
            zip(list(board.rows["run"])[1:], verdicts.verdicts(board, evidence), strict=True), 1
        )
        if number not in evidence.asked_again
    ]
    if not others:
        return ""
    named = {outcome: [name for name, each in others if each.outcome is outcome] for outcome in Outcome}
    untold = named[Outcome.UNKNOWN] + named[Outcome.UNTELLABLE]
    same, lower, higher = named[Outcome.SAME], named[Outcome.BETTER], named[Outcome.WORSE]
    said = []
    if untold:
        none = len(untold) == len(others) > 1
        yet = " yet" if named[Outcome.UNKNOWN] else ""
        said.append(f"{'No other row can' if none else f'{_some(untold, others)} cannot'} be told apart from it{yet}")
    if same:
        said.append(f"{_are(same, others)} practically the same as it (within {100 * evidence.margin:g} points)")
    if lower:
        said.append("Every other row is lower" if len(lower) == len(others) > 1 else f"{_are(lower, others)} lower")
    if higher:
        but = ", but the test images may not choose" if board.chosen else ""
        said.append(f"{_are(higher, others)} higher{but}")
    return "; ".join(said) + "."


def _are(names: Sequence[str], others: Sequence[object]) -> str:
    return f"{_some(names, others)} {'is' if len(names) == 1 else 'are'}"


def _some(names: Sequence[str], others: Sequence[object]) -> str:
    return listed(names) if len(names) <= MOST else f"{len(names):,} of the {len(others):,} other rows"


def confused(name: str, pairs: Sequence[tuple[int, int, float]], names: Sequence[str], mistakes: float) -> str:
    """What a row takes for each other most.

    Args:
        name: of the row.
        pairs: as `confused_pairs` gives them, of the mean over the row's seeds.
        names: of the classes.
        mistakes: of the row in all, likewise a mean.
    """
    if not pairs:
        return f"{name} makes no mistake on the test images."
    a, b, times = pairs[0]
    share = f"{times / mistakes:.0%}" if times >= mistakes / 100 else "under 1%"
    return (
        f"{name} confuses {names[a]} and {names[b]} most: {number(times)} of its {number(mistakes)} mistakes ({share})."
    )


def raised(found: Potential, accuracy: float, runs: int) -> str:
    """By how much the best row could be raised, in one sentence."""
    if runs == 1:
        return f"It misses {percent(found.none_right)} of the test images."
    return (
        f"At least one of the {runs} runs is right on {percent(found.any_right)} of the test images, so choosing among "
        f"their answers could raise it by {100 * (found.any_right - accuracy):.2f} percentage points at the very most; "
        f"a vote of all runs reaches {percent(found.vote)}."
    )


def potentials(
    found: Potential,
    *,
    best: str,
    accuracy: float,
    runs: tuple[int, int],
    images: int,
    pairs: Sequence[tuple[int, int, float]],
    names: Sequence[str],
) -> list[dict[str, Any]]:
    """By how much the best row could be raised: of each way the accuracy, the gain, and what the number means.

    Args:
        found: the numbers.
        best: the row's name.
        accuracy: of the row on these images, the mean over its runs.
        runs: of the row, and in all.
        images: how many.
        pairs: as `confused_pairs` gives them, of the mean over the row's runs.
        names: of the classes.
    """
    ways = [(f"{best} as it is", accuracy, "The mean over its runs." if runs[0] > 1 else "Its one run.")]
    if pairs:
        a, b, times = pairs[0]
        ways.append(
            (
                f"If it never confused {names[a]} and {names[b]}",
                accuracy + times / images,
                "What mending its most confused pair alone would bring, if that spoiled nothing else.",
            )
        )
    if runs[0] > 1:
        means = (
            f"The class with the highest mean probability over its {runs[0]} runs. "
            f"It can be had, at {runs[0]} times the cost."
        )
        ways.append((f"A vote of the runs of {best}", found.best_vote, means))
    if runs[1] > runs[0]:
        means = f"Likewise over all {runs[1]} runs, good and bad alike. It can be had, at the cost of them all."
        ways.append(("A vote of all runs", found.vote, means))
    if runs[1] > 1:
        means = (
            f"The share of images that at least one of the {runs[1]} runs gets right. A bound, and no method: it takes "
            "somebody who knows for each image which run to trust, and grows with the number of runs by luck alone."
        )
        ways.append(("An oracle over all runs", found.any_right, means))
    lines = [
        {"what": what, "accuracy": percent(value), "gain": points(value - accuracy) if position else "", "means": means}
        for position, (what, value, means) in enumerate(ways)
    ]
    none = "that no run gets right. Where they cannot be read by eye either, or bear a wrong label, no network will."
    lines.append(
        {"what": "Beyond all runs", "accuracy": percent(found.none_right), "gain": "", "means": f"Images {none}"}
    )
    return lines
