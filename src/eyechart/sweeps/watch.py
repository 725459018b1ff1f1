"""What comes of the runs of a sweep that other processes train, told by the process that drives it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from eyechart.runner.attempt import FinishedRun
from eyechart.runner.job import Job
from eyechart.runs.listing import passing_over
from eyechart.runs.run import Run
from eyechart.sweeps.job import print_result

PAUSE = 1.0  # seconds between two looks at the journals


@contextmanager
def report_workers(jobs: Sequence[Job], since: int | None) -> Iterator[None]:
    """While the block lasts, report each of these runs as soon as its journal says that it has
    finished, or that the search gave it up.

    What a worker prints nobody sees: it runs on another machine, or Ray or submitit keep it in files.

    Args:
        jobs: to tell of.
        since: what was begun before this time, in milliseconds since 1970, does not count; None: all counts.
    """
    left = {job.run_key: job for job in jobs}
    ended = threading.Event()

    def look() -> None:
        for key, job in list(left.items()):
            with passing_over():
                run = Run(key)
                now = run.status.ignoring_before(since or 0)
                if now.finished:
                    print_result(FinishedRun(run, trained=True), job.name)
                elif now.pruned and not job.status.pruned:
                    print(f"{job.name}: {run.journal.message}", flush=True)
                else:
                    continue
                del left[key]

    def watch() -> None:
        while not ended.wait(PAUSE):
            look()

    watcher = threading.Thread(target=watch, name="watcher", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        look()
