"""From the answers of many networks to numbers. Pure functions on arrays.

Networks (R) answered the same images (N) of K classes: `labels` (N,), `predictions` (R, N), both integers 0..K-1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.integer]
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Potential:
    """By how much accuracy could be raised, all as shares of the images, 0 to 1.

    Attributes:
        any_right: at least one network is right. Whoever knew which one to trust would reach it: nobody does.
        none_right: no network is right.
        best_vote: right is the class with the highest mean probability over the networks of the best row.
        vote: likewise over all networks.
    """

    any_right: float
    none_right: float
    best_vote: float
    vote: float


def confusion(labels: Integers, predictions: Integers, classes: int) -> NDArray[np.int64]:
    """How often images of each class (row) were given each class (column), summed over networks: int64 (K, K)."""
    cells = labels.astype(np.int64) * classes + predictions
    counts: NDArray[np.int64] = np.bincount(cells.ravel(), minlength=classes * classes).reshape(classes, classes)
    return counts


def majority(predictions: Integers, votes: Floats) -> NDArray[np.int64]:
    """The commonest answer to each image: int64 (N,).

    Args:
        predictions: (R, N).
        votes: (N, K), probabilities summed over the networks: of equally common answers the most probable is taken.
    """
    images, classes = votes.shape
    cells = np.arange(images) * classes + predictions
    counts = np.bincount(cells.ravel(), minlength=images * classes).reshape(images, classes)
    answers: NDArray[np.int64] = (counts + votes / (2 * len(predictions))).argmax(axis=1)
    return answers


def hardest(labels: Integers, predictions: Integers, given: Floats, count: int) -> NDArray[np.int64]:
    """The images that most networks miss, as positions.

    Args:
        labels: (N,).
        predictions: (R, N).
        given: (N,), the mean probability of the true class: of images that equally many miss, the least comes first.
        count: at most so many. Images that no network misses are left out.
    """
    missed = (predictions != labels).sum(axis=0)
    order: NDArray[np.int64] = np.lexsort((given, -missed))[:count]
    some: NDArray[np.int64] = order[missed[order] > 0]
    return some


def wrong_answers(label: int, answers: Integers) -> list[tuple[int, int]]:
    """What networks took one image for: wrong classes with their counts, the commonest first."""
    classes, counts = np.unique(answers[answers != label], return_counts=True)
    return sorted(zip(classes.tolist(), counts.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))


def confused_pairs(counts: NDArray[np.number], limit: int) -> list[tuple[int, int, float]]:
    """The pairs of classes that are taken for each other most: `(a, b, count in both directions)`, a < b."""
    both = np.triu(counts + counts.T, 1)
    order = np.argsort(-both, axis=None, kind="stable")[:limit]
    pairs = [divmod(int(cell), len(counts)) for cell in order]
    return [(a, b, float(both[a, b])) for a, b in pairs if both[a, b] > 0]


def potential(labels: Integers, predictions: Integers, best_vote: Floats, vote: Floats) -> Potential:
    """By how much accuracy could be raised.

    Args:
        labels: (N,).
        predictions: (R, N).
        best_vote: (N, K), probabilities summed over the networks of the best row.
        vote: (N, K), likewise over all networks.
    """
    reached = float((predictions == labels).any(axis=0).mean())
    voted = [float((votes.argmax(axis=1) == labels).mean()) for votes in (best_vote, vote)]
    return Potential(reached, 1 - reached, *voted)


def pareto(costs: Sequence[float], scores: Sequence[float]) -> list[int]:
    """The positions that no other beats: none costs as little or less and scores as high or higher, one of them truly.

    They are in the order of costs. A position without a cost or score (NaN) is never among them.
    """
    known = [i for i, pair in enumerate(zip(costs, scores, strict=True)) if np.isfinite(pair).all()]
    front: list[int] = []
    for i in sorted(known, key=lambda i: (costs[i], -scores[i])):
        if not front or scores[i] > scores[front[-1]] or (costs[i], scores[i]) == (costs[front[-1]], scores[front[-1]]):
            front.append(i)
    return front


def greatest_difference(labels: Integers, a: Integers, b: Integers, classes: int) -> tuple[int, int]:
    """The mistake, as true class and answer, by which most images tell two rows apart: one makes it, the other not."""
    counts = np.zeros(classes * classes, dtype=np.int64)
    for one, other in ((a, b), (b, a)):
        telling = (one != labels) & (one != other)
        cells = labels[telling].astype(np.int64) * classes + one[telling]
        counts += np.bincount(cells, minlength=len(counts))
    true, answer = divmod(int(counts.argmax()), classes)
    return true, answer


def most_telling(labels: Integers, answers: Integers, classes: int) -> NDArray[np.int64]:
    """Images as positions, those first that show best how rows differ; those that no row misses are left out.

    First come the images of the greatest difference between the first two rows. Then every kind of mistake of every
    row has its turn, beginning with images on which few rows agree; and before a turn of all rows comes one of the
    first two.

    Args:
        labels: (N,).
        answers: (rows, N), one answer per row.
        classes: K.
    """
    images = len(labels)
    turn = np.full(images, 2 * images, dtype=np.int64)
    agreeing = (answers[:, None, :] == answers[None, :, :]).sum(axis=1)
    for row, answer in enumerate(answers):
        wrong = np.flatnonzero(answer != labels)
        turns = 2 * _turns(labels[wrong], answer[wrong], agreeing[row, wrong])
        turn[wrong] = np.minimum(turn[wrong], turns + (row > 1))
    if len(answers) > 1:
        true, given = greatest_difference(labels, answers[0], answers[1], classes)
        telling = (answers[0] != answers[1]) & (labels == true) & (answers[:2] == given).any(axis=0)
        turn[telling] = -1
    order = np.argsort(turn, kind="stable")
    found: NDArray[np.int64] = order[turn[order] < 2 * images]
    return found


def _turns(labels: Integers, answers: Integers, by: NDArray[np.number]) -> NDArray[np.int64]:
    """For each image its number, from 0, among those of its label and answer, in the order of `by`."""
    order = np.lexsort((by, answers, labels))
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (np.diff(labels[order]) != 0) | (np.diff(answers[order]) != 0)
    start = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
    turns = np.empty(len(order), dtype=np.int64)
    turns[order] = np.arange(len(order)) - start
    return turns
