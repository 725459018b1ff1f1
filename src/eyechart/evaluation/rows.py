"""What comparisons need of the rows of a board: their means, and the two sources of chance that move these.

A row was trained with S seeds, and every network answered the same N images. Another seed would have given another
mean, and so would other images (Bouthillier et al. 2021, Accounting for variance in machine learning benchmarks), as in
studies where several readers judge the same cases (Obuchowski & Rockette 1995; Hillis 2007). Here seeds are the
readers, nested in their row, and test images are the cases, shared by all rows. What is kept of each row is small, so
that boards can be simulated by the thousand.

Few seeds say little of how far seeds lie apart. So the rows of a board lend each other of what they show: a row's
variance over seeds is taken as the larger of its own, and of its own and the mean of all rows weighted by degrees of
freedom, S - 1 and (S + 1) / 2, at least `LENT`. This assumes that rows are of similar spread on the scale of logits, on
which seeds of a good row and of a bad one can be; that the larger one counts protects where a row is not. What else was
tried stands in docs/sweeps.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL = 0.05  # how often an interval may miss, and equal rows may be told apart
LENT = 2  # degrees of freedom that a board lends to each of its rows, at least


@dataclass(frozen=True, eq=False)
class Rows:
    """The sources of chance of k rows on the same images.

    Attributes:
        means: float64 (k,), over seeds and images.
        seeds: int64 (k,), how many.
        variances: float64 (k,), of a seed's mean, over seeds (ddof=1); 0 with one seed.
        residuals: float64 (k,), the part of that which comes from seeds that disagree about single images.
        squares: float64 (k, k), of the rows' means over seeds the centred sums of squares and products over units,
            which are what varies independently: images, or the groups that they lie in.
        images: how many.
        units: how many.
        scales: float64 (k,), how far seeds lie apart in a row, relative to others, if they are alike: accuracies p by
            p (1 - p), as logits do that lie equally far apart; anything else by 1.
        groups: float64 (units, k), the centred sums over each group; None where images are independent.
        sizes: int64 (units,), the images of each group; None likewise.
    """

    means: Floats
    seeds: NDArray[np.int64]
    variances: Floats
    residuals: Floats
    squares: Floats
    images: int
    units: int
    scales: Floats
    groups: Floats | None = None
    sizes: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, rows: Sequence[NDArray[Any]], groups: NDArray[np.integer] | None = None) -> Rows:
        """Read k rows.

        Args:
            rows: values (seeds, images), such as whether an answer is right: the same images in the same order in every
                row. The number of seeds may differ.
            groups: (images,), the group of each image; None: images are independent.

        Raises:
            ValueError: a row does not have two axes or is empty, or rows are not of the same images.
        """
        for row in rows:
            if row.ndim != 2 or not row.size:
                raise ValueError(f"Expected rows (seeds, images), not empty. Received: {row.shape}")
            if row.shape[1] != rows[0].shape[1]:
                raise ValueError(f"Expected rows of the same images. Received: {rows[0].shape[1]} and {row.shape[1]}")
        images = rows[0].shape[1]
        shares = np.stack([row.mean(axis=0) for row in rows])
        means = shares.mean(axis=1)
        sums = sizes = None
        if groups is not None:
            _, groups, sizes = np.unique(groups, return_inverse=True, return_counts=True)
            sums = np.stack([_sums(share - mean, groups) for share, mean in zip(shares, means, strict=True)], axis=1)
        units = shares - means[:, None] if sums is None else sums.T
        return cls(
            means=means,
            seeds=np.array([len(row) for row in rows]),
            variances=np.array([row.mean(axis=1).var(ddof=1) if len(row) > 1 else 0.0 for row in rows]),
            residuals=np.array([_residual(row, groups) for row in rows]),
            squares=units @ units.T,
            images=images,
            units=units.shape[1],
            scales=accuracy_scales(means, images) if rows[0].dtype == np.bool_ else np.ones(len(means)),
            groups=sums,
            sizes=sizes,
        )

    def __len__(self) -> int:
        return len(self.means)

    @property
    def freedom(self) -> int:
        """The degrees of freedom of what images show; with one image more (`more`) as many as there are images."""
        return self.units if self.groups is None else max(self.units - 1, 1)

    def over_images(self, squares: Any, more: float) -> Any:
        """The variance of a mean over new images: of one row, or of the difference of two.

        Args:
            squares: its centred sum of squares over units, or an array of them.
            more: the square of one image more. That no image told two rows apart is no proof that none could.
        """
        if self.groups is None:
            return (squares + more) / self.images / (self.images + 1)
        if self.units < 2:  # one group says nothing of others
            return np.ones_like(squares, dtype=np.float64)
        return (squares + more) / self.images**2 * self.units / (self.units - 1)

    def accuracy_variances(self) -> Floats:
        """Compute the variances of the rows' accuracies over new images, (k,), `with_two_more`; units are 2 or more."""
        shares = with_two_more(self.means, self.images)
        squares = self.squares.diagonal() + self.images * self.means**2 + 2 - (self.images + 4) * shares**2
        variances: Floats = squares / (self.images + 4) / self.images
        return variances if self.groups is None else variances * self.units / (self.units - 1)


