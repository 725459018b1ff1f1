"""The leaderboard: finished runs side by side, best first, one board per data digest. Read from journals alone."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart import paths
from eyechart.errors import EyechartError
from eyechart.files import replacing, write_text
from eyechart.sweep import run_keys
from eyechart.tracking import read_journal

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "choices": "run",
    "validation/accuracy": "validation",
    "test/accuracy": "test",
    "best_epoch": "best epoch",
    "parameters": "parameters",
    "seconds": "seconds",
}
# of the parameters that name a run
GROUPS = ("model.", "optimizer", "schedule", "augmentation.", "trainer.", "callbacks.")
NOTHING_HELD_BACK = "nothing was held back, so no run is chosen: in the order of training accuracy"


def load_results(sweep: str | None = None, experiment_name: str | None = None) -> pd.DataFrame:
    """Every finished run as a row.

    Args:
        sweep: `last`, a sweep's id or its MLflow run id; None: the runs of all sweeps and single runs.
        experiment_name: only runs of this MLflow experiment.

    Returns:
        Columns `run_key`, `name`, `experiment_name`, `dataset`, `data_digest`, the parameters named as on the command
        line (`model`, `optimizer.learning_rate`, ...), and the results (`validation/accuracy`, `test/accuracy`,
        `best_epoch`, `parameters`, `seconds`, ...). Empty if no run is finished.

    Raises:
        EyechartError: there is no such sweep.
    """
    import pandas as pd

    keys = run_keys(sweep) if sweep else sorted(path.name for path in paths.runs().glob("*"))
    rows = _rows(keys)
    if experiment_name is not None:
        rows = [row for row in rows if row["experiment_name"] == experiment_name]
    return pd.DataFrame(rows)


def result(run_key: str) -> dict[str, Any]:
    """What a finished run's journal says of its result."""
    row = _row(run_key)
    if row is None:
        raise EyechartError(f"run {run_key} is not finished")
    return row


def _rows(keys: Iterable[str]) -> list[dict[str, Any]]:
    """The finished ones among these runs."""
    return [row for key in keys if (row := _row(key)) is not None]


def _row(run_key: str) -> dict[str, Any] | None:
    row: dict[str, Any] = {"run_key": run_key}
    state = ""
    for record in read_journal(paths.runs() / run_key):
        if record["kind"] == "start":
            row |= {"name": record["name"], "experiment_name": record["experiment_name"]}
        elif record["kind"] == "params":
            row |= record["values"]
        elif record["kind"] == "tags" and "eyechart.data_digest" in record["values"]:
            row["data_digest"] = record["values"]["eyechart.data_digest"]
        elif record["kind"] == "end":
            state = record["status"]
            row |= record.get("result", {})
    return row if state == "FINISHED" else None


