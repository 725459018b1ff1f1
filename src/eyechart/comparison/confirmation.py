"""What new seeds say of the rows that a sweep chose.

The seeds of a board's first row chose it, so its score is too good: a network that was lucky on the validation images
was chosen for it, and is the one that is tested. Runs with seeds that had no part in the choice are free of that. They
belong to the two rows that were chosen before they were trained, so one comparison is made, and not corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from eyechart.comparison.answers import Correctness, Read, correctness, read_answers
from eyechart.comparison.confirmed import Confirmed
from eyechart.comparison.evidence import Evidence
from eyechart.comparison.groups import Board, as_dicts, chosen_row, summed_up
from eyechart.comparison.looks import remark
from eyechart.comparison.sides import Side
from eyechart.comparison.verdicts import MARKS, answer
from eyechart.core.errors import EyechartError
from eyechart.core.words import counted, with_interval
from eyechart.evaluation.verdict import judge
from eyechart.runs.choice import Choice
from eyechart.runs.sweep import Sweep

if TYPE_CHECKING:
    import pandas as pd

OPTIMISTIC = (
    "for other seeds the test accuracy of row 1 is too good, on average, because its own seeds chose it among {rows} "
    "rows: a sweep's command with confirm=5 measures the first two rows of its boards with 5 new seeds"
)


def marks(one: Confirmed, margin: float) -> list[str | None]:
    """How each row that new seeds were asked about lies to the winner, in the words of a board."""
    compared = one.compared
    if compared is None:
        return [None] * len(one.names)
    seeds = len(one.choice.seeds)
    return ["chosen", MARKS[judge(compared, margin, (seeds, seeds)).outcome]]


def with_confirmed(board: Board, evidence: Evidence, read: Read = read_answers) -> Evidence:
    """The evidence of a board with what new seeds say of its rows, where a sweep asked them."""
    found, names = tuple(confirmed(board, read)), list(board.rows["run"])
    again = frozenset(number for number, name in enumerate(names) if answer_of(found, names[0], name))
    return replace(evidence, confirmed=found, asked_again=again)


def confirmed(board: Board, read: Read = read_answers) -> list[Confirmed]:
    """What new seeds say of rows of this board; nothing of a choice before all of its runs are finished.

    Args:
        board: its rows, and the runs that confirm a choice among them.
        read: gives the answers of a run by its run key.
    """
    if board.confirming is None or board.confirming.empty:
        return []
    found = []
    names = {chosen_row(group): name for group, name in zip(board.rows["group"], board.rows["run"], strict=True)}
    runs = board.confirming.set_index("run_key", drop=False).rename_axis(None)
    for sweep in dict.fromkeys(map(str, runs["confirms"])):
        for choice in _choices(sweep):
            if set(choice.run_keys) <= set(runs.index) and all(row.row in names for row in choice.rows):
                known = tuple(names[row.row] for row in choice.rows)
                found.append(_confirmed(choice, known, runs, list(map(str, board.rows)), read))
    return found


def _confirmed(
    choice: Choice, names: tuple[str, ...], runs: pd.DataFrame, columns: Sequence[str], read: Read
) -> Confirmed:
    answers: list[Correctness | EyechartError] = []
    for row in choice.rows:
        try:
            answers.append(correctness(row.confirmed_by, read))
        except EyechartError as error:
            answers.append(error)
    mine = runs.loc[list(choice.run_keys)].reset_index(drop=True)
    order = {key: number for number, row in enumerate(choice.rows) for key in row.confirmed_by}
    sweeps = zip(mine["run_key"], mine["confirms"], strict=True)
    mine = mine.assign(group=[f"{choice.rows[order[key]].row}/{sweep}" for key, sweep in sweeps])
    rows = summed_up(mine)
    rows = rows.sort_values("run_key", key=lambda keys: keys.map(order)).reset_index(drop=True)
    seeds = counted(len(choice.seeds), "new seed")
    rows.insert(0, "run", [f"{name}, confirmed with {seeds}" for name in names])
    return Confirmed(names, choice, rows[[name for name in columns if name in rows]], mine, tuple(answers))


def _choices(sweep: str) -> list[Choice]:
    """The choices of a sweep; none where its manifest is gone or broken."""
    try:
        return Sweep(sweep).choices
    except EyechartError:
        return []


def as_shown(board: Board, evidence: Evidence) -> tuple[Board, Evidence]:
    """A board with the rows that new seeds gave below its own, and what is known of them."""
    import pandas as pd

    if not evidence.confirmed:
        return board, evidence
    answers = [each for one in evidence.confirmed for each in one.answers]
    below = [each for one in evidence.confirmed for each in one.estimates]
    return (
        replace(
            board,
            rows=pd.concat([board.rows, *(one.rows for one in evidence.confirmed)], ignore_index=True),
            runs=pd.concat([board.runs, *(one.runs for one in evidence.confirmed)], ignore_index=True),
        ),
        replace(evidence, estimates=[*evidence.estimates, *below], rows=[*evidence.rows, *answers]),
    )


def answer_of(found: Sequence[Confirmed], a: str, b: str) -> Confirmed | None:
    """What was asked of two rows with new seeds, by their names on the board in any order; None: nothing was.

    The last one counts, if several sweeps asked.
    """
    return next((one for one in reversed(found) if set(one.names) == {a, b} and a != b), None)


def in_place_of(left: Side, right: Side, found: Sequence[Board]) -> tuple[Side, Side]:
    """Two sides of a question: the runs with new seeds, where these two rows were asked again; else as they are."""
    for board in found:
        names = dict(zip(map(tuple, board.rows["run_keys"]), board.rows["run"], strict=True))
        one = answer_of(confirmed(board), names.get(left.run_keys, ""), names.get(right.run_keys, ""))
        if one is not None:
            new = {
                name: replace(side, name=row["run"], run_keys=tuple(row["run_keys"]))
                for name, row in zip(one.names, as_dicts(one.rows), strict=True)
                for side in (left, right)
                if side.name == name
            }
            return new[left.name], new[right.name]
    return left, right


def sentences(board: Board, evidence: Evidence) -> list[str]:
    """What is to be said of the choice of the first row: what new seeds say of it, or that none were asked."""
    lines = by_new_seeds(evidence)
    told = {key for one in evidence.confirmed for key in one.choice.run_keys}
    if board.confirming is not None:
        for sweep, keys in board.confirming.groupby("confirms", sort=False)["run_key"]:
            lines += _waiting(str(sweep), [key for key in keys if key not in told])
    if alone := list(board.rows.loc[board.rows["group"].map(chosen_row) != board.rows["group"], "run"]):
        lines.append(f"these runs confirm a choice that was made before: {', '.join(alone)}")
    first = board.rows["run"].iloc[0]
    if board.chosen and len(board.rows) > 1 and not any(one.names[0] == first for one in evidence.confirmed):
        lines.append(OPTIMISTIC.format(rows=len(board.rows)))
    return lines


def by_new_seeds(evidence: Evidence) -> list[str]:
    """What new seeds say of rows that were chosen, where they were asked."""
    return [line for one in evidence.confirmed for line in _sentences(one, evidence.margin)]


def _waiting(sweep: str, keys: Sequence[str]) -> list[str]:
    """What is to be said of runs that confirm a choice of a sweep, and are not shown below the rows of this board."""
    runs = [key for choice in _choices(sweep) for key in choice.run_keys]
    now, before = [key for key in keys if key in runs], [key for key in keys if key not in runs]
    lines = []
    if now:
        lines.append(
            f"{len(now)} of the {len(runs)} runs that confirm a choice of sweep {sweep} stand in no row "
            f"({', '.join(now)}): what they say is told when all are finished, by python pipelines/compare.py "
            f"sweep={sweep}"
        )
    if before:
        lines.append(f"runs that confirm an earlier choice of sweep {sweep} stand in no row: {', '.join(before)}")
    return lines


def _sentences(one: Confirmed, margin: float) -> list[str]:
    score = one.estimates[0]
    if one.problem or score is None:
        return [one.problem]
    seeds, accuracy = counted(len(one.choice.seeds), "new seed"), with_interval(score.mean, score.low, score.high)
    lines = [
        f"{seeds} of '{one.names[0]}', which had no part in its choice, have a test accuracy of {accuracy}: report "
        f"this; that of the seeds that chose it is too good, on average."
    ]
    return [*lines, *of_pair(one, margin)]


def of_pair(one: Confirmed, margin: float) -> list[str]:
    """Which of two rows is better by new seeds; nothing where that is not known."""
    compared, comparisons = one.compared, one.comparisons
    if compared is None or comparisons is None or len(one.names) == 1:
        return []
    seeds = len(one.choice.seeds)
    names = (one.names[0], one.names[1])
    numbers, said = answer(names, compared, seeds=(seeds, seeds), rows=comparisons.rows, margin=margin)
    numbers = numbers.removeprefix("a minus b: ")
    numbers = (
        f"By {counted(seeds, 'new seed')} of each, '{names[0]}' minus '{names[1]}' is {numbers}. It is not corrected, "
        f"because this pair was chosen before they were trained."
    )
    return [numbers, said, *([remark((*one.choice.seen, seeds))] if one.choice.seen else [])]
