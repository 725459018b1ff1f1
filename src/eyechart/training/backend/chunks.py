"""Cutting an epoch into calls, and data into chunks that fit on the device."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

PIECE_SECONDS = 0.5  # a call into a compiled program lasts about this long, so that progress shows and Ctrl-C is heard
PREDICTION_BATCH = 500  # images per step where nothing is learned: enough to keep a device busy
CHUNK_BYTES = 64_000_000  # of images that are put together for several members: many steps, and little memory


def chunks(order: np.ndarray, steps_per_chunk: int | None, batch_size: int) -> Iterator[np.ndarray]:
    """Cut an order, int32 (images,), into parts of whole steps; None: one part."""
    size = len(order) if steps_per_chunk is None else steps_per_chunk * batch_size
    for start in range(0, len(order), size):
        yield order[start : start + size]


@dataclass(frozen=True)
class Chunk:
    """A part of an epoch of several members.

    Attributes:
        positions: int32 (steps, members, images of a step): what is read, in its order.
        first: steps at its beginning that an earlier chunk had.
    """

    positions: np.ndarray
    first: int = 0


def member_chunks(orders: np.ndarray, batch_size: int, image_bytes: int, steps_per_chunk: int | None) -> list[Chunk]:
    """Cut the orders of several members into chunks of one length, so that one program runs them all.

    Behind them comes one with the last step, where that is smaller than the others.

    Args:
        orders: int32 (members, images).
        batch_size: images per step and member.
        image_bytes: of one image; the images of a chunk take at most about CHUNK_BYTES.
        steps_per_chunk: so many steps of one member fit on the device; None: all.
    """
    members, size = orders.shape
    steps = size // batch_size
    fitting = CHUNK_BYTES // (members * batch_size * image_bytes)
    if steps_per_chunk is not None:
        fitting = min(fitting, steps_per_chunk // members)
    length = max(1, min(fitting, steps))
    by_step = orders[:, : steps * batch_size].reshape(members, steps, batch_size).swapaxes(0, 1)
    found = []
    for done in range(0, steps, length):
        start = min(done, steps - length)
        found.append(Chunk(by_step[start : start + length], done - start))
    if size > steps * batch_size:
        found.append(Chunk(orders[np.newaxis, :, steps * batch_size :]))
    return found


def own(draws: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The random numbers (members, all images, n) of each member's images: (steps, members, images of a step, n)."""
    drawn: np.ndarray = draws[np.arange(len(draws))[np.newaxis, :, np.newaxis], positions]
    return drawn


def ahead(chunks: list[Chunk], read: Callable[[np.ndarray], Any]) -> Iterator[tuple[Chunk, Any]]:
    """Each chunk with what `read` makes of its positions, in a thread of its own while the one before is in work."""
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
        waiting = reader.submit(read, chunks[0].positions)
        for number, chunk in enumerate(chunks, 1):
            data = waiting.result()
            if number < len(chunks):
                waiting = reader.submit(read, chunks[number].positions)
            yield chunk, data


def in_pieces(
    steps: int, images: int, run: Callable[[int, int], None], tick: Callable[[int], None], first: int = 0
) -> None:
    """Call `run(start, stop)` for consecutive ranges of the steps from `first` on, each about PIECE_SECONDS long.

    The first range is one step, because it may include a compilation, which says nothing about speed.

    Args:
        steps: how many there are, with those before `first`.
        images: read by each step.
        run: trains the steps from `start` to before `stop`.
        tick: told how many images have been read.
        first: the first step.
    """
    start, length = first, 1
    while start < steps:
        stop = min(start + length, steps)
        began = time.perf_counter()
        run(start, stop)
        seconds = time.perf_counter() - began
        tick((stop - start) * images)
        if start > first:
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
