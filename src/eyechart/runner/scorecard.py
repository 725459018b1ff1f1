"""The files that show how good one run is, all made from its predictions table: pictures, tables, texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.core.cells import cell
from eyechart.core.errors import TO_HAVE_AGAIN, DataError, EyechartError
from eyechart.core.files import replacing, write_json, write_text
from eyechart.core.folders import Kind, check_folder, replacing_folder, says
from eyechart.data import Dataset
from eyechart.evaluation import predictions, scores
from eyechart.evaluation.history import read_history, read_numbers
from eyechart.evaluation.predictions import part_of
from eyechart.runs.run import RUN_JSON, ExportedRun, Run

if TYPE_CHECKING:
    import pandas as pd

FILES = ("confusion_matrix.png", "learning_curves.png", "mistakes.png", "history.csv", "classification_report.txt")
STEP_FILES = ("accuracy_by_step.png", "accuracy_by_step.csv")  # of a model that answers after each time step
TABLES = ("per_class.json", "confusion_matrix.json")  # columns, as MLflow's run-by-run comparison reads them
LONGEST = 200  # characters of a class in the name of a metric, of which MLflow takes 250
METRICS, PAIRS = "metrics.json", "confusion.csv"


def _earlier(folder: Path) -> tuple[str, ...]:
    return (*FILES, *STEP_FILES, *TABLES, METRICS, PAIRS) if says(folder / METRICS, "test/accuracy") else ()


REPORT = Kind("evaluate", "to", _earlier)


@dataclass(frozen=True)
class Scores:
    """The numbers of a predictions table.

    Attributes:
        overall: `test/loss`, `test/accuracy`, `test/balanced_accuracy`, `test/macro_f1`, and the same of `validation`
            where images were held back.
        per_class: `test_precision/<class>`, `test_recall/<class>` and `test_f1/<class>`, where they are defined.
        files: what was written for a person to look at.
        warnings: what a person should know who reads the accuracy, one line each.
    """

    overall: dict[str, float]
    per_class: dict[str, float]
    files: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Findings:
    """What a run has found, and a scorecard shows.

    Attributes:
        table: of the run's predictions.
        history: a row per epoch: `epoch`, `train/loss`, ...
        best_epoch: whose weights made the predictions; 0: of none, they are guesses.
        by_step: a row per time step: `step` (from 1), and each part's accuracy; None for a model that answers once.
        class_names: in the order of the classes.
        title: what was trained on what.
    """

    table: pd.DataFrame
    history: pd.DataFrame
    best_epoch: int
    by_step: pd.DataFrame | None
    class_names: Sequence[str]
    title: str


def write_scorecard(folder: Path, findings: Findings, test_images: NDArray[np.uint8]) -> Scores:
    """Write `FILES`, `TABLES` and, where there are answers after each time step, `STEP_FILES` to `folder`.

    Args:
        folder: made if it is not there.
        findings: of the run.
        test_images: the official test array, uint8 (n, height, width, channels); only mistakes are read from it.
    """
    from eyechart import figures

    table, by_step = findings.table, findings.by_step
    class_names, title = findings.class_names, findings.title
    overall: dict[str, float] = {}
    for part in table["part"].unique():
        rows = part_of(table, part)
        counted = scores.class_counts(rows)
        overall |= {f"{part}/loss": scores.loss(rows), f"{part}/accuracy": scores.accuracy(rows)}
        overall |= {f"{part}/balanced_accuracy": counted.balanced_accuracy, f"{part}/macro_f1": counted.macro_f1}
        if by_step is not None:
            overall[f"{part}/accuracy_over_steps"] = float(by_step[part].mean())
    test = part_of(table, "test")
    counts, counted = scores.confusion_matrix(test), scores.class_counts(test)
    by_class = scores.per_class(counts, class_names)
    accuracy = overall["test/accuracy"]

    figures.save(
        figures.confusion_matrix(counts, class_names, f"{title}: test accuracy {accuracy:.2%}"),
        folder / "confusion_matrix.png",
    )
    curves = figures.learning_curves(findings.history, findings.best_epoch or None, title)
    figures.save(curves, folder / "learning_curves.png")
    worst = scores.most_confident_mistakes(test)
    wrong = int((test["label"] != test["prediction"]).sum())
    figures.save(
        figures.gallery(
            test_images[worst["index"].to_numpy()],
            worst["label"].to_numpy(),
            worst["prediction"].to_numpy(),
            worst["confidence"].to_numpy(),
            class_names,
            f"{title}: the most confident of {wrong} mistakes in {len(test)}",
        ),
        folder / "mistakes.png",
    )
    with replacing(folder / "history.csv") as temporary:
        findings.history.to_csv(temporary, index=False)
    if by_step is not None:
        last, mean = float(by_step["test"].iloc[-1]), overall["test/accuracy_over_steps"]
        heading = f"{title}: {last:.2%} right after the last step, {mean:.2%} over all"
        figures.save(figures.accuracy_by_step(by_step, heading), folder / "accuracy_by_step.png")
        with replacing(folder / "accuracy_by_step.csv") as temporary:
            by_step.to_csv(temporary, index=False)
    warnings = scores.warnings(counted, class_names)
    report = scores.classification_report(by_class, accuracy, counted)
    report += "".join(f"warning: {line}\n" for line in warnings)
    write_text(folder / "classification_report.txt", report)
    write_json(folder / "per_class.json", _columns(by_class))
    confusion = {"true class": list(class_names)}
    confusion |= {name: counts[:, i].tolist() for i, name in enumerate(class_names)}
    write_json(folder / "confusion_matrix.json", confusion)
    per_class = _metrics(by_class, counted)
    return Scores(overall, per_class, FILES if by_step is None else FILES + STEP_FILES, tuple(warnings))


def _columns(by_class: pd.DataFrame) -> dict[str, list[object]]:
    """The columns of a table as JSON has them, which knows no NaN."""
    table = by_class.reset_index()
    return {str(name): [None if value != value else value for value in table[name].tolist()] for name in table}


def _metrics(by_class: pd.DataFrame, counts: scores.ClassCounts) -> dict[str, float]:
    """Of each class what is defined: where MLflow takes a mean over classes, one without images would count as 0."""
    there = counts.support + counts.predicted > 0
    known = {"precision": there, "recall": counts.support > 0, "f1": there}
    return {
        f"test_{score}/{_metric_name(name)}": float(value)
        for score, defined in known.items()
        for name, value in by_class.loc[defined, score].items()
    }


def evaluate(source: Run | ExportedRun, target: Path) -> Scores:
    """Write the report on a run, `metrics.json` and `confusion.csv` (a row per test image: actual, predicted class).

    Args:
        source: has `predictions.parquet`, `history.csv`, `run.json` and, of a model that answers after each time step,
            `accuracy_by_step.csv`.
        target: a folder, replaced whole.

    Returns:
        The numbers that were written.

    Raises:
        EyechartError: a file of the run is missing or broken, or the data set is not prepared.
    """
    import pandas as pd

    check_folder(target, REPORT)
    about = source.read_json(RUN_JSON, "title", "result")
    best_epoch = about["result"].get("best_epoch") if isinstance(about["result"], dict) else None
    if not isinstance(best_epoch, int):
        raise EyechartError(f"expected the number of the best epoch in {source.file(RUN_JSON)}: {TO_HAVE_AGAIN}")
    table = predictions.read(source.file("predictions.parquet"))
    by_step = None
    if source.has("accuracy_by_step.csv"):
        by_step = read_numbers(source.file("accuracy_by_step.csv"), ("step", *table["part"].unique()))
    dataset = source.dataset()
    arrays = dataset.split(validation_fraction=0)
    _check_images(table, dataset)
    findings = Findings(
        table=table,
        history=read_history(source.file("history.csv")),
        best_epoch=best_epoch,
        by_step=by_step,
        class_names=dataset.class_names,
        title=str(about["title"]),
    )
    with replacing_folder(target, REPORT) as temporary:
        scores = write_scorecard(temporary, findings, arrays.test.images)
        write_json(temporary / METRICS, scores.overall | {"best_epoch": findings.best_epoch})
        names = np.array([cell(name) for name in dataset.class_names])
        test = predictions.part_of(table, "test")
        pairs = pd.DataFrame({"actual": names[test["label"]], "predicted": names[test["prediction"]]})
        pairs.to_csv(temporary / PAIRS, index=False)
    return scores


def _check_images(table: pd.DataFrame, dataset: Dataset) -> None:
    """Raise DataError where a predictions table cannot be of the images of a data set."""
    classes, last = predictions.class_count(table), int(part_of(table, "test")["index"].max())
    if classes != len(dataset.class_names) or last >= dataset.counts["test"]:
        raise DataError(
            f"expected predictions for '{dataset.name}' as it is prepared, with {len(dataset.class_names)} classes and "
            f"{dataset.counts['test']:,} test images, received some for {classes} classes and an image {last}: prepare "
            f"it as it was, or train anew"
        )


def _metric_name(class_name: object) -> str:
    """A class name without the characters that MLflow does not take in a metric's name, and no longer than it takes."""
    return "".join(c if c.isalnum() or c in "_-. " else "-" for c in str(class_name))[:LONGEST]
