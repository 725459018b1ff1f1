"""Which row of a board is best, when which one to ask about was seen in the same data.

The best of many equal rows looks good against each of them, and of ten rows some pair lies far apart. How far by chance
alone is found by simulating: boards of equal rows are drawn from the sources of chance that this board shows, in each
a first row is chosen as it was here, and its smallest p-value is noted, each pair by itself. The p-value of a pair
*among the board's* is the share of these boards that have as small a one. For pairs with the first row the smallest is
taken over the comparisons with the first, for any other pair over all pairs.

What is drawn, for each row: the quality of its seeds, normal, with a variance that is itself drawn, since rows may be
of unlike spread (`UNLIKE`); what images do to the means, normal with the covariance that they show, or, where they come
in groups, by flipping the signs of whole groups; and the variance over seeds that this row would then show. The first
row is the one with the best mean on validation images, which see the same seeds. Where nothing is known of these, it is
the one with the best mean on the test images: the worst case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from eyechart.evaluation.paired import FEWEST_GROUPS
from eyechart.evaluation.rows import LEVEL, Rows, spread, student
from eyechart.evaluation.significance import Difference, difference_in, parts, two_sided

Floats = NDArray[np.float64]

BOARDS = 2_000  # are simulated
MORE_BOARDS = 10_000  # where p is near the level
NEAR = (0.02, 0.10)
UNLIKE = 8  # degrees of freedom of a chi-square, by which the true variances of rows may differ
UNLIKE_OF_PAIRS = 5  # the same where all pairs are compared: among these, a row of larger spread has many
FEWEST_IMAGES = 30  # with fewer a board is not simulated, but corrected by Holm's method over all pairs
MOST_ROWS = 40  # beyond so many, pairs without the first row are corrected by Bonferroni's
AT_ONCE = 500_000  # p-values of simulated boards


def adjust(p_values: Sequence[float] | Floats) -> Floats:
    """P-values corrected for their number by Holm's method (1979): float64, in the order given.

    To call those below 0.05 real is then wrong about any of them in 5% of cases at most.
    """
    if len(p_values) < 2:  # nothing to correct, and the import takes a second
        return np.array(p_values, dtype=np.float64)
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(p_values, method="holm")[1], dtype=np.float64)


@dataclass(frozen=True)
class Compared:
    """Two rows of a board compared.

    Attributes:
        difference: the first one's mean minus the other's, by itself: for a pair that was named before looking.
        p_board: the p-value among the board's comparisons; None where the board cannot tell.
        level: the p-value of a pair by itself that comes to `LEVEL` among the board's.
        same_level: the one that comes to twice that, for intervals that are to lie within a margin.
        among: how many comparisons were counted.
        with_first: whether these are those with the first row, and how it was chosen is counted too; else all pairs.
    """

    difference: Difference
    p_board: float | None
    level: float
    same_level: float
    among: int = 1
    with_first: bool = True

    @property
    def apart(self) -> bool:
        """Whether the two are told apart among all that was compared."""
        return self.p_board is not None and self.p_board < LEVEL

    def __neg__(self) -> Compared:
        return replace(self, difference=-self.difference)


class Comparisons:
    """Every comparison of the rows of a board, corrected for how many there are and how they were picked."""

    def __init__(self, rows: Rows, validation: Rows | None = None, seed: int = 0) -> None:
        """Prepare; boards are simulated when they are first asked for.

        Args:
            rows: best first, by whatever chose the first one.
            validation: the same rows on the images that chose it; None: not known, or nothing did.
            seed: of the simulation, so that a board says the same whenever it is asked.
        """
        self.rows = rows
        self._validation = validation
        self._seed = seed
        self._pairs = np.triu_indices(len(rows), 1)

    @property
    def problem(self) -> str:
        """Why the rows cannot be told apart, whatever they are; empty where they can."""
        groups = self.rows.units
        if self.rows.groups is None or groups >= FEWEST_GROUPS:
            return ""
        return f"{groups} groups of test images are too few to tell rows apart: {FEWEST_GROUPS} are needed at least"

    @cached_property
    def with_first(self) -> list[Compared]:
        """The first row with each other one, in their order."""
        differences = [difference_in(self.rows, 0, j) for j in range(1, len(self.rows))]
        p_values = np.array([each.p_value for each in differences])
        if len(self.rows) < 3 or self.problem:
            return self._by_themselves(differences)
        if self.rows.images < FEWEST_IMAGES:
            return self._by_holm(differences, [(0, j) for j in range(1, len(self.rows))])
        return _corrected(differences, self._least_for(p_values, all_pairs=False), len(differences))

    def pair(self, i: int, j: int) -> Compared:
        """Row `i` with row `j`, two different ones."""
        if i == 0:
            return self.with_first[j - 1]
        if j == 0:
            return -self.with_first[i - 1]
        difference = difference_in(self.rows, i, j)
        if self.problem:
            return self._by_themselves([difference])[0]
        if self.rows.images < FEWEST_IMAGES:
            return self._by_holm([difference], [(i, j)])[0]
        if len(self.rows) > MOST_ROWS:
            count = len(self._pairs[0])
            levels = LEVEL / count, 2 * LEVEL / count
            return Compared(difference, min(1.0, difference.p_value * count), *levels, count, with_first=False)
        least = self._least_for(np.array([difference.p_value]), all_pairs=True)
        return _corrected([difference], least, len(self._pairs[0]), with_first=False)[0]

    @cached_property
    def chances(self) -> Floats:
        """For each row the probability that its true mean, over all seeds and images, is the highest: float64 (k,).

        It is the posterior one, from the test images alone and a flat prior on the means of the rows. Rows that tie
        share it.
        """
        if len(self.rows) == 1:
            return np.ones(1)
        rng, shares = np.random.default_rng([self._seed, 4]), np.zeros(len(self.rows))
        for count in self._chunks(BOARDS, len(self.rows)):
            scores = self.rows.means - self._draw(rng, count).means
            best = scores >= scores.max(axis=1, keepdims=True) - 1e-9
            shares += (best / best.sum(axis=1, keepdims=True)).sum(axis=0)
        return shares / BOARDS

    def _by_themselves(self, differences: Sequence[Difference]) -> list[Compared]:
        return [Compared(each, None if self.problem else each.p_value, LEVEL, 2 * LEVEL) for each in differences]

    def _by_holm(self, differences: Sequence[Difference], pairs: Sequence[tuple[int, int]]) -> list[Compared]:
        count = len(self._pairs[0])
        return [
            Compared(each, self._holm[min(pair), max(pair)], LEVEL / count, 2 * LEVEL / count, count, with_first=False)
            for each, pair in zip(differences, pairs, strict=True)
        ]

    @cached_property
    def _holm(self) -> dict[tuple[int, int], float]:
        """The adjusted p-values of all pairs."""
        pairs = list(zip(*(each.tolist() for each in self._pairs), strict=True))
        adjusted = adjust([difference_in(self.rows, i, j).p_value for i, j in pairs])
        return {pair: float(p_value) for pair, p_value in zip(pairs, adjusted, strict=True)}

    def _least_for(self, p_values: Floats, *, all_pairs: bool) -> Floats:
        """The smallest p-value of each simulated board: of more boards where a p-value is near the level."""
        few = self._few_of_all if all_pairs else self._few_with_first
        shares = np.array([_share(few, each) for each in p_values])
        if not ((shares > NEAR[0]) & (shares < NEAR[1])).any():
            return few
        return self._many_of_all if all_pairs else self._many_with_first

    @cached_property
    def _few_with_first(self) -> Floats:
        return self._draw_least(0, BOARDS, all_pairs=False)

    @cached_property
    def _many_with_first(self) -> Floats:
        more = self._draw_least(1, MORE_BOARDS - BOARDS, all_pairs=False)
        return np.concatenate([self._few_with_first, more])

    @cached_property
    def _few_of_all(self) -> Floats:
        return self._draw_least(2, BOARDS, all_pairs=True)

    @cached_property
    def _many_of_all(self) -> Floats:
        return np.concatenate([self._few_of_all, self._draw_least(3, MORE_BOARDS - BOARDS, all_pairs=True)])

    def _draw_least(self, stream: int, boards: int, *, all_pairs: bool) -> Floats:
        rng = np.random.default_rng([self._seed, stream])
        per_board = len(self._pairs[0]) if all_pairs else len(self.rows)
        unlike = UNLIKE_OF_PAIRS if all_pairs else UNLIKE
        return np.concatenate(
            [self._least(self._draw(rng, count, unlike), all_pairs) for count in self._chunks(boards, per_board)]
        )

    def _chunks(self, boards: int, per_board: int) -> list[int]:
        """How many boards to simulate at once, that fit into memory."""
        groups = self.rows.units if self.rows.groups is not None else 1
        chunk = max(AT_ONCE // max(per_board, groups), 1)
        return [min(chunk, boards - start) for start in range(0, boards, chunk)]

    def _draw(self, rng: np.random.Generator, boards: int, unlike: int = UNLIKE) -> _Drawn:
        """Draw boards of equal rows."""
        rows, shape = self.rows, (boards, len(self.rows))
        _, _, both = spread(rows, rows.variances)
        variances = both * unlike / rng.chisquare(unlike, shape)
        quality = np.sqrt(np.maximum(variances - rows.residuals, 0.0) / rows.seeds) * rng.standard_normal(shape)
        free = np.maximum(rows.seeds - 1, 1)
        shown = np.maximum(variances, rows.residuals) * rng.chisquare(free, shape) / free
        by_images = self._by_images(rng, boards)
        means = quality + by_images
        chosen = means if self._validation is None else quality + _normal(rng, boards, self._roots[1])
        return _Drawn(means, by_images, shown, chosen.argmax(axis=1))

    @cached_property
    def _roots(self) -> list[Floats]:
        """Square roots of the covariance of the rows' means over new images: of the test images, then of validation."""
        roots = []
        for rows in (self.rows, self._validation):
            if rows is not None:
                values, vectors = np.linalg.eigh(rows.squares)
                roots.append((vectors * np.sqrt(np.maximum(values, 0.0)) / rows.images).T)
        return roots

    def _by_images(self, rng: np.random.Generator, boards: int) -> Floats:
        """What new test images do to the means of equal rows: (boards, k)."""
        rows = self.rows
        if rows.groups is None:
            return _normal(rng, boards, self._roots[0])
        signs = 2.0 * rng.integers(0, 2, (boards, rows.units)) - 1
        flipped: Floats = signs @ rows.groups / rows.images * (rows.units / max(rows.units - 1, 1)) ** 0.5
        return flipped

    def _least(self, drawn: _Drawn, all_pairs: bool) -> Floats:
        rows = self.rows
        if all_pairs:
            i, j = self._pairs
            one, other = (drawn.means[:, k] - drawn.means.mean(axis=1, keepdims=True) for k in (i, j))
            shift = drawn.by_images[:, i] - drawn.by_images[:, j]
        else:
            i, j = drawn.first[:, None], np.arange(len(rows))[None]
            one, other = np.take_along_axis(drawn.means, i, axis=1), drawn.means
            shift = np.take_along_axis(drawn.by_images, i, axis=1) - drawn.by_images
        by_images, seeds, residual, freedom = parts(rows, drawn.variances, i, j)
        if rows.groups is not None:  # flipping signs leaves the squares, but not their sum about the mean
            by_images = by_images - rows.over_images((rows.images * shift) ** 2 / rows.units, 0.0)
            by_images = np.maximum(by_images, rows.over_images(0.0, 1.0))
        variance, degrees = student(by_images, rows.freedom, seeds, residual, freedom)
        p_values = two_sided(one - other, variance, degrees)
        if not all_pairs:
            np.put_along_axis(p_values, i, 1.0, axis=1)
        least: Floats = p_values.min(axis=1)
        return least


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Simulated boards of k equal rows.

    Attributes:
        means: (boards, k), off the common truth.
        by_images: (boards, k), the part of that which images bring.
        variances: (boards, k), over seeds, as each row shows them.
        first: (boards,), the position of the first row.
    """

    means: Floats
    by_images: Floats
    variances: Floats
    first: NDArray[np.intp]


def _normal(rng: np.random.Generator, boards: int, root: Floats) -> Floats:
    drawn: Floats = rng.standard_normal((boards, len(root))) @ root
    return drawn


def _corrected(
    differences: Sequence[Difference], least: Floats, among: int, *, with_first: bool = True
) -> list[Compared]:
    level, same_level = (min(float(np.quantile(least, each)), each) for each in (LEVEL, 2 * LEVEL))
    # among more comparisons a pair can never say more than by itself
    return [
        Compared(each, max(each.p_value, _share(least, each.p_value)), level, same_level, among, with_first)
        for each in differences
    ]


def _share(least: Floats, p_value: float) -> float:
    """The share of simulated boards that have as small a p-value; the board itself counts as one of them."""
    return (1 + int((least <= p_value).sum())) / (1 + len(least))
