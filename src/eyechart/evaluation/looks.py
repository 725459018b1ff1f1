"""What a p-value is worth on a board that was looked at before more seeds were added.

Who looks after 3 seeds, adds one and looks again has two chances to find a difference by luck. Where seeds dominate,
the difference of two equal rows, times their number of seeds, is a Brownian motion in that number, and the chance that
it is called real at one look at least follows by integrating from look to look (Armitage, McPherson & Rowe 1969). Where
test images dominate, a further seed changes the difference less, and looking again costs less.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist

import numpy as np

NODES = 200  # of Gauss and Legendre's quadrature between the limits of a look


def error_of_looking(seeds: Sequence[int], level: float = 0.05) -> float:
    """The chance that two equal rows are called different at one of several looks.

    Args:
        seeds: how many each row had at each look, growing.
        level: below which a p-value counts at each look.

    Raises:
        ValueError: there is no look, or the numbers do not grow from 1 or more.
    """
    if not seeds or seeds[0] < 1 or any(after <= before for before, after in pairwise(seeds)):
        raise ValueError(f"Expected growing numbers of seeds, 1 or more. Received: {list(seeds)}")
    limit = NormalDist().inv_cdf(1 - level / 2)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    # how likely it is to be at each point of a look, and to have been within the limits at each look before
    points, density, mass = np.zeros(1), np.ones(1), np.ones(1)
    for before, now in pairwise([0, *seeds]):
        scale, width = (now - before) ** 0.5, limit * now**0.5
        here = width * nodes
        steps = np.exp(-(((here[:, None] - points) / scale) ** 2) / 2) / (scale * (2 * np.pi) ** 0.5)
        density, points, mass = steps @ (density * mass), here, width * weights
    return float(1 - density @ mass)
