"""Which images the runs of a board held back to choose by: scores on different images are not ranked as if on the same.

Where rows, or runs, held back different images, they are ranked by their answers to those that all of them held back,
if these are at least half of what the one with the fewest has. Else none is chosen. Rows that were trained on the same
folds, as in a cross-validation, are ranked by the means over these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyechart.core.errors import EyechartError
from eyechart.core.words import counted
from eyechart.evaluation.scores import NAMED

FOLD = "trainer.split_seed"
SETTINGS = ("trainer.validation_fraction", FOLD, "training_version")  # that decide, of one data set, what is held back
ENOUGH = 0.5  # so much of what the row with the fewest held back has to be common to all
WHAT_TO_TYPE = (
    f"to have a best row, type the same trainer.validation_fraction for all rows, and the same {FOLD}, or the same "
    f"several of them, as '{FOLD}=range(5)'"
)


@dataclass(frozen=True, eq=False)
class HeldBack:
    """The answers of one run to the images that it held back.

    Attributes:
        images: a SHA-256 of their positions and labels.
        index: int64 (images,), their positions in the training set, ascending.
        correct: bool (images,).
    """

    images: str
    index: NDArray[np.int64]
    correct: NDArray[np.bool_]


@dataclass(frozen=True)
class Ground:
    """What rows, or runs, may be ranked by.

    Attributes:
        scores: of each its accuracy on the images that all held back; None: what their journals say can be ranked.
        images: how many these are.
        reason: why nothing may choose; empty if something may.
        different: whether that is because they held back different images.
    """

    scores: tuple[float, ...] | None = None
    images: int = 0
    reason: str = ""
    different: bool = False


@dataclass(frozen=True)
class Folds:
    """What the runs of one board held back.

    Attributes:
        images: by run key, what its images are known by: equal where they are the same.
        answers: by run key; of a run whose predictions are not there, none.
        unread: the run keys of those.
    """

    images: Mapping[str, str]
    answers: Mapping[str, HeldBack] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    @classmethod
    def of(cls, runs: Iterable[Mapping[str, Any]], read: Callable[[str], HeldBack | None]) -> Folds:
        """Read what the runs of a board held back.

        Args:
            runs: rows of a table of results, of one data digest and limit.
            read: from a run key to its answers; None or EyechartError where they are not known.
        """
        images, answers, unread = {}, {}, {}
        by_settings: dict[str, str] = {}
        for run in runs:
            key, settings = run["run_key"], _settings(run)
            if not isinstance(run["monitor"], str):
                images[key] = "none"
                continue
            found = _try(read, key)
            if found is None:
                unread[key] = settings
            else:
                answers[key], images[key] = found, found.images
                by_settings.setdefault(settings, found.images)
        images |= {key: by_settings.get(settings, settings) for key, settings in unread.items()}
        return cls(images, answers, tuple(unread))

    def ground(self, rows: Sequence[Sequence[str]]) -> Ground:
        """What rows may be ranked by, each given by the run keys of its runs."""
        if self.balanced(rows):
            return Ground()
        if self.unread:
            return Ground(reason="it is not known which images all rows held back", different=True)
        every = [[self.answers[key] for key in keys] for keys in rows]
        held = [_together(answers) for answers in every]
        common = held[0]
        for one in held[1:]:
            common = np.intersect1d(common, one, assume_unique=True)
        fewest = min(map(len, held))
        if len(common) < ENOUGH * fewest or not len(common):
            these = f"{len(common):,} of at least {fewest:,}" if len(common) else "none"
            return Ground(reason=f"different images were held back ({these} by all)", different=True)
        return Ground(tuple(_score(answers, common) for answers in every), len(common))

    def balanced(self, rows: Sequence[Sequence[str]]) -> bool:
        """Whether all rows, each given by its run keys, have the same folds, and each of them equally often."""
        counts = [Counter(self.images[key] for key in keys) for keys in rows]
        return len({frozenset(count) for count in counts}) < 2 and all(len(set(one.values())) < 2 for one in counts)

    def remark(self) -> str:
        """What is not known of them, in one line; empty if all is."""
        if not self.unread:
            return ""
        named = ", ".join(self.unread[:NAMED]) + (", ..." if len(self.unread) > NAMED else "")
        return (
            f"which images were held back is not known of {counted(len(self.unread), 'run')} without predictions "
            f"({named}), and taken from the settings"
        )


def _try(read: Callable[[str], HeldBack | None], key: str) -> HeldBack | None:
    try:
        return read(key)
    except EyechartError:  # the board says so where it tells of the test images
        return None


def _settings(run: Mapping[str, Any]) -> str:
    values = [run.get(name) for name in SETTINGS]
    return "as chosen: " + ", ".join("" if value is None or value != value else f"{value}" for value in values)


def _together(answers: Sequence[HeldBack]) -> NDArray[np.int64]:
    """The images that at least one of the runs held back, ascending."""
    folds = {one.images: one.index for one in answers}
    return np.unique(np.concatenate(list(folds.values())))


def _score(answers: Sequence[HeldBack], common: NDArray[np.int64]) -> float:
    """The mean over these images of the share of right answers among the runs that held the image back."""
    right, asked = np.zeros(len(common)), np.zeros(len(common))
    for one in answers:
        at = np.searchsorted(common, one.index)
        at[at == len(common)] = 0
        among = common[at] == one.index
        right[at[among]] += one.correct[among]
        asked[at[among]] += 1
    return float((right / asked).mean())
