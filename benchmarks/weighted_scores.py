"""The standard errors of balanced accuracy and macro F1 by formula, against a bootstrap over images.

python benchmarks/weighted_scores.py 100 1000    so many test parts of 1,000 images, so many resamples of each

Images are resampled within their classes, because class counts are held fixed. The formula gives each class one image
more than it has (`weighted.variance`), which the bootstrap cannot know of: without it they should agree.
"""

from __future__ import annotations

import sys

import numpy as np
from comparison_draws import Cell, answers_of, labels_of, predictions_of
from support import spread

from eyechart.evaluation import weighted
from eyechart.evaluation.scores import ClassCounts

CLASSES = {"90/8/2%": (0.9, 0.08, 0.02), "70/20/10%": (0.7, 0.2, 0.1)}


def bootstrap(labels: np.ndarray, predictions: np.ndarray, score: str, resamples: int, seed: int) -> np.ndarray:
    """The scores of the networks on so many resamples, (resamples, networks)."""
    rng, classes = np.random.default_rng(seed), int(labels.max()) + 1
    members = [np.flatnonzero(labels == one) for one in range(classes)]
    scores = np.empty((resamples, len(predictions)))
    for i in range(resamples):
        chosen = np.concatenate([rng.choice(images, len(images)) for images in members])
        scores[i] = [getattr(ClassCounts.of(labels[chosen], row[chosen], classes), score) for row in predictions]
    return scores


def compare(name: str, accuracy: float, score: str, parts: int, resamples: int) -> str:
    """A line of the table: formula over bootstrap, of a network and of the difference of two."""
    cell = Cell(name, rows=2, seeds=1, accuracy=accuracy, classes=CLASSES[name])
    labels, rng = labels_of(cell, cell.images), np.random.default_rng(0)
    ratios: dict[str, list[float]] = {"one": [], "one, an image more": [], "two": [], "two, an image more": []}
    for part in range(parts):
        correct = answers_of(cell, rng, np.array([accuracy, accuracy]), cell.images)
        predictions = predictions_of(cell, rng, correct, labels)
        values = getattr(weighted, score)(labels, predictions, len(cell.classes))
        scores = bootstrap(labels, predictions, score, resamples, part)
        pairs = {"one": (values[0], scores[:, 0], 0.5), "two": (values[0] - values[1], scores[:, 0] - scores[:, 1], 1)}
        for kind, (of_images, resampled, more) in pairs.items():
            for more_images in (0.0, more):
                error = weighted.variance(of_images, labels, more_images)[0] ** 0.5
                ratios[kind + ", an image more" * (more_images > 0)].append(error / resampled.std())
    return f"| {score} | {name} | {accuracy} | {' | '.join(spread(each) for each in ratios.values())} |"


def main() -> None:
    parts, resamples = (int(word) for word in [*sys.argv[1:], "100", "1000"][:2])
    print("| score | classes | right | a network | with an image more | a difference | with an image more |")
    print("|:--|:--|--:|--:|--:|--:|--:|")
    for score in ("balanced_accuracy", "macro_f1"):
        for name in CLASSES:
            for accuracy in (0.9, 0.97):
                print(compare(name, accuracy, score, parts, resamples), flush=True)


if __name__ == "__main__":
    main()
