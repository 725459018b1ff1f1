"""From a predictions table to numbers.

Every function takes the rows it is asked about: choose the part first, `part_of(table, "test")`. K, the number of
classes, is the number of probability columns, so a class without images still has its row. All are a line or two of
NumPy, and tested against scikit-learn, which takes too long to import for what every run of a sweep needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.core.words import between, decimals, with_interval
from eyechart.evaluation.predictions import class_count, probabilities

if TYPE_CHECKING:
    import pandas as pd

# what Keras clips by as well, so that one certain mistake does not make the mean infinite
SMALLEST_PROBABILITY = 1e-7
NAMED = 5  # so many classes are named in a line
UNKNOWN = (float("nan"), float("nan"))
INTERVALS = "95%: Wilson's interval of this network, over images given the class (precision) or of the class (recall)"


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """What accuracy hides where classes are of unequal size.

    Attributes:
        right: int64 (K,), how many images of each class were given it.
        support: int64 (K,), how many images each class has.
        predicted: int64 (K,), how many images were given each class.
    """

    right: NDArray[np.int64]
    support: NDArray[np.int64]
    predicted: NDArray[np.int64]

    @classmethod
    def of(cls, labels: NDArray[np.integer], predictions: NDArray[np.integer], classes: int) -> ClassCounts:
        """Count the answers `predictions` (n,) to images of the classes `labels` (n,), both from 0 to `classes` - 1."""
        given = (labels[labels == predictions], labels, predictions)
        return cls(*(np.bincount(each, minlength=classes).astype(np.int64) for each in given))

    def __add__(self, other: ClassCounts) -> ClassCounts:
        return ClassCounts(self.right + other.right, self.support + other.support, self.predicted + other.predicted)

    @property
    def balanced_accuracy(self) -> float:
        """The mean of the recall of the classes that have images, 0 to 1; NaN without images."""
        there = self.support > 0
        return float((self.right[there] / self.support[there]).mean()) if there.any() else float("nan")

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that have images or are predicted, 0 to 1; NaN without images."""
        both = self.support + self.predicted
        return float((2 * self.right[both > 0] / both[both > 0]).mean()) if both.any() else float("nan")

    @property
    def never_predicted(self) -> list[int]:
        """The classes that have images, of which none was given them, nor any other."""
        return [int(number) for number in np.flatnonzero((self.support > 0) & (self.predicted == 0))]

    @property
    def largest(self) -> tuple[int, float]:
        """The class with the most images, and its share of all: the accuracy of always answering it."""
        number = int(self.support.argmax())
        return number, float(self.support[number] / self.support.sum())


def class_counts(table: pd.DataFrame) -> ClassCounts:
    """The counts of the rows of a predictions table."""
    return ClassCounts.of(table["label"].to_numpy(), table["prediction"].to_numpy(), class_count(table))


def interval(right: int, images: int, level: float = 0.05) -> tuple[float, float]:
    """Wilson's interval (1927) of an accuracy, at 95% by default: `significance.estimate` without importing SciPy."""
    z = NormalDist().inv_cdf(1 - level / 2)
    centre, margin = right + z**2 / 2, z * (right * (images - right) / images + z**2 / 4) ** 0.5
    return max((centre - margin) / (images + z**2), 0.0), min((centre + margin) / (images + z**2), 1.0)


def warnings(counts: ClassCounts, class_names: Sequence[str]) -> list[str]:
    """What a person should know who reads the accuracy of a network on the test part, one line each.

    Args:
        counts: of its answers; of one image or more.
        class_names: K names.
    """
    lines = []
    images, right = int(counts.support.sum()), int(counts.right.sum())
    low, high = interval(right, images)
    number, share = counts.largest
    if low <= share:
        lines.append(
            f"test accuracy {with_interval(right / images, low, high)} is not above {share:.{decimals(low, high)}f} by "
            f"more than its interval, which always answering '{class_names[number]}' reaches"
        )
    if never := counts.never_predicted:
        lines.append(f"never predicted: {listed([class_names[number] for number in never])}")
    return lines


def listed(names: Sequence[str]) -> str:
    """The first `NAMED` of some classes, each in quotes, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(f"'{name}'" for name in names[:NAMED]) + more


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
        A row per class: `precision`, `recall`, `f1` (float64, 0 where undefined), `support` (int64, its images), and
        the ends of Wilson's 95% intervals `precision_low`, `precision_high`, `recall_low`, `recall_high` (float64; NaN
        where no image was given the class, or it has none). They speak of the trained network on new images.

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
    for score, of in (("precision", predicted), ("recall", support)):
        ends = [interval(int(hits), int(all_)) if all_ else UNKNOWN for hits, all_ in zip(right, of, strict=True)]
        scores[f"{score}_low"], scores[f"{score}_high"] = np.array(ends).T
    return pd.DataFrame(scores, index=pd.Index(class_names, name="class"))


def classification_report(scores: pd.DataFrame, accuracy: float, counts: ClassCounts) -> str:
    """A text table of what `per_class` gave, with the accuracy and the means over classes, plain and by support.

    What is undefined is shown as `-`, and is in no plain mean: a class without images has no recall, and one that is
    never predicted either nothing at all. The precision of one that has images but is never predicted counts as 0.
    """
    means = ["precision", "recall", "f1"]
    total = int(scores["support"].sum())
    nothing = counts.support + counts.predicted == 0
    report = scores[means].mask(np.stack([nothing, counts.support == 0, nothing], axis=1))
    weighted = [float(np.average(scores[name], weights=scores["support"])) if total else np.nan for name in means]
    report.loc["mean of classes"], report.loc["mean by support"] = report.mean(), weighted
    table = report.map(lambda value: "-" if np.isnan(value) else f"{value:.4f}")
    table["support"] = [*scores["support"], total, total]
    for score in ("precision", "recall"):
        ends = zip(scores[f"{score}_low"], scores[f"{score}_high"], strict=True)
        table[f"95% {score}"] = [*("-" if np.isnan(low) else between(low, high) for low, high in ends), "-", "-"]
    said = f"balanced accuracy {counts.balanced_accuracy:.4f}, macro F1 {counts.macro_f1:.4f}" if total else "no score"
    return f"{table.to_string(index_names=False)}\n\naccuracy {accuracy:.4f}, {said}, on {total} images\n{INTERVALS}\n"
