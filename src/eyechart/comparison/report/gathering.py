"""What the runs of a board left, gathered for its report: answers to the test images and learning curves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.comparison.groups import Board, as_dicts
from eyechart.core.errors import EyechartError
from eyechart.evaluation import predictions
from eyechart.evaluation.history import read_history
from eyechart.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 24  # of a board are looked at image by image: more are not read by people, and fill memory


@dataclass(frozen=True, eq=False)
class RunAnswers:
    """What one run answered to the test images.

    Attributes:
        prediction: int32 (images,).
        confidence: float32 (images,), the probability of the prediction.
        given: float32 (images,), the probability of the true class.
    """

    prediction: NDArray[np.int32]
    confidence: NDArray[np.float32]
    given: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class BoardRun:
    """One run of a row.

    Attributes:
        key: its run key.
        row: the position of its row on the board.
        seed: as in its configuration.
        best_epoch: whose weights answered; None where its journal does not say.
        answers: None where its table is missing or broken.
        history: a row per epoch; None where it is missing or broken.
    """

    key: str
    row: int
    seed: int
    best_epoch: float | None
    answers: RunAnswers | None
    history: pd.DataFrame | None


@dataclass(eq=False)
class Gathered:
    """Of all runs of a board's first rows.

    Attributes:
        runs: in the order of the board.
        index: int64 (images,), positions in the data set's test part, ascending.
        labels: int32 (images,).
        votes: by a row's position, the probabilities of each class summed over its runs: float32 (images, classes).
        problems: what could not be read or does not fit, one line each.
        left_out: how many rows of the board are beyond the first.
    """

    runs: list[BoardRun] = field(default_factory=list)
    index: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    labels: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    votes: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    left_out: int = 0

    @property
    def rows(self) -> list[int]:
        """The positions of the rows whose answers are known, at least of one run."""
        return sorted(self.votes)

    @property
    def classes(self) -> int:
        """How many there are."""
        return int(next(iter(self.votes.values())).shape[1])

    def answers(self, row: int | None = None) -> list[RunAnswers]:
        """The known answers of the runs of a row; of all runs where none is named."""
        return [run.answers for run in self.runs if run.answers is not None and row in (None, run.row)]

    def predictions(self, row: int | None = None) -> NDArray[np.int32]:
        """Of the same: int32 (runs, images)."""
        return np.stack([each.prediction for each in self.answers(row)])


def gather(board: Board) -> Gathered:
    """Read what the runs of a board's first rows left. What cannot be read is told, and the rest kept."""
    found = Gathered(left_out=max(len(board.rows) - MOST_ROWS, 0))
    seeds = {run["run_key"]: run for run in as_dicts(board.runs)}
    for row, line in enumerate(as_dicts(board.rows)[:MOST_ROWS]):
        for key in line["run_keys"]:
            seed, best = seeds[key].get("seed"), seeds[key].get("best_epoch")
            name = f"{line['run']}, seed {seed}"
            known = best is not None and best == best
            found.runs.append(
                BoardRun(
                    key=key,
                    row=row,
                    seed=int(seed or 0),
                    best_epoch=float(best) if known and best is not None else None,
                    answers=_try_answers(found, name, row, key),
                    history=_history(found, name, key),
                )
            )
    return found


def class_names(board: Board, classes: int) -> tuple[str, ...]:
    """The names of the classes as a run noted them, for where the data set is not there; else their numbers."""
    for key in board.runs["run_key"]:
        try:
            names = Run(key).read_json("per_class.json", "class")["class"]
        except EyechartError:
            continue
        if isinstance(names, list) and len(names) == classes:
            return tuple(map(str, names))
    return tuple(f"class {number}" for number in range(classes))


def _try_answers(found: Gathered, name: str, row: int, key: str) -> RunAnswers | None:
    try:
        return _answers(found, row, key)
    except EyechartError as error:
        found.problems.append(f"{name}, is left out of what needs its predictions: {error}")
        return None


def _answers(found: Gathered, row: int, key: str) -> RunAnswers:
    test = predictions.part_of(predictions.read(Run(key).file("predictions.parquet")), "test")
    test = test.sort_values("index", kind="stable")
    index, labels = test["index"].to_numpy(), test["label"].to_numpy()
    given = np.nan_to_num(predictions.probabilities(test))  # a network that diverged says no number
    if not found.votes:
        found.index, found.labels = index, labels
    elif given.shape[1] != found.classes or not (
        np.array_equal(index, found.index) and np.array_equal(labels, found.labels)
    ):
        raise EyechartError("it was not tested on the images of the runs before it, and cannot be compared with them")
    found.votes[row] = found.votes[row] + given if row in found.votes else given
    images, prediction = np.arange(len(labels)), test["prediction"].to_numpy()
    return RunAnswers(prediction, given[images, prediction], given[images, labels])


def _history(found: Gathered, name: str, key: str) -> pd.DataFrame | None:
    try:
        history = read_history(Run(key).file("history.csv"))
    except EyechartError as error:
        found.problems.append(f"{name}, has no learning curves: {error}")
        return None
    numbers = history.select_dtypes("number")
    wanted = [column for column in map(str, numbers) if column == "epoch" or "/" in column]
    return numbers[wanted].astype(float).drop_duplicates("epoch")
