"""From probabilities at every pixel to a list of what lies where, and how much of it is right."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST = 0.5  # the probability of the least certain detection
THRESHOLDS = (0.5, 0.7, 0.9, 0.95, 0.99)
NEAR = 0.35  # of the window: a detection this close to a place is of what lies there


@dataclass(frozen=True)
class Detection:
    """One window that the network is sure of.

    Attributes:
        label: the class.
        probability: of that class.
        top: first row of the window.
        left: first column.
    """

    label: int
    probability: float
    top: int
    left: int


@dataclass(frozen=True)
class Score:
    """How much of what was detected is right, from a probability on.

    Attributes:
        threshold: the probability.
        detected: how many detections there are.
        right: how many of them lie near a place and are of the class that lies there; one for each place.
        known: how many places there are.
        distance: between the right ones' centres and those of their places, mean in pixels; None: none is right.
    """

    threshold: float
    detected: int
    right: int
    known: int
    distance: float | None

    @property
    def precision(self) -> float | None:
        """The share of right detections; None: nothing was detected."""
        return self.right / self.detected if self.detected else None

    @property
    def recall(self) -> float:
        """The share of places that were detected."""
        return self.right / self.known


def detect(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    window: tuple[int, int],
    ignored: int | None = None,
) -> list[Detection]:
    """The windows that the network is surest of and that do not overlap, from the surest on.

    Of windows that overlap only the surest is kept (non-maximum suppression), of equally sure ones the first by rows.
    A network that was never shown a piece of a digit is sure of some windows beside one too; most of them overlap the
    digit's own, which it is surer of.

    Args:
        probabilities: of the most probable class at every pixel (rows, columns).
        labels: that class, likewise.
        window: height and width.
        ignored: a class that stands for nothing; None: there is none.
    """
    left_over = probabilities.astype(np.float32)
    if ignored is not None:
        left_over[labels == ignored] = 0
    columns = left_over.shape[1]
    height, width = window
    # of each block of a window's size its best place: first what it holds, later no less than what it holds
    blocks: list[tuple[float, int]] = []

    def enter(top: int, left: int) -> None:
        block = left_over[top : top + height, left : left + width]
        row, column = divmod(int(block.argmax()), block.shape[1])
        if block[row, column] >= LEAST:
            heapq.heappush(blocks, (-float(block[row, column]), (top + row) * columns + left + column))

    for top in range(0, left_over.shape[0], height):
        for left in range(0, columns, width):
            enter(top, left)
    found: list[Detection] = []
    while blocks:
        least, place = heapq.heappop(blocks)
        top, left = divmod(place, columns)
        if left_over[top, left] == 0:  # it overlaps what was found meanwhile
            enter(top // height * height, left // width * width)
            continue
        found.append(Detection(int(labels[top, left]), -least, top, left))
        # with it goes the whole of its block
        left_over[max(0, top - height + 1) : top + height, max(0, left - width + 1) : left + width] = 0
    return found


def score_detections(
    detections: Sequence[Detection],
    labels: Sequence[int],
    places: Sequence[tuple[int, int]],
    window: tuple[int, int],
    threshold: float,
) -> Score:
    """Compare the detections from a probability on with what is known.

    Args:
        detections: as `detect` gives them: no two are near the same place.
        labels: the class of what lies at each place.
        places: first rows and columns.
        window: height and width.
        threshold: the probability.
    """
    sure = [detection for detection in detections if detection.probability >= threshold]
    distances = [
        min(_distance(sure[number], place) for number in numbers)
        for numbers, place in zip(right_ones(sure, labels, places, window), places, strict=True)
        if numbers
    ]
    mean = float(np.mean(distances)) if distances else None
    return Score(threshold, len(sure), len(distances), len(places), mean)


def right_ones(
    detections: Sequence[Detection],
    labels: Sequence[int],
    places: Sequence[tuple[int, int]],
    window: tuple[int, int],
) -> list[list[int]]:
    """Of each place the detections, by number, that are right: of its class, and at most `NEAR` of the window off."""
    tops, lefts, classes = (
        np.array([getattr(detection, name) for detection in detections], int) for name in ("top", "left", "label")
    )
    found = []
    for label, (top, left) in zip(labels, places, strict=True):
        near = np.hypot(tops - top, lefts - left) <= NEAR * min(window)
        found.append(np.flatnonzero(near & (classes == label)).tolist())
    return found


def _distance(detection: Detection, place: tuple[int, int]) -> float:
    return float(np.hypot(detection.top - place[0], detection.left - place[1]))
