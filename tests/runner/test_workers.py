"""Processes that score and draw beside the one that trains."""

from __future__ import annotations

import os
import signal
import time

from eyechart.runner import workers
from eyechart.runner.workers import ScoringPool


def test_ctrl_c_is_for_the_process_that_trains(monkeypatch):
    monkeypatch.setattr(workers.os, "sched_getaffinity", lambda _: set(range(4)))
    with ScoringPool() as pool:
        waits = [pool.submit(time.sleep, 0.5) for _ in range(6)]
        processes = list(pool._pool._processes)
        assert len(processes) == 3
        waits[0].result(60)
        for process in processes:  # a terminal tells every process of the group
            os.kill(process, signal.SIGINT)
        assert [wait.result(60) for wait in waits] == [None] * 6
        assert [pool.submit(os.getpid).result(60) in processes for _ in range(3)] == [True] * 3
