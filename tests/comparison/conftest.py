"""Finished runs, as far as boards read them: a journal and a predictions table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from eyechart.core import paths
from eyechart.evaluation import predictions
from eyechart.runs.journal import Journal


@pytest.fixture
def write_run(root) -> Callable[..., None]:
    """Write a run of the model `fnn` on the digits to the test's own workspace."""

    def write(
        key: str,
        *,
        seed: int = 0,
        validation: float | None = 0.5,
        test: float = 0.5,
        train: float = 0.5,
        loss: float = 1.0,
        monitor: str = "validation/accuracy",
        digest: str = "d",
        limit: list[int] | None = None,
        status: str = "FINISHED",
        experiment: str = "eyechart",
        version: int | None = None,
        best_epoch: int = 1,
        diverged: int = 0,
        correct: Any = None,
        images: Any = None,
        labels: Any = None,
        held_back: Any = None,
        groups: Any = None,
        tags: Mapping[str, Any] | None = None,
        **parameters: Any,
    ) -> None:
        journal = Journal(paths.runs() / key)
        journal.append("start", name=f"model=fnn seed={seed}", experiment_name=experiment, identity=["", ""])
        values: dict[str, Any] = {"model": "fnn", "dataset": "digits", "seed": seed, **parameters}
        journal.append("params", values=values | ({"limit": limit} if limit else {}))
        said = {"eyechart.data_digest": digest} | ({"eyechart.training_version": version} if version else {})
        journal.append("tags", values=said | dict(tags or {}))
        if correct is not None:
            write_predictions(key, correct, images, labels, held_back, groups)
            test = float(np.mean(correct))
        result: dict[str, Any] = {
            "monitor": monitor if validation is not None else None,
            "epochs": 9,
            "best_epoch": best_epoch,
            "parameters": 12345,
            "seconds": 1.0,
            "train/accuracy": train,
            "test/accuracy": test,
        }
        if validation is not None:
            result |= {"validation/accuracy": validation, "validation/loss": loss}
        more = {"diverged": diverged} if diverged else {}
        journal.append("end", status=status, result=result if status == "FINISHED" else {}, **more)
        journal.close()

    return write


def write_predictions(
    key: str,
    correct: Any,
    images: Any = None,
    labels: Any = None,
    held_back: Mapping[int, bool] | None = None,
    groups: Any = None,
) -> None:
    """A predictions table of ten classes: which test images were classified right; the others as the class before.

    `held_back` says of each validation image whether it was classified right, `groups` of each test image its group.
    """
    right = np.asarray(correct, dtype=bool)
    images = np.arange(len(right)) if images is None else np.asarray(images)
    labels = images % 10 if labels is None else np.asarray(labels)
    probabilities = np.eye(10, dtype=np.float32)[np.where(right, labels, (labels + 9) % 10)]
    if held_back is None:
        held_back = dict.fromkeys(range(3), True)
    classes = np.where(list(held_back.values()), 0, 1)
    validation = (np.array(list(held_back)), np.zeros(len(held_back), dtype=int), np.eye(10, dtype=np.float32)[classes])
    parts = {"validation": validation, "test": (images, labels, probabilities)}
    alone = -1 - np.arange(len(held_back))
    table = predictions.make_table(parts, groups=groups if groups is None else {"validation": alone, "test": groups})
    predictions.write(table, paths.runs() / key / "artifacts" / "predictions.parquet")
