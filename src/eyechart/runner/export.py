"""A run's files, copied to a folder for what comes next in a pipeline."""

from __future__ import annotations

import shutil
from pathlib import Path

from eyechart.config import Config
from eyechart.core import paths
from eyechart.core.folders import Kind, check_folder, replacing_folder, says
from eyechart.runs.run import Run

FILES = ("model.keras", "predictions.parquet", "history.csv", "run.json")
OPTIONAL = "accuracy_by_step.csv"  # of a model that answers after each time step


def _earlier(folder: Path) -> tuple[str, ...]:
    return (*FILES, OPTIONAL) if says(folder / "run.json", "run_key", "result") else ()


EXPORT = Kind("train", "export", _earlier)


def check_export(config: Config) -> None:
    """Raise EyechartError where the files of a run are to be copied to a folder that may not be replaced."""
    if config.export is not None:
        check_folder(paths.named("export", config.export), EXPORT)


def export(run: Run, folder: Path) -> None:
    """Copy the files of a finished run to a folder, which is replaced whole."""
    with replacing_folder(folder, EXPORT) as temporary:
        for file in (*FILES, *([OPTIONAL] if run.has(OPTIONAL) else [])):
            shutil.copyfile(run.file(file), temporary / file)
