"""Scoring again what a run left, for DVC: from its predictions table and its history alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from eyechart.data import open_dataset
from eyechart.errors import EyechartError
from eyechart.evaluation import predictions, report
from eyechart.files import replacing, write_json


def evaluate(source: Path, target: Path) -> dict[str, float]:
    """Write the report on a run, `metrics.json` and `confusion.csv` (a row per test image: actual, predicted class).

    Args:
        source: holds the run's `predictions.parquet`, `history.csv` and `run.json`.
        target: a folder, replaced whole.

    Returns:
        Loss and accuracy of each part.

    Raises:
        EyechartError: a file of the run is missing or broken, or the data set is not prepared.
    """
    import pandas as pd

    try:
        about = json.loads((source / "run.json").read_text(encoding="utf-8"))
        history = pd.read_csv(source / "history.csv")
    except (OSError, ValueError) as error:
        raise EyechartError(f"there is no finished run in {source} ({error}): type dvc repro train") from None
    table = predictions.read(source / "predictions.parquet")
    dataset = open_dataset(about["dataset"])
    arrays = dataset.split(validation_fraction=0)
    with replacing(target) as temporary:
        temporary.mkdir()
        scores = report.write(
            temporary,
            table=table,
            history=history,
            best_epoch=about["result"]["best_epoch"],
            test_images=arrays.test.images,
            class_names=dataset.class_names,
            title=about["title"],
        )
        write_json(temporary / "metrics.json", scores.overall | {"best_epoch": about["result"]["best_epoch"]})
        names = np.array(dataset.class_names)
        test = predictions.part_of(table, "test")
        pairs = pd.DataFrame({"actual": names[test["label"]], "predicted": names[test["prediction"]]})
        pairs.to_csv(temporary / "confusion.csv", index=False)
    return scores.overall
