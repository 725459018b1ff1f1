"""From runs to the rows of boards: one row for the runs that differ only in their seed. Pure functions on tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eyechart.comparison.results import AS_BEFORE

if TYPE_CHECKING:
    import pandas as pd

# of the parameters that name a row; the seed never does
GROUPS = ("model.", "optimizer", "schedule", "augmentation.", "trainer.", "callbacks.", "code.")
OF_ITS_KIND = ("model", "optimizer", "schedule")  # what can be chosen below these depends on which one it is
NOTHING = "null"  # as a parameter without a value is typed
NOTHING_HELD_BACK = "nothing was held back, so no run is chosen: in the order of training accuracy"


@dataclass(frozen=True)
class Board:
    """Rows that can be compared: of one data digest and limit, hence with the same test images.

    Attributes:
        title: the data set's name, and the limit where there is one.
        note: the order of the rows.
        chosen: whether validation chose the first row; False where nothing was held back to choose by.
        rows: one row per group, best first: `run` (its label), `seeds` (how many), `run_keys` (a list, by seed),
            what was chosen (`model`, `optimizer.learning_rate`, ...), the mean over seeds of each accuracy, loss and of
            `seconds`, the median `best_epoch`, `parameters`, and of the test accuracy `test/std` (ddof=1; NaN with one
            seed), `test/worst` and `test/best`; and `diverged`, how many of its seeds did.
        runs: one row per run, in the order of `rows`, then by seed.
        repeated: the run keys of those that do not count, because another run has their group and seed.
    """

    title: str
    note: str
    chosen: bool
    rows: pd.DataFrame
    runs: pd.DataFrame
    repeated: tuple[str, ...] = ()

    @property
    def mixed(self) -> dict[str, list[str]]:
        """By the label of a row whose runs were not all computed by the same versions and kernels, these."""
        if "computed_by" not in self.runs:
            return {}
        found = {}
        for label, group in zip(self.rows["run"], self.rows["group"], strict=True):
            by = sorted(set(self.runs.loc[self.runs["group"] == group, "computed_by"].dropna()))
            if len(by) > 1:
                found[str(label)] = by
        return found


def boards(results: pd.DataFrame) -> list[Board]:
    """One board per data digest and limit.

    Rows are ordered by the mean of the metric that their runs were selected on; the test part never decides. Rows of
    one board whose runs were selected on different metrics are ordered by validation accuracy.

    Args:
        results: as `load_results` gives them; not empty. Of two runs with one group and seed the first counts.
    """
    import pandas as pd

    again = results.duplicated(["group", "seed"])
    repeated, results = results[again], results[~again]
    # a limit cuts the test part too, and scores on different test images are not to be compared
    limits = pd.Series("", index=results.index)
    if "limit" in results:
        limits = results["limit"].map(lambda limit: str(limit) if isinstance(limit, list) else "")
    found = []
    for (_, limit), runs in results.groupby([results["data_digest"], limits], sort=False, dropna=False):
        by, ascending, note = _order(list(runs["monitor"]))
        rows = _rows(runs).sort_values([by, "run_key"], ascending=[ascending, True], kind="stable")
        rows = rows.reset_index(drop=True)
        rows.insert(0, "run", labels(rows))
        rank = {group: number for number, group in enumerate(rows["group"])}
        ranked = runs.set_index(runs["group"].map(rank)).sort_values("seed", kind="stable").sort_index(kind="stable")
        dataset = str(rows["dataset"].iloc[0])
        found.append(
            Board(
                title=f"{dataset}, limit={limit}" if limit else dataset,
                note=note or f"best first by {by}",
                chosen=not note,
                rows=rows.drop(columns="run_key"),
                runs=ranked.reset_index(drop=True),
                repeated=tuple(repeated.loc[repeated["group"].isin(rank), "run_key"]),
            )
        )
    return found


def best_first(results: pd.DataFrame) -> tuple[list[str], str, bool]:
    """The run keys of all runs, best first by what they were selected on; those that diverged come last.

    Returns:
        The run keys, the metric, and whether the lowest is best.
    """
    by, ascending, _ = _order(list(results["monitor"]))
    late = results.assign(late=_diverged(results))
    ordered = late.sort_values(["late", by, "run_key"], ascending=[True, ascending, True], kind="stable")
    return list(ordered["run_key"]), by, ascending


def _order(monitors: Sequence[Any]) -> tuple[str, bool, str]:
    """The metric that orders a board, whether the lowest is best, and a note where nothing may choose."""
    known = {monitor for monitor in monitors if isinstance(monitor, str)}
    if any(not isinstance(monitor, str) for monitor in monitors):
        some = "nothing was held back for some runs, so none is chosen: in the order of training accuracy"
        return "train/accuracy", False, some if known else NOTHING_HELD_BACK
    return ("validation/loss", True, "") if known == {"validation/loss"} else ("validation/accuracy", False, "")


def _rows(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per group."""
    # all groups at once: one by one, a thousand of them take longer than the rest of a board
    runs = runs.sort_values(["seed", "run_key"])
    members = runs.groupby("group", sort=False)
    of_one = ["name", "seed", "experiment_name", "computed_by"]
    rows = runs.drop_duplicates("group").drop(columns=of_one, errors="ignore")
    rows = rows.set_index("group", drop=False).rename_axis(None)
    means = [name for name in map(str, runs) if "/" in name or name == "seconds"]
    rows[means] = members[means].mean()
    test, keys = members["test/accuracy"], members["run_key"]
    found = {"run_key": keys.min(), "run_keys": keys.agg(list), "seeds": keys.size()}
    found["diverged"] = _diverged(runs).groupby(runs["group"]).sum()
    found |= {"test/std": test.std(ddof=1), "test/worst": test.min(), "test/best": test.max()}
    if "best_epoch" in runs:
        found["best_epoch"] = members["best_epoch"].median()
    return rows.assign(**found).reset_index(drop=True)


