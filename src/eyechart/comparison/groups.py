"""From runs to the rows of boards: one row for the runs that differ only in their seed, or in their seed and fold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eyechart.comparison.answers import Read, read_answers
from eyechart.comparison.held_back import FOLD, WHAT_TO_TYPE, Folds, Ground
from eyechart.comparison.results import AS_BEFORE
from eyechart.data.dataset import FIRST

if TYPE_CHECKING:
    import pandas as pd

# of the parameters that name a row; the seed never does
GROUPS = ("model.", "optimizer", "schedule", "augmentation.", "trainer.", "callbacks.", "code.")
OTHER_FOLDS = "count as seeds do, and differ in what they were trained on besides"
OF_ITS_KIND = ("model", "optimizer", "schedule")  # what can be chosen below these depends on which one it is
NOTHING = "null"  # as a parameter without a value is typed


@dataclass(frozen=True)
class Board:
    """Rows that can be compared: of one data digest and limit, hence with the same test images.

    Attributes:
        title: the data set's name, and the limit where there is one.
        note: the order of the rows.
        chosen: whether validation chose the first row; False where nothing was held back, or different images.
        rows: one row per group, best first: `run` (its label), `seeds` (how many), `run_keys` (a list, by seed),
            what was chosen (`model`, `optimizer.learning_rate`, ...), the mean over seeds of each accuracy, loss and of
            `seconds`, the median `best_epoch`, `parameters`, and of the test accuracy `test/std` (ddof=1; NaN with one
            seed), `test/worst` and `test/best`; and `diverged`, how many of its seeds did.
        runs: one row per run, in the order of `rows`, then by seed.
        repeated: the run keys of those that do not count, because another run has their group and seed.
        remarks: what should be known of its runs beyond their scores, one line each.
        confirming: one row per run that stands in no row, because it confirms a choice that others of its row made.
    """

    title: str
    note: str
    chosen: bool
    rows: pd.DataFrame
    runs: pd.DataFrame
    repeated: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    confirming: pd.DataFrame | None = None

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


@dataclass(frozen=True)
class Ranking:
    """Runs, best first.

    Attributes:
        run_keys: of all; those that diverged come last.
        by: the metric that orders them.
        ascending: whether the lowest is best.
        reason: why none may be called the best; empty if one may.
    """

    run_keys: list[str]
    by: str
    ascending: bool
    reason: str = ""


def boards(results: pd.DataFrame, read: Read = read_answers) -> list[Board]:
    """One board per data digest and limit.

    Rows are ordered by the mean of the metric that their runs were selected on; the test part never decides. Rows of
    one board whose runs were selected on different metrics are ordered by validation accuracy, and so are those whose
    runs held back different images, by the images in common. Runs that differ in their seed and fold are one row where
    all rows have the same folds.

    Args:
        results: as `load_results` gives them; not empty. Of two runs with one group and seed the first counts.
        read: gives the answers of a run by its run key.
    """
    return [_board(runs, limit, read) for limit, runs in _comparable(results)]


def _comparable(results: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The runs of each data digest and limit, with the limit in words; empty where there is none."""
    import pandas as pd

    # a limit cuts the test part too, and scores on different test images are not to be compared
    named = as_dicts(results.reindex(columns=["limit", "limit_order"]))
    limits = pd.Series([limit_in_words(row) for row in named], index=results.index)
    grouped = results.groupby([results["data_digest"], limits], sort=False, dropna=False)
    return [(str(limit), runs) for (_, limit), runs in grouped]


def _board(runs: pd.DataFrame, limit: str, read: Read) -> Board:
    aside = confirming(runs)
    confirms, runs = runs[aside], runs[~aside]
    folds = folds_of(as_dicts(runs), read)
    runs = _over_folds(runs, folds)
    again, merged = runs.duplicated(["group", "seed", "fold"]), bool((runs["fold"] != "").any())
    repeated, runs = runs[again], runs[~again].drop(columns=["fold", "over_folds"], errors="ignore")
    rows = summed_up(runs)
    if merged:
        rows = rows.drop(columns=FOLD)
    by, ascending, ground = _order(list(runs["monitor"]), folds, list(rows["run_keys"]))
    note = f"best first by {by}"
    if ground.reason:
        note = f"{ground.reason}, so no run is chosen: in the order of training accuracy"
    elif ground.scores is not None:
        rows = rows.assign(**{by: ground.scores}).drop(columns="validation/loss", errors="ignore")
        note += f" on the {ground.images:,} images that all held back"
    remarks = [WHAT_TO_TYPE] if ground.different else []
    if merged:
        seeds = ",".join(text(fold) for fold in sorted(set(runs[FOLD])))
        remarks.append(f"each row has runs of the folds {FOLD}={seeds}, which {OTHER_FOLDS}")
    if len(rows) > 1 and folds.unread:
        remarks.append(folds.remark())
    rows = rows.sort_values([by, "run_key"], ascending=[ascending, True], kind="stable").reset_index(drop=True)
    rows.insert(0, "run", labels(rows))
    rank = {group: number for number, group in enumerate(rows["group"])}
    ranked = runs.sort_values(["seed", "run_key"])
    ranked = ranked.set_index(ranked["group"].map(rank)).sort_index(kind="stable")
    dataset = str(rows["dataset"].iloc[0])
    return Board(
        title=f"{dataset}, {limit}" if limit else dataset,
        note=note,
        chosen=not ground.reason,
        rows=rows.drop(columns="run_key"),
        runs=ranked.reset_index(drop=True),
        repeated=tuple(repeated["run_key"]),
        remarks=tuple(remarks),
        confirming=confirms,
    )


