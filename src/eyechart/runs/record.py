"""What a finished run left: its result, its files and the data that it was trained on, or what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eyechart.core import paths
from eyechart.core.errors import TO_HAVE_AGAIN, DataError, EyechartError
from eyechart.data import Dataset, as_found, open_dataset
from eyechart.runs.journal import read_journal, tags_of
from eyechart.runs.status import FinishedRun, finished
from eyechart.runs.tags import DATA_DIGEST


def finished_run(run_key: str, *files: str) -> FinishedRun:
    """A finished run that has these files, or EyechartError."""
    outcome = finished(run_key)
    if outcome is None:
        raise EyechartError(f"run {run_key} is not finished: type the command that trains it again, it goes on")
    for file in files:
        if not (outcome.artifacts / file).is_file():
            raise EyechartError(
                f"run {run_key} has lost its {file}: expected it in {outcome.artifacts}; "
                f"move {outcome.folder} away and train the run anew"
            )
    return outcome


def read_json(path: Path, *keys: str) -> dict[str, Any]:
    """What a JSON file of a run says under these keys, or EyechartError where it is broken."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return {key: said[key] for key in keys}
    except (ValueError, LookupError, TypeError) as error:
        raise EyechartError(
            f"a file of the run in {path.parent} is broken: {path.name} ({error}): {TO_HAVE_AGAIN}"
        ) from None


def backend_of(run_key: str) -> str:
    """The backend that the model of a finished run was trained on."""
    said = [record["backend"] for record in read_journal(paths.runs() / run_key) if record["kind"] == "model"]
    return str(said[-1])


def dataset_of(run_key: str, name: str) -> Dataset:
    """The data set of a run as it was when the run was trained, or DataError where it is not prepared or is another."""
    dataset = open_dataset(name)
    digest = tags_of(read_journal(paths.runs() / run_key)).get(DATA_DIGEST)
    if digest not in (None, dataset.digest):
        raise DataError(
            f"expected '{name}' as run {run_key} was trained on it (digest {digest[:12]}), received other "
            f"content ({dataset.digest[:12]}): prepare it as it was, or train anew"
        )
    return dataset


def images_of(run_key: str) -> Dataset:
    """The data set whose test images a run is asked about: that it was trained on, as it was found.

    Raises:
        EyechartError: the run is not finished or has lost a file, or the data set is not prepared as it was.
    """
    artifacts = finished_run(run_key, "run.json").artifacts
    return as_found(dataset_of(run_key, read_json(artifacts / "run.json", "dataset")["dataset"]))
