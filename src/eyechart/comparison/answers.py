"""What the networks of one row answered: read from the predictions tables that the runs left, never from a model."""

from __future__ import annotations

import functools
import hashlib
import operator
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyechart.comparison.held_back import HeldBack
from eyechart.core.errors import EyechartError
from eyechart.evaluation.predictions import GROUP
from eyechart.evaluation.scores import ClassCounts
from eyechart.runs.run import Run

COLUMNS = ["part", "index", "label", "prediction"]  # a tenth of a table: its probabilities are not asked for


@dataclass(frozen=True, eq=False)
class Correctness:
    """Which test images the runs of one row classified right.

    Attributes:
        images: a SHA-256 of the images' positions, labels and groups: answers to the same images can be compared.
        correct: bool (seeds, images), the images in ascending order of their positions.
        labels: (images,), the true class of each, unsigned and as small as holds every class.
        predictions: (seeds, images), the class that it was given, likewise.
        counts: for each seed, those of its answers by class.
        run_key: of the first of the runs.
        held_back: of a single run its answers to the images that it was chosen by; None: there are none.
        groups: int64 (images,), the group of each image, as of its patient; None: each is independent of the others.
    """

    images: str
    correct: NDArray[np.bool_]
    labels: NDArray[np.unsignedinteger]
    predictions: NDArray[np.unsignedinteger]
    counts: tuple[ClassCounts, ...]
    run_key: str
    held_back: HeldBack | None = None
    groups: NDArray[np.int64] | None = None

    @functools.cached_property  # a board of a thousand rows asks few of them
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes as the data are called now, else their numbers."""
        classes = len(self.counts[0].support)
        with suppress(EyechartError):
            names = Run(self.run_key).class_names
            if len(names) == classes:
                return names
        return tuple(str(number) for number in range(classes))

    def mean(self, score: str) -> float:
        """The mean over seeds of a score of `ClassCounts`, as `macro_f1`."""
        return fmean(getattr(one, score) for one in self.counts)

    @property
    def summed(self) -> ClassCounts:
        """The counts of all seeds together."""
        return functools.reduce(operator.add, self.counts)


Read = Callable[[str], Correctness]  # the answers of a run, by its run key


def read_answers(run_key: str) -> Correctness:
    """Which test images one run classified right: `correct` is (1, images); and which of those that it held back.

    Raises:
        EyechartError: its table is missing or cannot be read.
    """
    path = Run(run_key).file("predictions.parquet")
    part, columns, classes = _columns(path)
    index, label, prediction, *group = (column[part == "test"] for column in columns)
    if not len(index):
        raise EyechartError(f"{path} has no rows of the part 'test'")
    order = np.argsort(index, kind="stable")
    smallest = np.min_scalar_type(classes - 1)
    labels, predictions = label[order].astype(smallest), prediction[None, order].astype(smallest)
    groups = group[0][order] if group else None
    return Correctness(
        images=_identity(index[order], label[order], groups),
        correct=predictions == labels,
        labels=labels,
        predictions=predictions,
        counts=(ClassCounts.of(label, prediction, classes),),
        run_key=run_key,
        held_back=_held_back(*(column[part == "validation"] for column in columns[:3])),
        groups=groups,
    )


def _columns(path: Path) -> tuple[NDArray[np.object_], list[NDArray[Any]], int]:
    """Of a predictions table the parts; positions, labels, predictions and any groups; and the number of classes."""
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        names = [*COLUMNS, GROUP] if GROUP in file.schema_arrow.names else COLUMNS
        table, classes = file.read(columns=names), len(file.schema_arrow.names) - len(names)
        part, *columns = (table.column(name).to_numpy() for name in names)
        if any(len(given) and not 0 <= given.min() <= given.max() < classes for given in columns[1:3]):
            raise ValueError(f"classes beyond its {classes}")
    except (OSError, KeyError, ValueError, pyarrow.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise EyechartError(
            f"{path} is not a predictions table ({reason}): move the run's folder away and train the run again"
        ) from None
    return part, columns, classes


def _held_back(index: NDArray[np.int64], label: NDArray[np.int32], prediction: NDArray[np.int32]) -> HeldBack | None:
    if not len(index):
        return None
    order = np.argsort(index, kind="stable")
    index, label, prediction = index[order], label[order], prediction[order]
    return HeldBack(_identity(index, label), index, prediction == label)


def _identity(index: NDArray[np.int64], label: NDArray[np.int32], group: NDArray[np.int64] | None = None) -> str:
    """A SHA-256 of the positions (n,), labels (n,) and any groups (n,) of images."""
    columns = (index, label) if group is None else (index, label, group)
    return hashlib.sha256(b"".join(column.astype(np.int64).tobytes() for column in columns)).hexdigest()


def correctness(run_keys: Sequence[str], read: Read = read_answers) -> Correctness:
    """Which test images the runs of one row classified right, by the answers that `read` gives of each.

    Raises:
        EyechartError: a table is missing or cannot be read, or the runs were not tested on the same images.
    """
    found = []
    for key in run_keys:
        found.append(read(key))
        if found[-1].images != found[0].images:
            raise EyechartError(f"the runs {run_keys[0]} and {key} were not tested on the same images")
    return Correctness(
        images=found[0].images,
        correct=np.concatenate([each.correct for each in found]),
        labels=found[0].labels,
        predictions=np.concatenate([each.predictions for each in found]),
        counts=tuple(count for each in found for count in each.counts),
        run_key=run_keys[0],
        groups=found[0].groups,
    )
