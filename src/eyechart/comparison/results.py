"""What finished runs came to, a row per run. Read from journals alone."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart.config import NEUTRAL
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.runs.journal import NAME, read_journal
from eyechart.runs.manifest import nothing_finished, run_keys

if TYPE_CHECKING:
    import pandas as pd


def load_results(sweep: str | None = None, experiment_name: str | None = None) -> pd.DataFrame:
    """Every finished run as a row.

    Args:
        sweep: `last`, a sweep's id or its MLflow run id; None: the runs of all sweeps and single runs.
        experiment_name: only runs of this MLflow experiment.

    Returns:
        Columns `run_key`, `name`, `experiment_name`, `dataset`, `data_digest`, `training_version`, the parameters named
        as on the command line (`model`, `optimizer.learning_rate`, ...), `group` (the same of runs that differ in
        nothing but their seed), and the results (`validation/accuracy`, `test/accuracy`, `best_epoch`, `parameters`,
        `seconds`, ...). Empty if no run is finished.

    Raises:
        EyechartError: there is no such sweep, or none of its runs is finished.
    """
    results = results_of(run_keys(sweep) if sweep else sorted(path.name for path in paths.runs().glob("*")))
    if sweep and results.empty:
        raise nothing_finished(sweep)
    if experiment_name is not None and not results.empty:
        results = results[results["experiment_name"] == experiment_name].reset_index(drop=True)
    return results


def results_of(keys: Iterable[str]) -> pd.DataFrame:
    """The rows of the finished ones among these runs, each once."""
    import pandas as pd

    return pd.DataFrame([row for key in dict.fromkeys(keys) if (row := _row(key)) is not None])


def result(run_key: str) -> dict[str, Any]:
    """What a finished run's journal says of its result."""
    row = _row(run_key)
    if row is None:
        raise EyechartError(f"run {run_key} is not finished")
    return row


def _row(run_key: str) -> dict[str, Any] | None:
    folder = paths.runs() / run_key
    try:
        file = (folder / NAME).stat()
    except FileNotFoundError:
        return None
    row = _read(folder, file.st_mtime_ns, file.st_size)
    return None if row is None else dict(row)


# a sweep asks again and again what its runs came to; a journal that has grown meanwhile is another file
@functools.lru_cache(maxsize=4096)
def _read(folder: Path, changed: int, size: int) -> Mapping[str, Any] | None:
    row: dict[str, Any] = {"run_key": folder.name, "data_digest": None, "training_version": 1}
    parameters: dict[str, Any] = {}
    state = ""
    for record in read_journal(folder):
        if record["kind"] == "start":
            state = ""
            row |= {"name": record["name"], "experiment_name": record["experiment_name"]}
        elif record["kind"] == "params":
            parameters = record["values"]
            row |= parameters
        elif record["kind"] == "tags":
            for name, kind in (("data_digest", str), ("training_version", int)):
                if f"eyechart.{name}" in record["values"]:
                    row[name] = kind(record["values"][f"eyechart.{name}"])
        elif record["kind"] == "end":
            state = record["status"]
            row |= record.get("result", {})
    row["group"] = _group(parameters, row["data_digest"], row["training_version"])
    return row if state == "FINISHED" else None


def _group(parameters: Mapping[str, Any], digest: str | None, version: int) -> str:
    """What runs that differ only in their seed have in common, as 12 hexadecimal digits of a SHA-256.

    As in a run key, the data's digest stands in place of their name, and a value that means "as it was before this
    could be chosen" counts as not given.
    """
    common = {
        name: value
        for name, value in parameters.items()
        if name not in ("seed", "dataset") and (name not in AS_BEFORE or value != AS_BEFORE[name])
    }
    text = json.dumps([common, digest, version], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


AS_BEFORE = _flat(NEUTRAL)  # what a parameter was before it could be chosen, by its name
