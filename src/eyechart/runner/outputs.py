"""What a trained member leaves: its model, its predictions, its scores and its result."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart.core.files import replacing, write_json
from eyechart.runner.attempt import Attempt
from eyechart.runner.members import Setup
from eyechart.runs.files import checksums
from eyechart.runs.journal import RecordKind
from eyechart.runs.run import RUN_JSON

if TYPE_CHECKING:
    from eyechart.runner.listener import JournalListener
    from eyechart.runner.scorecard import Scores
    from eyechart.training.backend.engine import Predictor
    from eyechart.training.early_stopping import EarlyStopping


@dataclass(frozen=True)
class Learner:
    """One member of a program, with what is kept of its epochs.

    Attributes:
        attempt: that it is trained for.
        best: knows its best epoch, and the weights of that.
        listener: knows its learning curves.
    """

    attempt: Attempt
    best: EarlyStopping
    listener: JournalListener


@dataclass(frozen=True)
class Predicted:
    """What a trained member answered, and how to come by the scores of its answers."""

    parameters: int
    step_accuracy: dict[str, list[float]]
    scores: Callable[[], Scores]


def save_predictions(learner: Learner, model: Any, predictor: Predictor, setup: Setup) -> Predicted:
    """Save the model with its best weights, predict with it, and have the predictions scored and drawn."""
    import numpy as np
    import pandas as pd

    from eyechart.evaluation import predictions
    from eyechart.runner import scorecard
    from eyechart.runs.machine import model_requirements
    from eyechart.training.predict import predict

    dataset, splits, journal = setup.dataset, setup.splits, learner.attempt.journal
    artifacts = journal.folder / "artifacts"
    _save_model(model, artifacts / "model.keras")
    journal.append(
        RecordKind.MODEL,
        path="artifacts/model.keras",
        image_shape=list(dataset.image_shape),
        classes=len(dataset.class_names),
        class_names=list(dataset.class_names),
        dataset=dataset.name,
        backend=setup.config.backend,
        requirements=model_requirements(setup.config.backend),
    )
    parts, step_accuracy, groups = {}, {}, {}
    for part in ("validation", "test"):
        piece = getattr(splits, part)
        if piece is not None:
            (answers,) = predict(predictor, piece.load(), piece.labels)
            parts[part] = (piece.indices, piece.labels, answers.probabilities)
            if piece.groups is not None:
                groups[part] = piece.groups
            if answers.step_accuracy is not None:
                step_accuracy[part] = answers.step_accuracy.tolist()
    by_step = None
    if step_accuracy:
        by_step = pd.DataFrame(step_accuracy)
        by_step.insert(0, "step", range(1, len(by_step) + 1))
    if not np.isfinite(parts["test"][2]).any():  # seen here alone where nothing was held back
        learner.best.give_up()
    table = predictions.make_table(parts, seed=learner.attempt.job.config.seed, groups=groups or None)
    predictions.write(table, artifacts / "predictions.parquet")
    findings = scorecard.Findings(
        table=table,
        history=pd.DataFrame(learner.listener.history),
        best_epoch=learner.best.epoch,
        by_step=by_step,
        class_names=dataset.class_names,
        title=setup.title,
    )
    scores: Callable[[], Scores]
    if setup.pool is None:
        scores = functools.partial(scorecard.write_scorecard, artifacts, findings, splits.test.images)
    else:
        scores = setup.pool.score(artifacts, dataset.name, findings)
    return Predicted(int(model.count_params()), step_accuracy, scores)


def record_result(
    learner: Learner, predicted: Predicted, setup: Setup, members: int
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Say what follows from the predictions; the result of the run, and warnings about it."""
    from eyechart.runner import scorecard
    from eyechart.tracking.views import best_name

    best, history, journal = learner.best, learner.listener.history, learner.attempt.journal
    artifacts = journal.folder / "artifacts"
    numbers = {
        "best_epoch": best.epoch,
        "parameters": predicted.parameters,
        "seconds": sum(row["seconds"] for row in history),
    }
    journal.metrics(0, numbers)  # MLflow draws bars, run by run, of what has one value, at step 0
    scores = predicted.scores()
    result: dict[str, Any] = _while_training(learner, len(setup.dataset.class_names)) | scores.overall
    of_best = {best_name(name): value for name, value in result.items() if not name.startswith("test")}
    test = {name: value for name, value in result.items() if name.startswith("test")}
    journal.metrics(0, {**of_best, **test, **scores.per_class})
    for part, accuracies in predicted.step_accuracy.items():
        for step, accuracy in enumerate(accuracies, 1):
            journal.metrics(step, {f"{part}/accuracy_by_step": accuracy})
    for file in ("predictions.parquet", *scores.files):
        journal.append(RecordKind.ARTIFACT, path=f"artifacts/{file}")
        if file.endswith(".png"):
            journal.append(RecordKind.IMAGE, path=f"artifacts/{file}", key=Path(file).stem)
    for file in scorecard.TABLES:
        journal.append(RecordKind.TABLE, path=f"artifacts/{file}")
    summary: dict[str, Any] = {"monitor": best.monitor, "epochs": len(history), **numbers}
    if members > 1:  # the seconds are a share of theirs
        summary["members"] = members
    result = summary | result
    about: dict[str, Any] = {"run_key": journal.folder.name, "title": setup.title, "dataset": setup.dataset.name}
    about |= {"digest": setup.dataset.digest, "result": result}
    about |= {"diverged": best.diverged} if best.diverged else {}
    write_json(artifacts / RUN_JSON, about | {"files": checksums(artifacts)})
    return result, scores.warnings


def _while_training(learner: Learner, classes: int) -> dict[str, float]:
    """Loss and accuracy on the training images in the best epoch; those of a guess where there is none."""
    epoch = learner.best.epoch
    if not epoch:
        return {"train/loss": math.log(classes), "train/accuracy": 1 / classes}
    return {name: learner.listener.history[epoch - 1][name] for name in ("train/loss", "train/accuracy")}


def _save_model(model: Any, path: Path) -> None:
    from eyechart.core.quiet import without_notes

    with replacing(path) as temporary, without_notes():  # Keras looks for TensorFlow here, also under JAX
        model.save(temporary)
