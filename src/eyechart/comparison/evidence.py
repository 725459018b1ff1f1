"""What the test images say of the rows of a board: error bars, and which rows cannot be told apart from the best.

Read from the predictions tables that the runs left, never from a model.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyechart.comparison.groups import Board
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.evaluation.significance import Difference, Estimate, estimate, indistinguishable

COLUMNS = ["part", "index", "label", "prediction"]  # a tenth of a table: its probabilities are not asked for


@dataclass(frozen=True, eq=False)  # the same files give the same object, by which what follows is kept
class Correctness:
    """Which test images the runs of one row classified right.

    Attributes:
        images: a SHA-256 of the images' positions and labels: answers to the same images can be compared.
        correct: bool (seeds, images), the images in ascending order of their positions.
    """

    images: str
    correct: NDArray[np.bool_]


@dataclass(frozen=True)
class Evidence:
    """What is known of a board beyond the scores that its runs wrote down.

    Attributes:
        estimates: per row its test accuracy with the 95% interval; None where it is not known.
        same: per row whether it cannot be told apart from the first; None if the rows were not compared.
        differences: per row the first minus it, its p-value corrected for all pairs; empty where `same` is None.
        problem: one line on why something is not known; empty if all is.
    """

    estimates: list[Estimate | None]
    same: list[bool] | None = None
    differences: Sequence[Difference] = ()
    problem: str = ""


def weigh(board: Board) -> Evidence:
    """Compare the rows of a board with its first. What is missing or does not fit is told, and the rest still said."""
    found: list[Correctness | None] = []
    problems = []
    for label, keys in zip(board.rows["run"], board.rows["run_keys"], strict=True):
        try:
            found.append(correctness(keys))
        except EyechartError as error:
            found.append(None)
            problems.append(f"{label}: {error}")
    estimates = [None if each is None else estimate(each.correct) for each in found]
    known = [each for each in found if each is not None]
    if not problems and len(known) > 1:
        labels = list(board.rows["run"])
        problems += [
            f"{label} was not tested on the images of {labels[0]}"
            for label, each in zip(labels, known, strict=True)
            if each.images != known[0].images
        ]
        if not problems:
            return Evidence(estimates, *_compared(tuple(known)))
    if not problems:  # a board of one row
        return Evidence(estimates)
    lost = "the rows are not compared" if len(found) > 1 else "no interval"
    more = f" (and the like of {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Evidence(estimates, problem=f"{lost}: {problems[0]}{more}")


def correctness(run_keys: Sequence[str]) -> Correctness:
    """The answers of the runs of one row.

    Raises:
        EyechartError: a table is missing or cannot be read, or the runs were not tested on the same images.
    """
    found = []
    for key in run_keys:
        path = paths.runs() / key / "artifacts" / "predictions.parquet"
        try:
            found.append(_read(path, path.stat().st_mtime_ns))
        except FileNotFoundError:
            raise EyechartError(
                f"there is no {path}: to have it again, move the run's folder away and train the run again"
            ) from None
        if found[-1].images != found[0].images:
            raise EyechartError(f"the runs {run_keys[0]} and {key} were not tested on the same images")
    return _joined(tuple(found))


# a sweep writes its board, and then shows it: nothing is read or computed twice
@functools.lru_cache(maxsize=16)
def _compared(rows: tuple[Correctness, ...]) -> tuple[list[bool], list[Difference]]:
    return indistinguishable([each.correct for each in rows], 0)


@functools.lru_cache(maxsize=4096)
def _joined(runs: tuple[Correctness, ...]) -> Correctness:
    return Correctness(runs[0].images, np.concatenate([each.correct for each in runs]))


@functools.lru_cache(maxsize=4096)
def _read(path: Path, changed: int) -> Correctness:
    """The answers of one run: `correct` is (1, images)."""
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(path).read(columns=COLUMNS)
        part, *columns = (table.column(name).to_numpy() for name in COLUMNS)
    except (OSError, KeyError, ValueError, pyarrow.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise EyechartError(
            f"{path} is not a predictions table ({reason}): move the run's folder away and train the run again"
        ) from None
    index, label, prediction = (column[part == "test"] for column in columns)
    if not len(index):
        raise EyechartError(f"{path} has no rows of the part 'test'")
    order = np.argsort(index, kind="stable")
    images = np.stack([index, label])[:, order].astype(np.int64)
    return Correctness(hashlib.sha256(images.tobytes()).hexdigest(), (prediction == label)[None, order])
