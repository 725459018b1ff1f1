"""The leaderboard: rows of finished runs side by side, best first, with error bars; a board per data set and limit."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart.comparison import confirmation, unequal, verdicts
from eyechart.comparison.answers import Correctness, read_answers
from eyechart.comparison.evidence import Evidence, weigh
from eyechart.comparison.failed_seeds import MARK as FAILED
from eyechart.comparison.failed_seeds import failed_seeds, failures
from eyechart.comparison.groups import Board, Ranking, as_dicts, best_first, boards
from eyechart.comparison.leakage import leakage
from eyechart.comparison.looks import looked_at
from eyechart.core import terminal
from eyechart.core.cells import cell
from eyechart.core.files import replacing, write_text
from eyechart.core.words import between, decimals
from eyechart.data.inequality import inequality
from eyechart.evaluation.scores import NAMED, listed
from eyechart.evaluation.verdict import MARGIN
from eyechart.runs.sweep import LEADERBOARD

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

DIVERGED = "†"  # marks a row with a seed that did
ONE_SEED = (
    "one seed: what is said of it holds for the trained network, and not for others that the same choices may give"
)


@dataclass(frozen=True)
class Column:
    """A column of a board.

    Attributes:
        title: may have line breaks, which keep the column narrow.
        cells: one text per row.
        spare: the highest is left out first where there is no room for all; 0: never left out.
    """

    title: str
    cells: list[str]
    spare: int = 0


@dataclass(frozen=True)
class Leaderboard:
    """Finished runs side by side: computed once, then printed, written, sent and linked.

    Attributes:
        results: a row per run, as `load_results` gives them; empty if none is finished.
        boards: one per data digest and limit, each with what the test images say of its rows.
        ranking: all runs, best first.
    """

    results: pd.DataFrame
    boards: tuple[tuple[Board, Evidence], ...]
    ranking: Ranking

    @classmethod
    def of(cls, results: pd.DataFrame, margin: float = MARGIN) -> Leaderboard:
        """Compare runs.

        Args:
            results: as `load_results` or `results_of` gives them.
            margin: accuracies that lie closer than this, from 0 to 1, are practically the same.
        """
        if not len(results):
            return cls(results, (), Ranking([], "validation/accuracy", ascending=False))
        read = functools.cache(read_answers)  # a table is read once, whoever asks
        found = tuple(
            (board, confirmation.with_confirmed(board, weigh(board, read, margin), read))
            for board in looked_at(boards(results, read))
        )
        return cls(results, found, best_first(results, read))

    def __bool__(self) -> bool:
        """Whether any run is finished."""
        return bool(self.boards)

    def __len__(self) -> int:
        """How many runs are finished."""
        return len(self.results)

    def print(self, picture: Path | None = None) -> None:
        """Print every board as a table with what its marks mean; write them as an SVG picture where one is named."""
        from rich.console import Console

        _print(self.boards, terminal.console())
        if picture is not None:
            canvas = Console(record=True, file=io.StringIO(), width=terminal.WIDTH)
            _print(self.boards, canvas)
            svg = canvas.export_svg(title="python pipelines/compare.py")
            write_text(picture, re.sub(r"@font-face \{[^}]*\}", "", svg))  # fonts from elsewhere: the reader's serve

    def write(self, folder: Path) -> list[str]:
        """Write the boards to a folder, and return the names of the files; none if no run is finished.

        `leaderboard.md` and `leaderboard.csv` have one row per row of a board, `runs.csv` has one per run.
        """
        import pandas as pd

        if not self:
            return []
        tables = {
            LEADERBOARD: [_with_evidence(board, evidence) for board, evidence in self.boards],
            "runs.csv": [confirmation.as_shown(board, evidence)[0].runs for board, evidence in self.boards],
        }
        for name, parts in tables.items():
            with replacing(folder / name) as temporary:
                lines = [{key: cell(value) for key, value in row.items()} for part in parts for row in as_dicts(part)]
                pd.DataFrame(lines).to_csv(temporary, index=False)
        write_text(folder / "leaderboard.md", self.markdown())
        return [LEADERBOARD, "leaderboard.md", "runs.csv"]

    def markdown(self) -> str:
        """The boards as Markdown."""
        return "\n".join(_markdown(board, evidence) for board, evidence in self.boards)


def columns(board: Board, evidence: Evidence) -> list[Column]:
    """The columns of a board, what new seeds gave below its rows; those that would be empty are left out."""
    marks = verdicts.marks(board, evidence)
    ranks = list(map(str, range(1, len(board.rows) + 1)))
    board, evidence = confirmation.as_shown(board, evidence)
    rows, below = board.rows, [""] * (len(board.rows) - len(ranks))

    def cells(show: Callable[..., str], *names: str) -> list[str]:
        lines = zip(*(rows[name] for name in names), strict=True)
        return ["-" if any(map(_missing, line)) else show(*line) for line in lines]

    several = bool((rows["seeds"] > 1).any())
    found = [
        Column("#", ranks + below),
        Column("run", list(rows["run"])),
        Column("seeds", _seeds(board, evidence)),
    ]
    if "validation/accuracy" in rows:
        found.append(Column("validation", cells("{:.4f}".format, "validation/accuracy")))
    known = [each for each in evidence.estimates if each]
    digits = max((decimals(each.low, each.high) for each in known), default=4)
    exact = f"{{:.{digits}f}}".format
    spread = [
        mean if _missing(std) else f"{mean} ± {exact(std)}"
        for mean, std in zip(cells(exact, "test/accuracy"), rows["test/std"], strict=True)
    ]
    found.append(Column("test ± std" if several else "test", spread))
    if known:
        intervals = [between(each.low, each.high, digits) if each else "-" for each in evidence.estimates]
        found.append(Column("95% interval", intervals))
    if marks:
        found.append(Column("against\nrow 1", marks + below))
        if chances := _chances(evidence):
            found.append(Column("P(best)", [*map(verdicts.chance, chances), *below], 2))
    are_unequal = _inequality(evidence) is not None
    if known:  # of unequal classes the accuracy says less than these
        balanced, f1 = (["-" if mean is None else f"{mean:.4f}" for mean in means] for means in _means(evidence))
        found.append(Column("balanced\naccuracy", balanced, 1 if are_unequal else 5))
        found.append(Column("macro\nF1", f1, 3 if are_unequal else 6))
    if several:
        ends = cells(lambda low, high: between(low, high, digits), "test/worst", "test/best")
        found.append(Column("worst-best", ["-" if n == 1 else c for n, c in zip(rows["seeds"], ends, strict=True)], 4))
    if "best_epoch" in rows:
        found.append(Column("best\nepoch", cells("{:g}".format, "best_epoch"), 8))
    if "parameters" in rows:
        found.append(Column("parameters", cells("{:,}".format, "parameters"), 2))
    if "seconds" in rows:
        found.append(Column("seconds", cells("{:,.1f}".format, "seconds"), 7))
    return found


def notes(board: Board, evidence: Evidence) -> list[str]:
    """What the marks of a board mean, and what is not known of it: one line each."""
    lines = []
    alone = board.rows["seeds"] == 1
    lines += verdicts.notes(board, evidence)
    lines += confirmation.sentences(board, evidence)
    if alone.any() and any(evidence.estimates):
        lines.append(ONE_SEED)
    lines += failures(*confirmation.as_shown(board, evidence))
    lines += _warnings(board, evidence)
    lines += leakage(as_dicts(board.runs))
    if board.repeated:
        lines.append(f"not counted, because another run has the same choices and seed: {', '.join(board.repeated)}")
    runs = as_dicts(confirmation.as_shown(board, evidence)[0].runs)
    if any(run["diverged"] for run in runs):
        keys = ", ".join(f"{run['run_key']} in epoch {run['diverged']}" for run in runs if run["diverged"])
        lines.append(f"{DIVERGED} diverged, and counts by what it left, the best epoch before or else a guess: {keys}")
    if evidence.problem:
        lines.append(evidence.problem)
    lines += [f"{label}: runs computed by {_differing(by)}" for label, by in board.mixed.items()]
    return [*lines, *board.remarks]


def _seeds(board: Board, evidence: Evidence) -> list[str]:
    """For each row the number of its seeds, marked where not all of them count as they should."""
    failed = failed_seeds(evidence) or [[]] * len(board.rows)
    return [
        f"{seeds}{DIVERGED if diverged else ''}{FAILED if positions else ''}"
        for seeds, diverged, positions in zip(board.rows["seeds"], board.rows["diverged"], failed, strict=True)
    ]


def _chances(evidence: Evidence) -> Sequence[float]:
    """For each row the probability that it is the best; empty where that is not known."""
    found = evidence.comparisons
    return [] if found is None or found.problem else list(found.chances)


def _known(evidence: Evidence) -> list[Correctness]:
    return [each for each in evidence.rows if isinstance(each, Correctness)]


def _inequality(evidence: Evidence) -> str | None:
    """What to know where the classes of the test part are of unequal size."""
    first = next(iter(_known(evidence)), None)
    return inequality(first.counts[0].support.tolist(), first.class_names, "test") if first else None


def _means(evidence: Evidence) -> list[list[float | None]]:
    """The balanced accuracy and the macro F1, each as a mean over seeds per row; None where it is not known."""
    return [
        [each.mean(name) if isinstance(each, Correctness) else None for each in evidence.rows]
        for name in ("balanced_accuracy", "macro_f1")
    ]


def _warnings(board: Board, evidence: Evidence) -> list[str]:
    """What should be known of the accuracies of a board: classes of unequal size, and rows that do not tell them."""
    lines = [line for line in [_inequality(evidence)] if line]
    low, never = [], []
    for label, each, found in zip(board.rows["run"], evidence.rows, evidence.estimates, strict=True):
        if not isinstance(each, Correctness) or found is None:
            continue
        _, share = each.counts[0].largest
        if found.low <= share:
            least = decimals(found.low, found.high)
            interval = between(found.low, found.high)
            low.append(f"{label} ({found.mean:.{least}f}, {interval}, against {share:.{least}f})")
        if missed := each.summed.never_predicted:
            never.append(f"{label}: {listed([each.class_names[number] for number in missed])}")
    if low:
        what = "not above the share of the largest class by more than the interval of its test accuracy"
        lines.append(f"{what}: {_several(low)}")
    if never:
        lines.append(f"classes that are never predicted: {_several(never)}")
    return lines


def _several(texts: Sequence[str]) -> str:
    more = f"; and {len(texts) - NAMED} more rows" if len(texts) > NAMED else ""
    return "; ".join(texts[:NAMED]) + more


def _differing(computed_by: Sequence[str]) -> str:
    """In what lists of versions differ: `keras 3.14.0, Eigen and by keras 3.15.1, oneDNN`."""
    lists = [one.split(", ") for one in computed_by]
    everywhere = set(lists[0]).intersection(*lists)
    return " and by ".join(", ".join(part for part in one if part not in everywhere) for one in lists)


def _missing(value: Any) -> bool:
    return value is None or bool(value != value)  # NaN


def _print(found: Sequence[tuple[Board, Evidence]], console: Console) -> None:
    from rich.text import Text

    for number, (board, evidence) in enumerate(found):
        if number:
            console.print()
        shown = columns(board, evidence)
        left_out: list[str] = []
        while (least := _least_width(table := _table(board, shown), console)) > console.width:
            spare = max(shown, key=lambda column: column.spare)
            if not spare.spare:
                table.width = least  # the terminal breaks its lines, but no digit is lost
                break
            shown.remove(spare)
            left_out.append(spare.title.replace("\n", " "))
        console.print(table, crop=False)
        lines = notes(board, evidence)
        if left_out:
            lines.append(f"left out for want of room: {', '.join(left_out)}")
        for line in lines:
            console.print(Text(line, style="dim"))


def _table(board: Board, shown: Sequence[Column]) -> Table:
    from rich.text import Text

    table = terminal.table(Text(f"{board.title} ({board.note})", style="bold"))
    for column in shown:
        label = column.title == "run"  # may be broken between its words, and no other column
        words = [
            word for text in (column.title, *column.cells) for word in (text.split() if label else text.split("\n"))
        ]
        table.add_column(
            column.title,
            justify="left" if label else "right",
            overflow="fold",
            no_wrap=not label,
            min_width=max(map(len, words)),
        )
    for number, cells in enumerate(zip(*(column.cells for column in shown), strict=True), 1):
        table.add_row(*map(Text, cells), end_section=number == len(board.rows))  # what new seeds gave comes below
    return table


def _least_width(table: Table, console: Console) -> int:
    """The characters that a table needs in order to break no word."""
    from rich.measure import Measurement

    return Measurement.get(console, console.options.update(width=10_000), table).minimum


def _markdown(board: Board, evidence: Evidence) -> str:
    shown = columns(board, evidence)
    lines = [f"## {board.title}", "", board.note, ""]
    lines.append("| " + " | ".join(column.title.replace("\n", " ") for column in shown) + " |")
    lines.append("|" + "|".join(":--" if column.title == "run" else "--:" for column in shown) + "|")
    rows = zip(*(column.cells for column in shown), strict=True)
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in rows]
    for line in notes(board, evidence):
        lines += ["", line]
    return "\n".join([*lines, ""])


def _with_evidence(board: Board, evidence: Evidence) -> pd.DataFrame:
    """The rows of a board as they are written, with the interval and the mark of each, and those of new seeds."""
    against, numbers = verdicts.marks(board, evidence), verdicts.numbers(board, evidence)
    ranked_rows = evidence.rows
    board, evidence = confirmation.as_shown(board, evidence)
    below = [None] * (len(board.rows) - len(ranked_rows))
    rows = board.rows.assign(run_keys=board.rows["run_keys"].map(" ".join))
    rows["test/low"] = [each.low if each else None for each in evidence.estimates]
    rows["test/high"] = [each.high if each else None for each in evidence.estimates]
    rows["near_chance"] = list(map(len, failed_seeds(evidence))) or 0
    for score in unequal.SCORES:
        found = unequal.intervals(ranked_rows, score)
        found += [each for one in evidence.confirmed for each in unequal.intervals(one.answers, score)]
        rows[f"test/{score}"] = [each.mean if each else None for each in found]
        rows[f"test/{score}_low"] = [each.low if each else None for each in found]
        rows[f"test/{score}_high"] = [each.high if each else None for each in found]
    if against:
        if chances := _chances(evidence):
            rows["p_best"] = [*chances, *below]
        rows["against_the_first"] = [
            *against,
            *(mark for one in evidence.confirmed for mark in confirmation.marks(one, evidence.margin)),
        ]
        for name, values in numbers.items():
            more = (value for one in evidence.confirmed for value in one.numbers(name))
            rows[f"first_minus_row/{name}"] = [None, *values, *more]
    order = ["run", "seeds", "run_keys", "validation/accuracy", "test/accuracy"]
    order += [name for name in map(str, rows) if name.startswith("test/") and name != "test/accuracy"]
    first = [name for name in order if name in rows]
    return rows[[*first, *(name for name in rows if name not in first)]]
