"""The report on a run is made of the data that it was tested on, whatever they are called by now."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support import tiny_config, tiny_images, write_idx

from eyechart.core import paths
from eyechart.core.errors import DataError
from eyechart.core.files import write_json
from eyechart.data.config import DatasetConfig
from eyechart.data.fetch import fetch
from eyechart.data.prepare import prepare
from eyechart.evaluation import predictions
from eyechart.runner.scorecard import evaluate
from eyechart.runs.journal import Journal
from eyechart.runs.run import ExportedRun


def prepare_tiny(seed: int = 0, **names) -> None:
    images = tiny_images(seed=seed)
    config = DatasetConfig(**(vars(tiny_config(images)) | names))
    write_idx(paths.workspace() / "m", images)
    fetch(config, [str(paths.workspace() / "m")])
    prepare(config)


@pytest.fixture
def left(root: Path) -> Path:
    """What the DVC stage `train` left of a run on the tiny data set, which takes one of its classes for the next."""
    prepare_tiny()
    labels = tiny_images().test_labels
    folder = root / "results/train"
    table = {"test": (np.arange(len(labels)), labels, np.eye(3, dtype=np.float32)[[1, 1, 2]][labels])}
    folder.mkdir(parents=True)
    predictions.write(predictions.make_table(table), folder / "predictions.parquet")
    epochs = {"epoch": [1, 2], "train/loss": [1.0, 0.5], "train/accuracy": [0.5, 0.6]}
    pd.DataFrame(epochs).to_csv(folder / "history.csv", index=False)
    about = {"run_key": "k", "title": "a net on tiny", "dataset": "tiny", "result": {"best_epoch": 1}}
    write_json(folder / "run.json", about | {"digest": tiny_images().digest()})
    return folder


def test_a_data_set_and_its_classes_may_have_been_renamed(left, root):
    evaluate(ExportedRun(left), root / "report")
    pairs = pd.read_csv(root / "report/confusion.csv")
    assert set(pairs["predicted"]) == {"b", "c"}
    (root / "data/prepared/tiny/dataset.json").unlink()
    prepare_tiny(name="small", class_names=["a", "bee", "c"])
    evaluate(ExportedRun(left), root / "report")
    again = pd.read_csv(root / "report/confusion.csv")
    assert again.equals(pairs.replace("b", "bee"))


@pytest.mark.parametrize("said_by", ["run.json", "the journal"])
def test_other_data_under_the_name_are_refused(left, root, said_by):
    if said_by == "the journal":  # run.json of an earlier version did not
        about = json.loads((left / "run.json").read_text())
        write_json(left / "run.json", about | {"digest": None})
        journal = Journal(paths.runs() / "k")
        journal.append("tags", values={"eyechart.data_digest": about["digest"]})
        journal.close()
    evaluate(ExportedRun(left), root / "report")
    prepare_tiny(seed=1)
    with pytest.raises(
        DataError, match=r"expected 'tiny' as run k was trained on it \(digest \w{12}\), received other"
    ):
        evaluate(ExportedRun(left), root / "report")
