"""The images that a page shows: where they come from, and what is written below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyechart.comparison.groups import Board
from eyechart.comparison.report.gathering import Gathered, class_names
from eyechart.comparison.report.pictures import png
from eyechart.core.errors import DataError
from eyechart.data import names_of, open_dataset
from eyechart.evaluation.agreement import hardest, wrong_answers

SHOWN = 24  # images of a section
WRONG = 3  # wrong answers below an image


@dataclass(frozen=True, eq=False)
class Source:
    """The data set of a board, as far as it is there.

    Attributes:
        class_names: in the order of the classes.
        images: the official test array, uint8 (n, height, width, channels); None where there are no pictures.
        problem: why there are none; empty if there are.
    """

    class_names: tuple[str, ...]
    images: NDArray[np.uint8] | None = None
    problem: str = ""


def source(board: Board, found: Gathered) -> Source:
    """Open the data set that a board's runs were tested on."""
    name, digest = str(board.rows["dataset"].iloc[0]), str(board.rows["data_digest"].iloc[0])
    names = names_of(digest, name)
    fitting = names is not None and len(names.class_names) == found.classes
    noted = names.class_names if names and fitting else class_names(board, found.classes)
    try:
        dataset = open_dataset(name, digest)
    except DataError as error:
        return Source(noted, problem=f"there are no pictures: {error}")
    images = dataset.split(validation_fraction=0).test.images
    if dataset.digest != digest or len(dataset.class_names) != found.classes or found.index.max() >= len(images):
        problem = (
            f"there are no pictures: the runs were tested on data with the digest {digest[:12]}, "
            f"and data set '{name}' is now prepared with {dataset.digest[:12]}. "
            f"To see theirs, put conf/dataset/{name}.yaml and its files back as they were and type: "
            f"python pipelines/preprocess.py dataset={name}"
        )
        return Source(noted, problem=problem)
    return Source(dataset.class_names, images)


def hardest_images(found: Gathered, about: Source) -> list[dict[str, Any]]:
    """The images that most runs miss, with the answers that they got."""
    answered = found.predictions()
    given = np.mean([each.given for each in found.answers()], axis=0)
    shown = []
    for position in hardest(found.labels, answered, given, SHOWN):
        label, answers = int(found.labels[position]), answered[:, position]
        wrong = wrong_answers(label, answers)
        missed = sum(times for _, times in wrong)
        names = [
            about.class_names[answer] + (f" ({times})" if len(answers) > 1 else "") for answer, times in wrong[:WRONG]
        ]
        shown.append(
            _figure(found, about, int(position))
            | {"label": about.class_names[label], "missed": missed, "share": missed / len(answers), "wrong": names}
        )
    return shown


def confident_mistakes(found: Gathered, about: Source, row: int) -> list[dict[str, Any]]:
    """The mistakes of which a row is surest: the mean probabilities over its runs decide."""
    probabilities = found.votes[row] / len(found.answers(row))
    prediction, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    return [
        _figure(found, about, int(position))
        | {
            "label": about.class_names[found.labels[position]],
            "prediction": about.class_names[prediction[position]],
            "confidence": float(confidence[position]),
        }
        for position in order[prediction[order] != found.labels[order]][:SHOWN]
    ]


def _figure(found: Gathered, about: Source, position: int) -> dict[str, Any]:
    index = int(found.index[position])
    return {"index": index, "picture": None if about.images is None else png(about.images[index])}
