"""What finished runs came to, a row per run. Read from journals alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from eyechart.comparison.held_back import FOLD
from eyechart.config import NEUTRAL
from eyechart.data.dataset import FIRST
from eyechart.runs.listing import passing_over
from eyechart.runs.run import Run
from eyechart.runs.status import selected_by
from eyechart.runs.sweep import Sweep
from eyechart.runs.tags import CONFIRMS, DATA_DIGEST, KERNELS, TRAINED_BY_VERSION, VERSIONS

if TYPE_CHECKING:
    import pandas as pd


def load_results(sweep: str | None = None, experiment_name: str | None = None) -> pd.DataFrame:
    """Every finished run as a row.

    Args:
        sweep: `last`, a sweep's id or its MLflow run id; None: the runs of all sweeps and single runs.
        experiment_name: only runs of this MLflow experiment.

    Returns:
        Columns `run_key`, `name`, `experiment_name`, `dataset`, `data_digest`, `training_version`, `computed_by`
        (versions and kernels; None where they were not recorded), the parameters named as on the command line (`model`,
        `optimizer.learning_rate`, ...), `group` (the same of runs that differ in nothing but their seed; those that
        confirm a choice have one of their own), `over_folds` (the same of those that may differ in `trainer.split_seed`
        besides), the results (`validation/accuracy`, `test/accuracy`, `best_epoch`, `parameters`, `seconds`, ...),
        `diverged`, the epoch in which the network diverged (0: in none), and `confirms`, the id of the sweep whose
        choice the run confirms (None: it confirms none). Empty if no run is finished.

    Raises:
        EyechartError: there is no such sweep, or none of its runs is finished.
    """
    return results_of(Sweep.find(sweep).finished_runs() if sweep else Run.all(), experiment_name)


def results_of(runs: Iterable[Run], experiment_name: str | None = None) -> pd.DataFrame:
    """The rows of the finished ones among these runs, each once. One that is broken is named on stderr.

    Args:
        runs: in the order of the rows.
        experiment_name: only those of this MLflow experiment; None: all.
    """
    import pandas as pd

    rows: dict[str, dict[str, Any]] = {}
    for run in runs:
        with passing_over():
            if run.key not in rows and run.finished:
                rows[run.key] = _row(run)
    return pd.DataFrame([row for row in rows.values() if experiment_name in (None, row["experiment_name"])])


def result_of(run: Run) -> pd.DataFrame:
    """The row of one finished run.

    Raises:
        EyechartError: it is not finished, or its journal is broken.
    """
    import pandas as pd

    return pd.DataFrame([_row(run.require())])


def _row(run: Run) -> dict[str, Any]:
    said = run.journal
    result = run.numbers("best_epoch", "test/accuracy", selected_by(run.result))
    digest, version = said.tags.get(DATA_DIGEST), int(said.tags.get(TRAINED_BY_VERSION, 1))
    row, over_folds = rows_of(said.params, digest, version)
    confirms = said.tags.get(CONFIRMS)
    computed_by = [said.tags[tag] for tag in (VERSIONS, KERNELS) if said.tags.get(tag)]
    return {
        "run_key": run.key,
        "data_digest": digest,
        "training_version": version,
        "computed_by": ", ".join(computed_by) or None,
        "name": said.start.get("name", run.key),
        "experiment_name": said.start.get("experiment_name", ""),
        **said.params,
        **_limit_order(said.params),
        **result,
        "diverged": said.diverged,
        "group": f"{row}/{confirms}" if confirms else row,
        "over_folds": f"{over_folds}/{confirms}" if confirms else over_folds,
        "confirms": confirms or None,
    }


def _limit_order(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Which test images the limit of a run took: the first where it does not say; of a run without a limit nothing."""
    limit = parameters.get("limit")
    limited = isinstance(limit, list) and limit[-1] is not None
    return {"limit_order": str(parameters.get("limit_order", FIRST))} if limited else {}


def rows_of(parameters: Mapping[str, Any], digest: str | None, version: int) -> tuple[str, str]:
    """What runs that differ only in their seed have in common, and what those that may differ in their fold besides.

    Args:
        parameters: of a run, named as on the command line.
        digest: of its data.
        version: of the training that it had.
    """
    over_folds = {name: value for name, value in parameters.items() if name != FOLD}
    return _group(parameters, digest, version), _group(over_folds, digest, version)


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
