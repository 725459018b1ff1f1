"""A pool of processes that score and draw finished members, while the process that trains goes on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from eyechart.data import open_dataset
from eyechart.runner.scorecard import Findings, Scores, write_scorecard

MOST = 4

T = TypeVar("T")


class ScoringPool:
    """As many processes as cores are left over, from one to MOST. A context manager.

    The first starts at once, while members are trained, others where there is work for them. They import neither Keras
    nor MLflow.
    """

    def __init__(self) -> None:
        count = min(MOST, max(1, len(os.sched_getaffinity(0)) - 1))
        context = multiprocessing.get_context("spawn")  # a fork would have only one of the threads of TensorFlow
        self._pool = ProcessPoolExecutor(count, mp_context=context, initializer=_end_with_parent)
        self._warned = False

    def __enter__(self) -> ScoringPool:
        self.submit(_get_ready)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """As that of a pool of processes, which may start one."""
        # Ctrl-C is for this process, which tells the others; they inherit what is blocked
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self._pool.submit(function, *arguments)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def score(self, folder: Path, dataset: str, findings: Findings) -> Callable[[], Scores]:
        """`write_scorecard`, of the test images of a prepared data set; calling what is returned waits for the scores.

        What the pool leaves undone because one of its processes was killed, as by the system when memory runs out,
        this process does.
        """
        future: Future[Scores] | None = None
        with suppress(BrokenProcessPool):
            future = self.submit(_score, folder, dataset, findings)

        def scores() -> Scores:
            if future is not None:
                with suppress(BrokenProcessPool):
                    return future.result()
            self._warn()
            return _score(folder, dataset, findings)

        return scores

    def _warn(self) -> None:
        if not self._warned:
            print(
                "warning: a process that scores and draws ended before its time: the one that trains does its work",
                file=sys.stderr,
                flush=True,
            )
        self._warned = True


def _score(folder: Path, dataset: str, findings: Findings) -> Scores:
    images = open_dataset(dataset).split(validation_fraction=0).test.images
    return write_scorecard(folder, findings, images)


def _get_ready() -> None:
    """Import what scores and pictures are made with, while there is time."""
    import matplotlib.backends.backend_agg
    import matplotlib.figure  # noqa: F401
    import pandas  # noqa: F401


def _end_with_parent() -> None:
    """A process that waits for work would not notice that its parent was killed."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
