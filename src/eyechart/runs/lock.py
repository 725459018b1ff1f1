"""The lock of a state folder, of a run, a sweep or a scan: one process writes at a time, and a note says which."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from eyechart.core import paths
from eyechart.core.files import write_json
from eyechart.runs.journal import BrokenJournal, JournalState

LOCK = "lock"  # the system frees it when a process ends, however it ends
NOTE = "holder.json"  # lies in the folder while it is locked, or when its process ended without saying so


class RunLock:
    """The right to write to a state folder, which is made if it is not there. A context manager.

    Attributes:
        folder: the state folder.
    """

    def __init__(self, folder: Path, lock: FileLock):
        self.folder, self._lock = folder, lock
        if paths.state() in folder.parents:
            paths.note_format()
        write_json(folder / NOTE, {"host": socket.gethostname(), "pid": os.getpid()})

    @classmethod
    def try_to_take(cls, folder: Path, patience: float = 0.0) -> RunLock | None:
        """Lock the folder; None if another process has it, and still has after `patience` seconds."""
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=patience)
        except Timeout:
            return None
        return cls(folder, lock)

    @classmethod
    def take(cls, folder: Path, what: str) -> RunLock:
        """Lock the folder, and wait, saying so, while another process has it."""
        taken = cls.try_to_take(folder)
        if taken is None:
            print(f"{owner(folder)} works on {what}: waiting for it", file=sys.stderr, flush=True)
            lock = FileLock(folder / LOCK)
            lock.acquire()
            taken = cls(folder, lock)
        return taken

    @classmethod
    def take_over(cls, folder: Path) -> RunLock | None:
        """Lock a folder whose process is gone; None if it is at work, or was on another machine.

        Whether a lock is free cannot be trusted where another machine took it: not every file system tells.
        """
        known = _note(folder)
        if not known or known["host"] != socket.gethostname():
            return None
        return cls.try_to_take(folder)

    def release(self) -> None:
        """Give the folder back. The note stays where the journal has no end yet: by it the next command closes that."""
        try:
            if not _left_open(self.folder):
                (self.folder / NOTE).unlink(missing_ok=True)
        finally:
            self._lock.release()

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def owner(folder: Path) -> str:
    """Which process has locked the folder, in words."""
    known = _note(folder)
    return f"process {known['pid']} on {known['host']}" if known else "another process"


def stale_locks(folder: Path) -> list[Path]:
    """The state folders in `folder` that are locked, or were when their process went."""
    return sorted(note.parent for note in folder.glob(f"*/{NOTE}"))


def _left_open(folder: Path) -> bool:
    try:
        said = JournalState.read(folder)
    except BrokenJournal:  # the command that needs it tells of it
        return False
    return said.begun is not None and said.end is None


def _note(folder: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError, RecursionError):
        note = json.loads((folder / NOTE).read_text())
        if isinstance(note, dict) and {"host", "pid"} <= set(note):
            return note
    return {}
