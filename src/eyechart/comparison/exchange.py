"""May one trained network take another's place? What the test images say of the two, in words."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from eyechart.comparison.answers import Correctness
from eyechart.comparison.groups import boards
from eyechart.comparison.question import compare_sides
from eyechart.core.errors import ConfigError, EyechartError
from eyechart.core.words import counted, decimals
from eyechart.evaluation.noninferiority import NonInferiority, not_worse
from eyechart.evaluation.paired import FEWEST_GROUPS
from eyechart.evaluation.significance import p_in_words

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Exchange:
    """What was found.

    Attributes:
        allowed: whether the network may take the other's place.
        why: in a sentence or two.
    """

    allowed: bool
    why: str


def check_margin(margin: float) -> None:
    """Raise ConfigError if `margin` cannot be a number of percentage points of accuracy."""
    if not 0 <= margin < 100:
        raise ConfigError(f"margin must be at least 0 and below 100 percentage points, received {margin:g}")


def exchange(candidate: Correctness, champion: Correctness, who: str, margin: float) -> Exchange:
    """Ask the test images whether one run's network may take another's place.

    It may where it is better, or where they show that it is not worse by more than the margin.

    Args:
        candidate: the answers of the one run.
        champion: those of the other, to the same images.
        who: the other in a sentence.
        margin: in percentage points.
    """
    found = not_worse(candidate.correct[0], champion.correct[0], margin / 100, candidate.groups)
    return Exchange(found.shown, in_words(found, who))


def in_words(found: NonInferiority, who: str) -> str:
    """What was found of a candidate, in sentences.

    Args:
        found: the candidate against the champion.
        who: the champion.
    """
    mean, low, high = (100 * value for value in (found.mean, found.low, found.high))
    margin = f"{100 * found.margin:g} percentage points"
    digits = decimals(low, high, 2)
    interval = f"95% interval {low:+.{digits}f} to {high:+.{digits}f}"
    tested = f"on the test images ({interval}, {p_in_words(found.p_value)})"
    numbers = f"{mean:+.{digits}f} percentage points {tested} against {who}"
    if found.too_few_groups:
        known = f"{counted(found.groups or 0, 'group')} of test images cannot tell, {FEWEST_GROUPS} or more can"
        return f"Not known to be better or worse ({known}): {numbers}."
    if found.better:
        return f"Better by the paired test: {numbers}."
    if found.shown and found.worse:
        return f"Worse, but by less than the margin of {margin}: {numbers}."
    if found.shown:
        return f"Not worse by more than the margin of {margin}: {numbers}."
    if found.worse:
        return f"Worse by the paired test: {numbers}."
    return (
        f"It cannot be shown with {counted(found.images, 'test image')} that it is worse by no more than {margin}: "
        f"{numbers}. {_what_would_do(found)}."
    )


def _what_would_do(found: NonInferiority) -> str:
    ways = []
    if found.needed:
        step = 10 ** max(floor(log10(found.needed)) - 1, 0)  # two digits, for it is a guess
        ways.append(f"about {ceil(found.needed / step) * step:,} are needed, if the two are equally good")
    worst = -100 * found.low
    margin = floor(worst) + 1 if worst >= 1 else (floor(10 * worst) + 1) / 10
    if margin < 100:
        ways.append(f"type margin={margin:g} if being so much worse does no harm")
    said = ", or ".join(ways) or "more test images are needed"
    return said[:1].upper() + said[1:]


def rows_beside(results: pd.DataFrame, run_key: str, champion: str, margin: float) -> str:
    """What the board says of the rows of two runs, over their seeds: a line that decides nothing, or "".

    Args:
        results: as `load_results` gives them.
        run_key: the candidate's.
        champion: the run key of the champion.
        margin: accuracies that lie closer than this, in percentage points, are practically the same.
    """
    for board in boards(results):
        numbers = {key: number for number, keys in enumerate(board.rows["run_keys"]) for key in keys}
        rows = [numbers[key] for key in (run_key, champion) if key in numbers]
        if len(set(rows)) < 2 or board.rows["seeds"].iloc[rows].min() < 2:
            continue
        keys = set(board.runs["run_key"]) | set(() if board.confirming is None else board.confirming["run_key"])
        of_board = results[results["run_key"].isin(keys)]
        try:
            candidate, other = (str(row + 1) for row in rows)
            _, _, _, *said = compare_sides(of_board, candidate, other, margin / 100)
        except EyechartError:  # of a run that is not asked about
            return ""
        return f"of their rows, over seeds, which does not decide: {' '.join(said)}"
    return ""
