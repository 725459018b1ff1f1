"""Cutting an epoch into calls, and data into chunks that fit on the device."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from eyechart.training.backend import PIECE_SECONDS, PREDICTION_BATCH


def chunks(order: np.ndarray, steps_per_chunk: int | None, batch_size: int) -> Iterator[np.ndarray]:
    """Cut an order, int32 (images,), into parts of whole steps; None: one part."""
    size = len(order) if steps_per_chunk is None else steps_per_chunk * batch_size
    for start in range(0, len(order), size):
        yield order[start : start + size]


def in_pieces(steps: int, batch_size: int, run: Callable[[int, int], None], tick: Callable[[int], None]) -> None:
    """Call `run(start, stop)` for consecutive ranges of steps, each about PIECE_SECONDS long.

    The first range is one step, because it may include a compilation, which says nothing about speed.
    """
    start, length = 0, 1
    while start < steps:
        stop = min(start + length, steps)
        began = time.perf_counter()
        run(start, stop)
        seconds = time.perf_counter() - began
        tick((stop - start) * batch_size)
        if start > 0:
            length = max(1, round((stop - start) * min(8.0, PIECE_SECONDS / max(seconds, 1e-6))))
        start = stop


def prediction_batches(images: int) -> Iterator[tuple[slice, int]]:
    """Slices of one length that cover so many images, and how many first ones of each were in the slice before it.

    The last overlaps rather than being shorter: one shape, one compilation.
    """
    size = min(PREDICTION_BATCH, images)
    for done in range(0, images, size):
        start = min(done, images - size)
        yield slice(start, start + size), done - start
