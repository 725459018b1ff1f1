"""From a predictions table to numbers.

Every function takes the rows it is asked about: choose the part first, `part_of(table, "test")`. K, the number of
classes, is the number of probability columns, so a class without images still has its row. All are a line or two of
NumPy, and tested against scikit-learn, which takes too long to import for what every run of a sweep needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.evaluation.predictions import class_count, probabilities

if TYPE_CHECKING:
    import pandas as pd

# what Keras clips by as well, so that one certain mistake does not make the mean infinite
SMALLEST_PROBABILITY = 1e-7


def accuracy(table: pd.DataFrame) -> float:
    """The share of the rows whose prediction is the label, 0 to 1; NaN without rows."""
    if table.empty:
        return float("nan")
    return float(np.mean(table["label"].to_numpy() == table["prediction"].to_numpy()))


def loss(table: pd.DataFrame) -> float:
    """Mean cross-entropy in nats, probabilities clipped at 1e-7 from below; NaN without rows."""
    return cross_entropy(table["label"].to_numpy(), probabilities(table))


def cross_entropy(labels: NDArray[np.int32], probabilities: NDArray[np.float32]) -> float:
    """The same from labels (n,) and probabilities (n, K), where there is no table yet."""
    if not len(labels):
        return float("nan")
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(given, SMALLEST_PROBABILITY)).mean())


def confusion_matrix(table: pd.DataFrame) -> NDArray[np.int64]:
    """How many images of each true class (row) were given each class (column): int64 (K, K)."""
    classes = class_count(table)
    cells = table["label"].to_numpy().astype(np.int64) * classes + table["prediction"].to_numpy()
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def most_confused_pairs(counts: NDArray[np.int64], limit: int = 10) -> list[tuple[int, int, int]]:
    """The commonest mistakes of a confusion matrix (K, K).

    Returns:
        Up to `limit` tuples `(true class, predicted class, count)`, highest count first and equal ones by class;
        pairs that never happened are left out.
    """
    mistakes = counts.copy()
    np.fill_diagonal(mistakes, 0)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:limit]
    pairs = ((int(cell // len(counts)), int(cell % len(counts))) for cell in order)
    return [(true, predicted, int(mistakes[true, predicted])) for true, predicted in pairs if mistakes[true, predicted]]


def most_confident_mistakes(table: pd.DataFrame, count: int = 25) -> pd.DataFrame:
    """The rows of the `count` wrong predictions with the highest probability, highest first and equal ones by index.

    A further column `confidence` (float32) is the probability of the predicted class; `index` says which images to
    read for the gallery.
    """
    mistakes = table[table["label"] != table["prediction"]]
    confidence = probabilities(mistakes)[np.arange(len(mistakes)), mistakes["prediction"].to_numpy()]
    mistakes = mistakes.assign(confidence=confidence)
    return mistakes.sort_values(["confidence", "index"], ascending=[False, True], kind="stable").head(count)


def per_class(counts: NDArray[np.int64], class_names: Sequence[str]) -> pd.DataFrame:
    """Scores per class from a confusion matrix (K, K).

    Returns:
        A row per class: `precision`, `recall`, `f1` (float64, 0 where undefined) and `support` (int64, its images).

    Raises:
        ValueError: there is not one name for each class.
    """
    import pandas as pd

    if len(class_names) != len(counts):
        raise ValueError(f"Expected {len(counts)} class names. Received: {len(class_names)}")
    right, support, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    scores = {
        "precision": right / np.maximum(predicted, 1),
        "recall": right / np.maximum(support, 1),
        "f1": 2 * right / np.maximum(support + predicted, 1),
        "support": support,
    }
    return pd.DataFrame(scores, index=pd.Index(class_names, name="class"))


def classification_report(scores: pd.DataFrame, accuracy: float) -> str:
    """A text table of what `per_class` gave, with the accuracy and the means over classes, plain and by support."""
    columns = ["precision", "recall", "f1"]
    total = int(scores["support"].sum())
    report = scores.copy()
    report.loc["mean of classes", [*columns, "support"]] = [*scores[columns].mean(), total]
    weighted = [float(np.average(scores[name], weights=scores["support"])) if total else 0.0 for name in columns]
    report.loc["mean by support", [*columns, "support"]] = [*weighted, total]
    text = report.astype({"support": int}).to_string(float_format=lambda value: f"{value:.4f}", index_names=False)
    return f"{text}\n\naccuracy {accuracy:.4f} on {total} images\n"