def boards(results: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """One board per data digest and limit: (data set's name, what to know of it, rows best first).

    Rows are ordered by the metric that each run was selected on; the test part never decides. Runs of one board that
    were selected on different metrics are ordered by validation accuracy.
    """
    import pandas as pd

    found = []
    # a limit cuts the test part too, and scores on different test images are not to be compared
    limits = pd.Series("", index=results.index)
    if "limit" in results:
        limits = results["limit"].map(lambda limit: str(limit) if isinstance(limit, list) else "")
    for (_, limit), rows in results.groupby([results["data_digest"], limits], sort=False):
        monitors = set(rows["monitor"])
        note = ""
        if None in monitors or rows["monitor"].isna().any():
            by, ascending, note = "train/accuracy", False, NOTHING_HELD_BACK
            if len(monitors) > 1:
                note = "nothing was held back for some runs, so none is chosen: in the order of training accuracy"
        elif monitors == {"validation/loss"}:
            by, ascending = "validation/loss", True
        else:
            by, ascending = "validation/accuracy", False
        ordered = rows.sort_values([by, "run_key"], ascending=[ascending, True], kind="stable")
        dataset = str(ordered["dataset"].iloc[0])
        title = dataset if not limit else f"{dataset}, limit={limit}"
        found.append((title, note or f"best first by {by}", ordered.reset_index(drop=True)))
    return found


def show(keys: Iterable[str]) -> None:
    """Print the boards of these runs."""
    import pandas as pd

    rows = _rows(keys)
    if rows:
        print_boards(pd.DataFrame(rows))


def print_boards(results: pd.DataFrame, picture: Path | None = None) -> None:
    """Print every board as a table, and write them as an SVG picture where one is asked for."""
    from rich.console import Console
    from rich.measure import Measurement

    tables = [_table(*board) for board in boards(results)]
    # a file or a log has no width to keep to
    console = Console(width=None if Console().is_terminal else 120)
    for table in tables:
        console.print(table)
    if picture is not None:
        width = max(Measurement.get(console, console.options, table).maximum for table in tables)
        canvas = Console(record=True, file=io.StringIO(), width=width)
        for table in tables:
            canvas.print(table)
        svg = canvas.export_svg(title="python pipelines/compare.py")
        write_text(picture, re.sub(r"@font-face \{[^}]*\}", "", svg))  # fonts from elsewhere, where the reader's serve


def _table(dataset: str, note: str, rows: pd.DataFrame) -> Any:
    from rich.table import Table

    table = Table(title=f"{dataset} ({note})", title_justify="left", title_style="bold")
    table.add_column("#", justify="right")
    for name, title in COLUMNS.items():
        if name in rows or name == "choices":
            table.add_column(title, justify="left" if name == "choices" else "right", overflow="fold")
    for rank, cells in enumerate(_cells(rows), start=1):
        table.add_row(str(rank), *cells)
    return table


def write(folder: Path, keys: Sequence[str]) -> list[str]:
    """Write `leaderboard.csv` and `leaderboard.md` of these runs to `folder`; the names of the files written."""
    import pandas as pd

    rows = _rows(keys)
    if not rows:
        return []
    results = pd.DataFrame(rows)
    texts, frames = [], []
    for dataset, note, board in boards(results):
        titles = [title for name, title in COLUMNS.items() if name in board or name == "choices"]
        lines = [f"## {dataset}", "", note, "", "| # | " + " | ".join(titles) + " |"]
        lines.append("|--:|:--|" + "--:|" * (len(titles) - 1))
        lines += [f"| {rank} | " + " | ".join(cells) + " |" for rank, cells in enumerate(_cells(board), start=1)]
        texts.append("\n".join(lines))
        frames.append(board)
    with replacing(folder / "leaderboard.csv") as temporary:
        pd.concat(frames).to_csv(temporary, index=False)
    write_text(folder / "leaderboard.md", "\n\n".join(texts) + "\n")
    return ["leaderboard.csv", "leaderboard.md"]


def _cells(rows: pd.DataFrame) -> list[list[str]]:
    def text(name: str, value: Any) -> str:
        if value is None or value != value:  # NaN
            return "-"
        if name.endswith("accuracy"):
            return f"{value:.4f}"
        return f"{value:,.1f}" if name == "seconds" else f"{value:,}" if name == "parameters" else str(value)

    rows = rows.assign(choices=_choices(rows))
    names = [name for name in COLUMNS if name in rows]
    return [[text(name, row[name]) for name in names] for row in rows[names].to_dict(orient="records")]


def _choices(rows: pd.DataFrame) -> list[str]:
    """For each run its model and the parameters in which runs of the board differ, as on the command line."""
    parameters = [name for name in map(str, rows) if name in ("seed", "backend") or name.startswith(GROUPS)]

    def differs(name: str) -> bool:
        values = rows[name].dropna().astype(str)
        if name.startswith("model."):  # the model's name says the rest
            return bool((values.groupby(rows["model"]).nunique() > 1).any())
        return values.nunique() > 1

    differing = [name for name in parameters if differs(name)]
    known = rows.astype(object).where(rows.notna(), None).to_dict(orient="records")
    return [
        " ".join([row["model"], *(f"{name}={_text(row[name])}" for name in differing if row[name] is not None)])
        for row in known
    ]


def _text(value: Any) -> str:
    """A parameter as it was typed: where other runs lack it, pandas has made a float of a whole number."""
    return f"{value:g}" if isinstance(value, float) else str(value)
