"""What a board says of seeds whose training failed: a mean over those and the others describes neither."""

from __future__ import annotations

from eyechart.comparison.answers import Correctness
from eyechart.comparison.evidence import Evidence
from eyechart.comparison.groups import Board
from eyechart.evaluation.failures import all_above_chance, most_failures, near_chance

MARK = "‡"  # marks a row with such a seed


def failed_seeds(evidence: Evidence) -> list[list[int]]:
    """For each row the positions of the seeds that stayed near chance, while others of the row did not."""
    return [near_chance(each.counts) if isinstance(each, Correctness) else [] for each in evidence.rows]


def failures_in_words(row: Correctness) -> str:
    """What to add to the number of a row's seeds: `, 1 of which stayed near chance`; nothing where none did."""
    failed = near_chance(row.counts)
    return f", {len(failed)} of which stayed near chance" if failed else ""


def failures(board: Board, evidence: Evidence) -> list[str]:
    """What the mark means and which runs it is about, or else how often trainings may fail: one line at most."""
    rows = [each.counts for each in evidence.rows if isinstance(each, Correctness) and len(each.counts) > 1]
    named = []
    for keys, each, failed in zip(board.rows["run_keys"], evidence.rows, failed_seeds(evidence), strict=False):
        if isinstance(each, Correctness):
            named += [f"{keys[at]} ({each.correct[at].mean():.4f})" for at in failed]
    if named:
        return [
            f"{MARK} a seed stayed near chance, far below the others of its row: mean, interval and comparison of the "
            f"row take its seeds to vary about one value, and are not to be relied on: {', '.join(named)}"
        ]
    if not rows or board.rows["diverged"].any() or not all(map(all_above_chance, rows)):
        return []
    fewest, *more = sorted({len(counts) for counts in rows})
    most = f", {more[-1]} up to {most_failures(more[-1]):.0%}" if more else ""
    line = f"no seed failed, and {fewest} good seeds leave open that up to {most_failures(fewest):.0%} of trainings do"
    return [f"{line}{most} (95% limit)"]
