"""The order in which a run reads its training images."""

from __future__ import annotations

import numpy as np


def order(seed: int, epoch: int, size: int) -> np.ndarray:
    """A permutation of range(size), int32: a pure function of the run's seed and the epoch, counted from 1.

    A resumed run therefore reads the images as if it had never stopped, and a member of a group as if it were alone.
    """
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, epoch])))
    return generator.permutation(size).astype(np.int32)
