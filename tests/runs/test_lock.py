"""A state folder is in one process's hands at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from eyechart.runs.journal import Journal
from eyechart.runs.lock import NOTE, RunLock, owner, stale_locks

HOLDS = """
    import sys, time
    from pathlib import Path
    from eyechart.runs.lock import RunLock
    lock = RunLock.take(Path(sys.argv[1]), "run x")
    print("held", flush=True)
    sys.stdin.read()
    lock.release()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the folder `a`, until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDS), str(tmp_path / "a")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_one_process_at_a_time(tmp_path, other):
    folder = tmp_path / "a"
    assert RunLock.try_to_take(folder) is None
    assert owner(folder).startswith(f"process {other.pid} on ")
    assert stale_locks(tmp_path) == [folder]
    other.communicate()
    lock = RunLock.try_to_take(folder)
    assert owner(folder).startswith(f"process {os.getpid()} on ")
    lock.release()
    assert stale_locks(tmp_path) == []


def test_the_second_waits_and_says_for_whom(tmp_path, other):
    folder = tmp_path / "a"
    waits = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDS), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waits.stderr.readline().startswith(f"process {other.pid} on ")
    other.communicate()
    assert waits.stdout.readline() == "held\n"
    waits.communicate()
    assert waits.returncode == 0


def test_a_killed_process_lets_go_and_leaves_its_note(tmp_path, other):
    folder = tmp_path / "a"
    assert RunLock.take_over(folder) is None  # it is alive
    other.send_signal(signal.SIGKILL)
    other.communicate()
    assert stale_locks(tmp_path) == [folder]
    with RunLock.take_over(folder) as lock:
        assert lock.folder == folder
    assert stale_locks(tmp_path) == []
    assert RunLock.take_over(folder) is None  # nobody left it


def test_what_has_been_begun_and_not_ended_stays_noted(tmp_path):
    folder = tmp_path / "a"
    with RunLock.take(folder, "run x"):
        journal = Journal(folder)
        journal.append("start", name="x")
    assert stale_locks(tmp_path) == [folder]
    with RunLock.take_over(folder):
        journal.append("end", status="KILLED", message="")
        journal.close()
    assert stale_locks(tmp_path) == []
    with RunLock.take(folder, "run x"):
        pass
    assert stale_locks(tmp_path) == []


def test_what_another_machine_holds_is_not_taken_over(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / NOTE).write_text(json.dumps({"host": "elsewhere", "pid": 1}))
    assert RunLock.take_over(folder) is None
    (folder / NOTE).write_text("half a no")
    assert RunLock.take_over(folder) is None
    assert owner(folder) == "another process"
