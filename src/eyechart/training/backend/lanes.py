"""Engines side by side, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from eyechart.training.backend.engine import Engine, Epoch


class Lanes:
    """An engine made of others, whose members are those of the first, then those of the second, and so on.

    Args:
        engines: with a model each.
    """

    def __init__(self, engines: Sequence[Engine]):
        self._engines = engines
        self.members = sum(engine.members for engine in engines)
        self.alone = engines[0].alone
        ends = np.cumsum([engine.members for engine in engines]).tolist()
        self._owns = [slice(end - engine.members, end) for engine, end in zip(engines, ends, strict=True)]

    def epoch(self, epoch: Epoch, tick: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray]:  # noqa: D102
        results = np.zeros((2, self.members))
        ended = threading.Event()

        def go_on(images: int) -> None:
            if ended.is_set():  # by Ctrl-C, or by what went wrong in another lane
                raise InterruptedError
            tick(images)

        def learn(engine: Engine, own: slice) -> None:
            share = epoch.of(own)
            if not share.idle:
                results[:, own] = engine.epoch(share, go_on)

        with ThreadPoolExecutor(len(self._engines), thread_name_prefix="lane") as pool:
            jobs = [pool.submit(learn, engine, own) for engine, own in zip(self._engines, self._owns, strict=True)]
            try:
                for job in jobs:
                    job.result()
            except BaseException:
                ended.set()
                raise
        return results[0], results[1]

    def predict(self, images: np.ndarray) -> Iterator[np.ndarray]:  # noqa: D102
        batches = [engine.predict(images) for engine in self._engines]
        with ThreadPoolExecutor(len(self._engines), thread_name_prefix="lane") as pool:
            while True:
                parts = [part for part in pool.map(lambda answers: next(answers, None), batches) if part is not None]
                if not parts:
                    return
                yield np.concatenate(parts)

    def weights(self) -> list[dict[str, np.ndarray]]:  # noqa: D102
        return [member for engine in self._engines for member in engine.weights()]

    def set_weights(self, weights: list[dict[str, np.ndarray]]) -> None:  # noqa: D102
        for engine, own in zip(self._engines, self._owns, strict=True):
            engine.set_weights(weights[own])

    def state(self) -> list[dict[str, np.ndarray]]:  # noqa: D102
        return [member for engine in self._engines for member in engine.state()]

    def restore(self, state: list[dict[str, np.ndarray]]) -> None:  # noqa: D102
        for engine, own in zip(self._engines, self._owns, strict=True):
            engine.restore(state[own])
