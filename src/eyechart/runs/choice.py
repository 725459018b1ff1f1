"""A choice that a sweep made between rows of a board, and the runs that are to confirm it, as its manifest has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from eyechart.core.within import plain


@dataclass(frozen=True)
class ChosenRow:
    """A row that validation put first or second.

    Attributes:
        name: its words on the board that it was chosen on.
        row: what its runs have in common, as `comparison.results.row_of` gives it.
        chosen_by: the run keys of the runs whose validation scores chose it.
        confirmed_by: those of the runs that confirm it, one per seed, in the order of `Choice.seeds`.
    """

    name: str
    row: str
    chosen_by: tuple[str, ...]
    confirmed_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """The winner of a board and its runner-up, and the seeds that confirm them.

    Attributes:
        rows: the winner, then the runner-up where there is one.
        seeds: that no run of these rows had when they were chosen.
        seen: how many seeds there were each time that the answer could be seen and seeds were added after that.
    """

    rows: tuple[ChosenRow, ...]
    seeds: tuple[int, ...]
    seen: tuple[int, ...] = ()

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Choice:
        """Read what a manifest says. Raises LookupError, TypeError or PathError where that is of another form."""
        rows = tuple(
            ChosenRow(row["name"], row["row"], tuple(row["chosen_by"]), tuple(row["confirmed_by"]))
            for row in said["rows"]
        )
        texts = [text for row in rows for text in (row.name, row.row, *row.chosen_by, *row.confirmed_by)]
        numbers = [*said["seeds"], *said["seen"]]
        if not rows or not all(isinstance(text, str) for text in texts) or any(type(n) is not int for n in numbers):
            raise TypeError("expected a choice")
        for row in rows:
            for key in row.confirmed_by:
                plain(key)
        return cls(rows, tuple(said["seeds"]), tuple(said["seen"]))

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)

    @property
    def run_keys(self) -> tuple[str, ...]:
        """Of all runs that confirm it."""
        return tuple(key for row in self.rows for key in row.confirmed_by)
