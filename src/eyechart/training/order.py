"""The order in which runs read their training images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from eyechart.training.backend.engine import Epoch


@dataclass(frozen=True)
class Reading:
    """How members read their training images: each in orders of its own.

    Attributes:
        seeds: of each member's run.
        size: number of training images.
        draw: from a seed and an epoch to the random numbers, float32 (size, n), by which each training image is
            augmented; None: nothing is.
    """

    seeds: Sequence[int]
    size: int
    draw: Callable[[int, int], np.ndarray] | None = None

    def epoch(self, number: int, active: np.ndarray | None = None) -> Epoch:
        """An epoch, counted from 1, of those members who are `active`, bool (members,); None: of all."""
        orders = np.stack([order(seed, number, self.size) for seed in self.seeds])
        draws = None if self.draw is None else np.stack([self.draw(seed, number) for seed in self.seeds])
        return Epoch(orders, draws, active)


def order(seed: int, epoch: int, size: int) -> np.ndarray:
    """A permutation of range(size), int32: a pure function of the run's seed and the epoch, counted from 1.

    A resumed run therefore reads the images as if it had never stopped, and a member of a group as if it were alone.
    """
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, epoch])))
    return generator.permutation(size).astype(np.int32)
