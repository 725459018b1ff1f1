"""The method in use, on statistics of rows: an adapter of eyechart.evaluation.multiple."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
from comparison_methods import Board, Result
from numpy.typing import NDArray

from eyechart.evaluation import multiple
from eyechart.evaluation.multiple import Comparisons
from eyechart.evaluation.rows import LEVEL, Rows, accuracy_scales, student
from eyechart.evaluation.significance import estimates, parts, two_sided

INNER = 400  # boards are simulated for each board, in place of 2,000 to 10,000
EVERY = 4  # boards: all pairs are compared in one of so many


@patch.multiple(multiple, BOARDS=INNER, NEAR=(1.0, 1.0))  # and no more of them where p is near the level
def eyechart(board: Board) -> Result:
    """What Eyechart says of a board; under ten groups nothing is told apart."""
    count, first = len(board["means"]), int(board["first"])
    order = np.array([first, *np.delete(np.arange(count), first)])
    rows = rows_of(board, order)
    validation = rows_of(board, order, "val_") if "val_means" in board else None
    compared = Comparisons(rows, validation, int(board["number"]))
    p_values, intervals = np.ones(count), np.empty((count, 2))
    for i, each in zip(order[1:], compared.with_first, strict=True):
        p_values[i] = 1.0 if each.p_board is None else each.p_board
    for i, each in zip(order, estimates(rows), strict=True):
        intervals[i] = each.low, each.high
    pair = compared.with_first[0].difference
    pairs = all_pairs(compared, order) if count > 2 and board["number"] % EVERY == 0 else None
    return Result(p_values, intervals, np.array([pair.low, pair.high]) if count == 2 else None, pairs)


def all_pairs(compared: Comparisons, order: NDArray[np.intp]) -> NDArray[np.float64]:
    """The p-value of every pair among all of the board; 1 where it is above 5% by itself already."""
    rows, p_values = compared.rows, np.ones((len(order), len(order)))
    i, j = np.triu_indices(len(rows), 1)
    by_images, *seeds = parts(rows, rows.variances, i, j)
    alone = two_sided(rows.means[i] - rows.means[j], *student(by_images, rows.freedom, *seeds))
    single = (rows.seeds[i] == 1) & (rows.seeds[j] == 1)  # these have an exact test of their own
    for one, other in zip(i[(alone < LEVEL) | single], j[(alone < LEVEL) | single], strict=True):
        found = compared.pair(one, other).p_board
        p_values[order[one], order[other]] = p_values[order[other], order[one]] = 1.0 if found is None else found
    return p_values


def rows_of(board: Board, order: NDArray[np.intp], part: str = "") -> Rows:
    """The rows in this order, of the test images or, with `val_`, of the validation images."""
    means, images = board[f"{part}means"], board["val_images" if part else "images"]
    squares, residuals, units = images * (board[f"{part}products"] - np.outer(means, means)), "residuals", images
    groups: dict[str, Any] = {}
    if "group_sums" in board:
        sums = board[f"{part}group_sums"]
        sizes = board["val_group_sizes" if part else "group_sizes"]
        centred = sums - sizes[:, None] * means
        squares, residuals, units = centred.T @ centred, "group_residuals", len(sizes)
        groups = {"groups": centred[:, order], "sizes": sizes}
    if "class_sizes" in board:  # images are drawn within their classes
        classes = zip(board[f"{part}strata_products"], board[f"{part}strata_means"], strict=True)
        parts_of = [products - np.outer(mean, mean) for products, mean in classes]
        squares = np.tensordot(board["class_sizes"], parts_of, 1)
    return Rows(
        means[order],
        board["seeds"][order],
        board[f"{part}variances"][order],
        board[part + residuals][order],
        squares[np.ix_(order, order)],
        images,
        units,
        accuracy_scales(means[order], images),
        **groups,
    )
