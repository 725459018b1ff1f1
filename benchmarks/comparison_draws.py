"""Simulated boards whose truth is known, reduced to the statistics of their rows: what comparisons.py measures with.

A network is right about an image with a chance whose logit is `discrimination * (ability + ease + own)`, as in item
response models: the ease and the discrimination are the image's, the same for every row, `own` is what suits one row
about this image, and the ability is that of the seed. What is left is the chance of this one answer. Abilities are set
on the scale of accuracies: a seed's expected accuracy is drawn, and the ability that has it is looked up in a table, so
that the accuracy to expect of a row is known whatever the law of its seeds. It is solved to 1e-5.

tests/evaluation/test_significance.py has another generator (probit, normal seeds); no method was chosen with this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.stats import qmc

Floats = NDArray[Any]
CHANCE = 0.1  # the expected accuracy of a seed that has collapsed: ten classes


@dataclass(frozen=True)
class Answers:
    """How images differ: the law of their ease and its scale, what suits one row alone, and log discrimination."""

    ease: str = "logistic"
    scale: float = 1.5
    own: float = 0.5
    discrimination: float = 0.0


ANSWERS = {
    "logistic": Answers(),
    "heavy tails": Answers("t3", 2.0, 1.0),
    "beta": Answers("beta", 1.0, 0.5),  # chances of Beta(0.5, 0.5) at ability 0: most images are easy or hopeless
    "2PL": Answers("normal", 1.5, 0.5, discrimination=0.5),
    "rows differ": Answers("logistic", 1.0, 2.5),  # each row has images of its own that it is wrong about
    "seeds agree": Answers("logistic", 8.0, 4.0),  # all seeds of a row are wrong about the same images
    "seeds disagree": Answers("logistic", 0.5, 0.1),  # each seed is wrong about others
}


def _lognormal(z: Floats) -> Floats:
    """Standard normal to a standardized lognormal of sigma 0.75."""
    variance = 0.75**2
    return (np.exp(0.75 * z) - np.exp(variance / 2)) / np.sqrt((np.exp(variance) - 1) * np.exp(variance))


# seeds: from a uniform variable to one of mean 0 and standard deviation 1
SEEDS = {
    "normal": special.ndtri,
    "t3": lambda u: special.stdtrit(3, u) / 3**0.5,
    "failures": lambda u: 1 + np.log(u),  # exponential, the long tail below
    "gains": lambda u: -1 - np.log(u),  # the long tail above
    "lognormal": lambda u: -_lognormal(special.ndtri(u)),  # the long tail below
    "two basins": lambda u: np.where(u < 0.2, -2.0, 0.5),  # one seed in five ends in a worse minimum
}
EASES = {
    "normal": special.ndtri,
    "logistic": special.logit,
    "t3": lambda u: special.stdtrit(3, u),
    "beta": lambda u: special.logit(np.clip(special.betaincinv(0.5, 0.5, u), 1e-12, 1 - 1e-12)),
}


@dataclass(frozen=True)
class Cell:
    """A kind of board. A field with one value per row gives one for all where it is a single number.

    Rows are equal in truth where their accuracies are, however their seeds differ. `accuracy` is that of seeds that
    have not collapsed; `collapsed` seeds, at places drawn anew for each board, are near chance.
    """

    name: str
    rows: int = 2
    seeds: int | tuple[int, ...] = 5
    images: int = 1000
    accuracy: float | tuple[float, ...] = 0.9
    spread: float | tuple[float, ...] = 0.01  # standard deviation over seeds of the expected accuracy
    law: str = "normal"
    answers: str = "logistic"
    validation: int = 500  # images on which the first row is chosen; 0: it is chosen by the test images themselves
    collapsed: int = 0
    collapsing: float = 0.0  # the chance of each seed to collapse
    families: int = 0  # rows of one family share four fifths of the variance of what suits them
    groups: int = 0
    unequal_groups: bool = False
    group_effect: float = 1.0  # scale of what the images of a group share: half of its square is the row's own
    classes: tuple[float, ...] = ()  # the shares of the classes, held fixed
    score: str = "accuracy"  # or, of classes, a name in eyechart.evaluation.weighted
    exempt: bool = False

    @property
    def each_seeds(self) -> NDArray[np.int64]:
        return np.broadcast_to(np.asarray(self.seeds), (self.rows,))

    @property
    def truth(self) -> Floats:
        """The accuracy to expect of new seeds and new images, (rows,)."""
        accuracy = np.broadcast_to(np.asarray(self.accuracy, np.float64), (self.rows,))
        share = self.collapsing + self.collapsed / self.each_seeds.sum()
        return (1 - share) * accuracy + share * CHANCE

    @cached_property
    def sizes(self) -> dict[str, NDArray[np.int64]]:
        """`group_sizes`, `val_group_sizes` and `class_sizes`: how many images each has."""
        found = {"class_sizes": labels_of(self, self.images)} if self.classes else {}
        if self.groups:
            found |= {"group_sizes": groups_of(self, self.images), "val_group_sizes": groups_of(self, self.validation)}
        return {name: np.unique(numbers, return_counts=True)[1] for name, numbers in found.items()}


def draw(cell: Cell, repetitions: int, seed: int) -> Iterator[dict[str, Floats]]:
    """The statistics of so many boards, as `statistics` names them; those of validation images begin with `val_`."""
    rng = np.random.Generator(np.random.SFC64([seed, *cell.name.encode()]))
    for _ in range(repetitions):
        accuracies = _expected(cell, rng)
        test = statistics(cell, *_answers(cell, rng, accuracies, cell.images))
        if cell.validation and cell.rows > 2:
            of_validation = statistics(cell, *_answers(cell, rng, accuracies, cell.validation))
            test |= {f"val_{name}": value for name, value in of_validation.items()}
        yield test


def statistics(
    cell: Cell, values: Floats, labels: NDArray[Any] | None = None, groups: NDArray[Any] | None = None
) -> dict[str, Floats]:
    """What is known of the rows of one board, without its images. k rows have T seeds in all.

    scores     (T,) of each seed, row by row
    means      (k,) the mean of a row's scores
    variances  (k,) their variance, ddof 1; 0 with one seed
    residuals  (k,) the mean over images of the variance over seeds of single answers, divided by the images
    products   (k, k) the mean over images of share * share, a share being the mean over a row's seeds of one image
    group_sums (groups, k) of the shares; group_residuals (k,) as residuals, of the sums of each group's answers
    strata_means (classes, k), strata_products (classes, k, k) within the classes of the images

    Args:
        values: bool or float (T, images).
        labels: (images,), where classes are strata.
        groups: (images,), sorted, where images come in groups.
    """
    seeds, count = cell.each_seeds, values.shape[1]
    starts = np.append(0, np.cumsum(seeds)[:-1])
    kind = np.float32 if values.dtype == np.bool_ else np.float64  # sums and products of counts below 2**24 are exact
    totals = np.add.reduceat(values, starts, axis=0, dtype=kind)
    scores = values.mean(axis=1, dtype=np.float64)
    shares = totals.astype(np.float64) / seeds[:, None] if labels is not None or groups is not None else None
    means, others = np.add.reduceat(scores, starts) / seeds, np.maximum(seeds - 1, 1)
    products = (totals @ totals.T).astype(np.float64) / count / np.outer(seeds, seeds)
    squares = means if kind == np.float32 else np.add.reduceat((values**2).mean(axis=1), starts) / seeds
    found = {
        "scores": scores,
        "means": means,
        "variances": np.add.reduceat((scores - np.repeat(means, seeds)) ** 2, starts) / others,
        "residuals": np.where(seeds > 1, (squares - products.diagonal()) * seeds / others / count, 0.0),
        "products": products,
    }
    if groups is not None and shares is not None:
        bounds = np.flatnonzero(np.append(True, np.diff(groups) > 0))
        sums = np.add.reduceat(values, bounds, axis=1, dtype=np.float64)  # (T, groups)
        centred = sums - np.repeat(np.add.reduceat(sums, starts, axis=0) / seeds[:, None], seeds, axis=0)
        found["group_residuals"] = (np.add.reduceat(centred**2, starts, axis=0) / others[:, None]).sum(1) / count**2
        found["group_sums"] = np.add.reduceat(shares, bounds, axis=1).T
    if labels is not None and shares is not None:
        parts = [shares[:, labels == one] for one in np.unique(labels)]
        found["strata_means"] = np.stack([part.mean(axis=1) for part in parts])
        found["strata_products"] = np.stack([part @ part.T / part.shape[1] for part in parts])
    return found


def labels_of(cell: Cell, images: int) -> NDArray[np.int64]:
    """The classes of the images, in their order."""
    ends = np.round(np.cumsum(cell.classes) * images).astype(int)
    return np.searchsorted(ends, np.arange(images), side="right")


def groups_of(cell: Cell, images: int) -> NDArray[np.int64]:
    """The groups of the images, in their order; of unequal ones the n-th has n times the share of the first."""
    sizes = np.arange(1, cell.groups + 1) if cell.unequal_groups else np.ones(cell.groups)
    return np.searchsorted(np.round(np.cumsum(sizes) / sizes.sum() * images), np.arange(images), side="right")


def _expected(cell: Cell, rng: np.random.Generator) -> Floats:
    """For each seed of a new board the accuracy to expect of it on new images, (T,)."""
    seeds = cell.each_seeds
    spread = np.broadcast_to(np.asarray(cell.spread, np.float64), (cell.rows,))
    accuracy = np.broadcast_to(np.asarray(cell.accuracy, np.float64), (cell.rows,))
    levels = [_level(float(a), float(s), cell.law) for a, s in zip(accuracy, spread, strict=True)]
    expected = np.repeat(levels, seeds) + np.repeat(spread, seeds) * SEEDS[cell.law](rng.random(seeds.sum()))
    expected = np.clip(expected, 1e-6, 1 - 1e-6)
    expected[rng.permutation(len(expected))[: cell.collapsed]] = CHANCE
    return np.where(rng.random(len(expected)) < cell.collapsing, CHANCE, expected) if cell.collapsing else expected


@cache
def _level(accuracy: float, spread: float, law: str) -> float:
    """Where seeds have to be centred so that their mean is the accuracy, though none can be above 1."""
    from scipy.optimize import brentq

    offsets = spread * SEEDS[law]((np.arange(100_000) + 0.5) / 100_000)

    def error(level: float) -> float:
        return float(np.clip(level + offsets, 1e-6, 1 - 1e-6).mean() - accuracy)

    return float(brentq(error, accuracy - 0.1, accuracy + 0.1, xtol=1e-9))


def answers_of(cell: Cell, rng: np.random.Generator, accuracies: Floats, images: int) -> NDArray[np.bool_]:
    """Answers of networks with these expected accuracies, row by row, to new images: bool (T, images)."""
    return _answers(replace(cell, classes=()), rng, accuracies, images)[0]


def _answers(
    cell: Cell, rng: np.random.Generator, accuracies: Floats, images: int
) -> tuple[Floats, NDArray[Any] | None, NDArray[Any] | None]:
    """Answers of the networks to new images, (T, images), or values whose mean is the score; labels; groups."""
    answers, of_row = ANSWERS[cell.answers], np.repeat(np.arange(cell.rows), cell.each_seeds)
    ease = EASES[answers.ease](rng.random(images)) * answers.scale
    suits = rng.standard_normal((cell.rows, images), dtype=np.float32)
    if cell.families:
        shared = rng.standard_normal((cell.families, images), dtype=np.float32)
        suits = suits * np.float32(0.2**0.5) + shared[np.arange(cell.rows) % cell.families] * np.float32(0.8**0.5)
    base = suits * np.float32(answers.own) + ease.astype(np.float32)
    groups = groups_of(cell, images) if cell.groups else None
    if groups is not None:
        of_groups = rng.standard_normal((1 + cell.rows, cell.groups), dtype=np.float32) * cell.group_effect * 0.5**0.5
        base += (of_groups[1:] + of_groups[0])[:, groups]
    abilities, grid = _table(answers, cell.group_effect if groups is not None else 0.0)
    logits = base[of_row]
    logits += np.interp(accuracies, grid, abilities)[:, None].astype(np.float32)
    if answers.discrimination:
        logits *= np.exp(answers.discrimination * rng.standard_normal(images, dtype=np.float32))
    with np.errstate(over="ignore"):
        np.exp(np.negative(logits, out=logits), out=logits)
        logits += 1
        logits *= rng.random(logits.shape, dtype=np.float32)  # u * (1 + exp(-x)) < 1 where u < 1 / (1 + exp(-x))
    correct = logits < 1
    if not cell.classes:
        return correct, None, groups
    labels = labels_of(cell, images)
    return _values(cell, rng, correct, labels), labels, groups


def _values(cell: Cell, rng: np.random.Generator, correct: NDArray[np.bool_], labels: NDArray[np.int64]) -> Floats:
    """What each image adds to a score of imbalanced classes."""
    from eyechart.evaluation import weighted

    given = predictions_of(cell, rng, correct, labels)
    return getattr(weighted, cell.score)(labels, given, len(cell.classes))


def predictions_of(
    cell: Cell, rng: np.random.Generator, correct: NDArray[np.bool_], labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The class that each network gives each image: a wrong answer is another class, by its share."""
    shares = np.asarray(cell.classes)
    predictions = np.broadcast_to(labels, correct.shape).copy()
    for one in range(len(shares)):
        wrong = ~correct & (labels == one)
        others = np.where(np.arange(len(shares)) == one, 0, shares)
        predictions[wrong] = rng.choice(len(shares), wrong.sum(), p=others / others.sum())
    return predictions


@cache
def _table(answers: Answers, group_effect: float) -> tuple[Floats, Floats]:
    """Abilities in growing order and the accuracy to expect of each, over images."""
    points = qmc.Sobol(3, rng=np.random.default_rng(0)).random_base2(16)
    points = np.clip(points, 1e-9, 1 - 1e-9)
    images = EASES[answers.ease](points[:, 0]) * answers.scale
    images += special.ndtri(points[:, 1]) * np.hypot(answers.own, group_effect)
    discrimination = np.exp(answers.discrimination * special.ndtri(points[:, 2]))
    abilities = np.sinh(np.linspace(-7, 7, 701)) * 0.3
    grid = np.array([special.expit(discrimination * (ability + images)).mean() for ability in abilities])
    return abilities, np.maximum.accumulate(grid) + np.arange(len(grid)) * 1e-15


def mean_accuracy(answers: str, accuracy: float, images: int, seed: int) -> float:
    """What networks of an expected accuracy get on many new images: it shows how true the table is."""
    cell = Cell("check", rows=1, seeds=1, images=images, accuracy=accuracy, spread=0.0, answers=answers)
    values, _, _ = _answers(cell, np.random.default_rng(seed), np.array([accuracy]), images)
    return float(values.mean())
