"""What new seeds came to, that were asked about a choice."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eyechart.comparison.answers import Correctness
from eyechart.core.errors import EyechartError
from eyechart.evaluation.multiple import Compared, Comparisons
from eyechart.evaluation.rows import Rows
from eyechart.evaluation.significance import Estimate, estimate, estimates
from eyechart.runs.choice import Choice

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Confirmed:
    """A choice that new seeds have been asked about, all of them.

    Attributes:
        names: of the winner, and of the runner-up where there is one, on the board.
        choice: what the sweep's manifest says of it.
        rows: one row each, in this order, with the columns of `Board.rows`.
        runs: one row per run, likewise.
        answers: per row which test images its runs classified right, or why that is not known.
    """

    names: tuple[str, ...]
    choice: Choice
    rows: pd.DataFrame
    runs: pd.DataFrame
    answers: tuple[Correctness | EyechartError, ...]

    @property
    def problem(self) -> str:
        """Why the two are not compared; empty where they are, and where there is one."""
        for name, each in zip(self.names, self.answers, strict=True):
            if isinstance(each, EyechartError):
                return f"what new seeds say is not known: {name}: {each}"
        first, *others = [each.images for each in self.answers if isinstance(each, Correctness)]
        if any(images != first for images in others):
            return f"what new seeds say is not known: {self.names[1]} was not tested on the images of {self.names[0]}"
        return ""

    @functools.cached_property
    def comparisons(self) -> Comparisons | None:
        """The rows against each other, the winner first; None where something of them is not known."""
        known = [each for each in self.answers if isinstance(each, Correctness)]
        return None if self.problem else Comparisons(Rows.of([each.correct for each in known], known[0].groups))

    @property
    def estimates(self) -> list[Estimate | None]:
        """Per row its test accuracy with the 95% interval; None where that is not known."""
        if self.comparisons is not None:
            return list(estimates(self.comparisons.rows))
        return [estimate(each.correct, each.groups) if isinstance(each, Correctness) else None for each in self.answers]

    @property
    def compared(self) -> Compared | None:
        """The winner's test accuracy minus the runner-up's; None where that is not known or there is no runner-up."""
        found = self.comparisons
        return None if found is None or len(self.names) == 1 or found.problem else found.pair(0, 1)

    def numbers(self, name: str) -> list[float | None]:
        """Of each row a number of the winner minus it, for tables, by the names of `verdicts.numbers`."""
        compared = self.compared
        if compared is None:
            return [None] * len(self.names)
        of = "p_value" if name == "p_value_alone" else name
        return [None, getattr(compared.difference, of, None)]