def with_two_more(means: Floats, images: int) -> Floats:
    """Add two right and two wrong images to accuracies, (k,), as Agresti & Coull (1998) do: no row is perfect."""
    return (images * means + 2) / (images + 4)


def accuracy_scales(means: Floats, images: int) -> Floats:
    """Compute `Rows.scales` of accuracies, (k,), `with_two_more`."""
    shares = with_two_more(means, images)
    return shares * (1 - shares)


def spread(rows: Rows, variances: Floats) -> tuple[Floats, Floats, Floats]:
    """The variance over seeds of the rows of a board, each with the help of the others.

    Args:
        rows: of the board.
        variances: `rows.variances`, or those of simulated boards, (..., k).

    Returns:
        For each row the variance to go by, (..., k), and its degrees of freedom, (k,): S - 1 and what is lent, but of
        the latter no more than makes half of those of the board's mean. A row borrows nothing where the others together
        have less to lend. Then what the row's seeds and the board's say together, without a preference for the larger,
        (..., k).
    """
    free, some = np.maximum(rows.seeds - 1, 0), rows.seeds > 1
    beyond = np.where(some, (variances - rows.residuals) / rows.scales**2, 0.0).sum(axis=-1, keepdims=True)
    lent = np.maximum(beyond / max(some.sum(), 1), 0.0) * rows.scales**2 + rows.residuals
    lending = np.maximum(LENT, (rows.seeds + 1) / 2)
    borrows = free.sum() - free >= lending
    both = np.where(borrows, (lending * lent + free * variances) / (lending + free), variances)
    half = some.sum() ** 2 / max((1 / np.maximum(free, 1))[some].sum(), 1e-9) / 2  # of a mean in which rows count alike
    freedom = np.where(borrows, np.clip(half, free, free + lending), free)
    return np.where(free > 0, np.maximum(variances, both), 0.0), freedom, np.where(free > 0, both, 0.0)


def student(images: Any, images_freedom: Any, seeds: Any, residual: Any, seeds_freedom: Any) -> tuple[Any, Any]:
    """The variance of a mean, or of a difference, from its two sources, and the degrees of freedom of Student's t.

    V is `images` + max(`seeds` - `residual`, 0): seeds that disagree about single images are part of both, and counted
    once. The reciprocal degrees of freedom are the mean of those of both sources, weighted by their share of V, as
    Cochran (1964) weighs quantiles. Satterthwaite's (1946) weigh by squared shares, and a source that comes out small
    by chance, as that of two seeds often does, gets too many: intervals then miss the truth in 8% of cases.

    Args:
        images: the variance due to images.
        images_freedom: the degrees of freedom of that.
        seeds: the variance due to seeds.
        residual: the part of it that `images` has too.
        seeds_freedom: the degrees of freedom of `seeds`.
    """
    variance = images + np.maximum(seeds - residual, 0.0)
    share = np.minimum(seeds / variance, 1.0)
    return variance, 1 / (share / np.maximum(seeds_freedom, 1.0) + (1 - share) / images_freedom)


def row_variances(rows: Rows, by_images: Any, images_freedom: Any) -> tuple[Floats, Floats]:
    """Put together the variances of the rows' means, by the spread over seeds that the board shows.

    Args:
        rows: of the board.
        by_images: (k,), the variances due to images.
        images_freedom: the degrees of freedom of these, one number or (k,).

    Returns:
        The variances and their degrees of freedom, as `student` has them, each (k,).
    """
    used, freedom, _ = spread(rows, rows.variances)
    variances, degrees = student(by_images, images_freedom, used / rows.seeds, rows.residuals / rows.seeds, freedom)
    return variances, degrees


def quantile(freedom: float, level: float = LEVEL) -> float:
    """Say how many standard errors Student's t goes to either side, to miss in a share `level` of cases."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - level / 2))


def _sums(values: NDArray[Any], groups: NDArray[np.integer]) -> Floats:
    sums: Floats = np.bincount(groups, weights=values).astype(np.float64)
    return sums


def _residual(row: NDArray[Any], groups: NDArray[np.integer] | None) -> float:
    seeds, images = row.shape
    if seeds == 1:
        return 0.0
    if groups is None:
        return float(row.var(axis=0, ddof=1).mean() / images)
    own = np.stack([_sums(values - values.mean(), groups) for values in row.astype(np.float64)])
    return float(own.var(axis=0, ddof=1).sum() / images**2)