def _diverged(runs: pd.DataFrame) -> pd.Series[bool]:
    """For each run whether its network diverged."""
    import pandas as pd

    return runs["diverged"] > 0 if "diverged" in runs else pd.Series(False, index=runs.index)


def labels(rows: pd.DataFrame) -> list[str]:
    """For each row its model and the parameters in which rows of the board differ, as on the command line.

    Two rows have different labels, if they differ in a parameter at all. A row that could have a value which others
    have, and has none, has `null`.
    """
    lines = as_dicts(rows)
    words = [[str(row["model"])] for row in lines]
    for name in map(str, rows):
        if not (name in ("backend", "training_version") or name.startswith(GROUPS)):
            continue
        owner = name.partition(".")[0]
        kinds = [row.get(owner) if owner in OF_ITS_KIND and owner != name else None for row in lines]
        values: dict[Any, set[str]] = {}
        for kind, row in zip(kinds, lines, strict=True):
            values.setdefault(kind, set()).add(text(choice(row, name)))
        differing = {kind for kind, found in values.items() if len(found) > 1}
        # a model's name says the rest of it, but two optimizers' learning rates are worth a word
        having = {kind: found for kind, found in values.items() if found != {NOTHING}}
        if owner != "model" and len(set().union(*having.values())) > 1:
            differing = set(having)
        for line, kind, row in zip(words, kinds, lines, strict=True):
            if kind in differing:
                line.append(f"{name}={text(choice(row, name))}")
    return [" ".join(line) for line in words]


def as_dicts(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, each by its columns' names."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict(orient="records")]


def choice(row: Mapping[str, Any], name: str) -> Any:
    """The value of a row's parameter; None where it has none."""
    value = row.get(name)
    return AS_BEFORE.get(name) if value is None or value != value else value  # pandas fills gaps with NaN


def text(value: Any) -> str:
    """A parameter as it is typed: where other runs lack it, pandas has made a float of a whole number."""
    if isinstance(value, list):
        return f"[{','.join(map(text, value))}]"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(value)
    return value if isinstance(value, str) else json.dumps(value)
