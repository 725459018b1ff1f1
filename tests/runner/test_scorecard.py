"""The files and numbers of a scorecard, of a test part that lacks a class."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from eyechart.evaluation import predictions, scores
from eyechart.runner.scorecard import Findings, write_scorecard


def test_a_class_without_images_counts_in_no_mean(tmp_path):
    """Of four classes the last has no test image and is never predicted; the third is predicted once, wrongly."""
    labels, given = np.array([0, 0, 0, 1]), np.array([0, 0, 2, 1])
    table = predictions.make_table({"test": (np.arange(4), labels, np.eye(4, dtype=np.float32)[given])})
    history = pd.DataFrame({"epoch": [1], "train/loss": [1.0], "train/accuracy": [0.5]})
    findings = Findings(table, history, 1, None, ["a", "b", "c", "d"], "a test")
    found = write_scorecard(tmp_path, findings, np.zeros((4, 8, 8, 1), np.uint8))

    recall = {"test_recall/a": 2 / 3, "test_recall/b": 1}
    precision = {"test_precision/a": 1, "test_precision/b": 1, "test_precision/c": 0}
    f1 = {"test_f1/a": 0.8, "test_f1/b": 1, "test_f1/c": 0}
    assert found.per_class == recall | precision | f1
    assert np.mean(list(recall.values())) == found.overall["test/balanced_accuracy"]
    assert np.mean(list(f1.values())) == found.overall["test/macro_f1"]

    columns = json.loads((tmp_path / "per_class.json").read_text())
    assert list(columns)[:5] == ["class", "precision", "recall", "f1", "support"]
    assert columns["recall"] == [2 / 3, 1, 0, 0]
    assert columns["recall_low"] == [scores.interval(2, 3)[0], scores.interval(1, 1)[0], None, None]
    assert columns["precision_high"] == [
        scores.interval(2, 2)[1],
        scores.interval(1, 1)[1],
        scores.interval(0, 1)[1],
        None,
    ]
    report = (tmp_path / "classification_report.txt").read_text().splitlines()
    assert report[4].split() == ["d", "-", "-", "-", "0", "-", "-"]