def confirming(results: pd.DataFrame) -> pd.Series[bool]:
    """For each run whether it confirms a choice that others of its row made, and so never stands with them.

    Where there is no other run of its row, it was asked for by itself, and is a row like any other.
    """
    rows = results["group"].map(chosen_row)
    return (rows != results["group"]) & rows.isin(results["group"])


def chosen_row(group: str) -> str:
    """The group of the row that the runs of a group confirm; that itself where they confirm none."""
    return group.partition("/")[0]


def folds_of(runs: Iterable[Mapping[str, Any]], read: Read) -> Folds:
    """What runs of one data digest and limit held back; `read` gives the answers of a run by its run key."""
    return Folds.of(runs, lambda key: read(key).held_back)


def _over_folds(runs: pd.DataFrame, folds: Folds) -> pd.DataFrame:
    """Give runs that differ in their seed and fold one group, where all rows then have each fold equally often.

    What tells their folds apart within a row is `fold`; it is empty where rows are of one fold each.
    """
    apart = runs.assign(fold="")
    if "over_folds" not in runs or runs["over_folds"].nunique() == runs["group"].nunique():
        return apart
    merged = runs.assign(group=runs["over_folds"], fold=runs["run_key"].map(folds.images))
    once = merged.drop_duplicates(["group", "seed", "fold"])
    return merged if folds.balanced(list(once.groupby("group")["run_key"].agg(list))) else apart


def best_first(results: pd.DataFrame, read: Read = read_answers) -> Ranking:
    """All runs, best first by what they were selected on, board by board; `boards` says the rest.

    Where the boards go by different metrics, or one of them has no best, this is said of all.
    """
    found = [_ranking(runs, read) for _, runs in _comparable(results)]
    kinds = {(each.by, each.ascending) for each in found}
    by, ascending = kinds.pop() if len(kinds) == 1 else ("validation/accuracy", False)
    reason = next((each.reason for each in found if each.reason), "")
    return Ranking([key for each in found for key in each.run_keys], by, ascending, reason)


def _ranking(runs: pd.DataFrame, read: Read) -> Ranking:
    """The same of the runs of one board, without those that confirm a choice: they are to be measured, not chosen."""
    runs = runs[~confirming(runs)]
    keys = list(runs["run_key"])
    by, ascending, ground = _order(list(runs["monitor"]), folds_of(as_dicts(runs), read), [[key] for key in keys])
    late = runs.assign(late=_diverged(runs))
    if ground.scores is not None:
        late[by] = ground.scores
    ordered = late.sort_values(["late", by, "run_key"], ascending=[True, ascending, True], kind="stable")
    return Ranking(list(ordered["run_key"]), by, ascending, ground.reason)


def _order(monitors: Sequence[Any], folds: Folds, rows: Sequence[Sequence[str]]) -> tuple[str, bool, Ground]:
    """The metric that orders rows, each given by its run keys, whether the lowest is best, and by what they may be."""
    known = {monitor for monitor in monitors if isinstance(monitor, str)}
    if any(not isinstance(monitor, str) for monitor in monitors):
        return "train/accuracy", False, Ground(reason=f"nothing was held back{' for some runs' if known else ''}")
    ground = folds.ground(rows)
    if ground.reason:
        return "train/accuracy", False, ground
    by_loss = known == {"validation/loss"} and ground.scores is None
    return ("validation/loss", True, ground) if by_loss else ("validation/accuracy", False, ground)


def summed_up(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per group of these runs, with the columns of `Board.rows` but `run`, and `run_key`, the first."""
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
    have, and has none, has `null`. A row of runs that confirm a choice, and are asked for by themselves, says so.
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
    return [
        " ".join(line) + (", confirming" if choice(row, "confirms") else "")
        for line, row in zip(words, lines, strict=True)
    ]


def as_dicts(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, each by its columns' names."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict(orient="records")]


def limit_in_words(row: Mapping[str, Any]) -> str:
    """The limit of a run as it is typed, and which test images it took where it took the first; empty: none was set."""
    limit = row.get("limit")
    if not isinstance(limit, list):
        return ""
    first = f", limit_order={FIRST}: the first {limit[-1]} test images" if row.get("limit_order") == FIRST else ""
    return f"limit={limit}{first}"


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
