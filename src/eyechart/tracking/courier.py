"""Delivers journals in the background, so that no tracking server holds a training up or stops it."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from types import TracebackType

from filelock import Timeout

from eyechart.core import paths
from eyechart.core.passwords import hide_password
from eyechart.runs.cursor import delivered, delivered_bytes, is_promised, promise, promised
from eyechart.runs.files import BrokenFile
from eyechart.runs.journal import BrokenJournal, is_private
from eyechart.tracking.config import TrackingConfig
from eyechart.tracking.delivery import deliver
from eyechart.tracking.store import Store, settle_environment

PAUSE = 1.0  # seconds between two rounds of deliveries
PAUSE_AFTER_FAILURE = 15.0  # after the first; each further one doubles it
LONGEST_PAUSE = 120.0
PATIENCE = 60.0  # seconds to wait at the end for the next delivery
PATIENCE_INTERRUPTED = 3.0  # where a person or a scheduler waits for the process to end
PATIENCE_AFTER_FAILURE = 10.0  # where the one before has failed
PATIENCE_FOR_OTHERS = 10.0  # seconds to go on at the end with what earlier processes could not deliver
LONG = 5.0  # seconds: a delivery that fails after more than this met a server that does not answer


class MLflowCourier:
    """A thread that brings to MLflow what journals say. A context manager; one per process is enough.

    Args:
        tracking: where to; with `offline` and `none` nothing is delivered.

    Attributes:
        private: whether what is told of is not for MLflow at all, as with `none`.
    """

    def __init__(self, tracking: TrackingConfig):
        self.private = tracking.mode == "none"
        self.store = Store(tracking.uri) if tracking.delivers else None
        self._waiting: dict[Path, None] = {}  # in the order in which they were told of
        self._others: dict[Path, None] = {}  # what earlier processes left, for when nothing else waits
        self._looks_back = False
        self._broken: set[Path] = set()
        self._wake = threading.Condition()
        self._closing = False
        self._warned = False
        self._busy = False  # with what this process was told of
        self._deliveries = 0
        self._failures = 0  # one after the other, none of which got anything through
        self._thread: threading.Thread | None = None

    def tell(self, folder: Path) -> None:
        """The journal in `folder` has something new to say."""
        if self.store is None:
            return
        promise(folder, self.store.uri)
        with self._wake:
            self._waiting[folder] = None
            if self._thread is None:
                settle_environment()
                self._thread = threading.Thread(target=self._work, name="courier", daemon=True)
                self._thread.start()
            self._wake.notify()

    def catch_up(self) -> None:
        """Deliver also what earlier processes were told of and could not deliver, when there is nothing else to do.

        Nothing happens before it is told of something.
        """
        with self._wake:
            self._looks_back = True
            self._wake.notify()

    def passes_by(self, folder: Path) -> bool:
        """Whether the journal in `folder` was kept from MLflow by `tracking=none`, and nothing is to be told of it."""
        return self.store is not None and is_private(folder) and not delivered_bytes(folder, self.store.uri)

    def has_delivered(self, folder: Path) -> bool:
        """Whether there is nothing of the journal in `folder` left to deliver."""
        return self.store is None or delivered(folder, self.store.uri)

    def knows(self, folder: Path) -> bool:
        """Whether it, or that of an earlier process, has been told of the journal in `folder`."""
        return self.store is not None and is_promised(folder, self.store.uri)

    def __enter__(self) -> MLflowCourier:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(interrupted=kind is KeyboardInterrupt)

    def close(self, patience: float = PATIENCE, *, interrupted: bool = False) -> bool:
        """Wait until everything is delivered, at most `patience` seconds for each, much less if deliveries fail.

        Where it is interrupted, PATIENCE_INTERRUPTED seconds are all that there is.

        Returns:
            Whether everything that it was told of was delivered.
        """
        with self._wake:
            self._closing = True
            self._wake.notify()
        began = time.monotonic()
        if self._failures:
            patience = min(patience, PATIENCE_AFTER_FAILURE)
        seen, end = self._deliveries, began + (PATIENCE_INTERRUPTED if interrupted else patience)
        while self._thread is not None and self._thread.is_alive() and time.monotonic() < end:
            self._thread.join(0.05)
            if self._has_done_its_own() and (interrupted or time.monotonic() > began + PATIENCE_FOR_OTHERS):
                break
            if self._deliveries != seen and not interrupted:  # it gets on
                seen, end = self._deliveries, time.monotonic() + patience
        return self._has_done_its_own() and not self._broken

    def _has_done_its_own(self) -> bool:
        with self._wake:
            return not self._waiting and not self._busy

    def _work(self) -> None:
        assert self.store is not None
        left = 0  # of the journals that waited after the last pause
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._others or self._looks_back or self._closing)
                looks_back, self._looks_back = self._looks_back, False
            if looks_back:  # not under the lock, which a training needs to tell of an epoch
                self._others = dict.fromkeys(promised(paths.state(), self.store.uri))
                continue
            with self._wake:
                if not self._waiting and (not self._others or (self._closing and self._failures)):
                    return
                self._busy = bool(self._waiting)
                waiting = self._waiting or self._others
                left = left or len(waiting)
                folder = next(iter(waiting))
                del waiting[folder]
            began = time.monotonic()
            delivered = self._try(folder)
            with self._wake:
                self._busy, left = False, left - 1
                if delivered:
                    self._deliveries += 1
                else:
                    waiting[folder], left = None, 0
                    if self._closing and (self._failures > 1 or time.monotonic() - began > LONG):
                        return
                if left <= 0:
                    left = 0
                    self._pause()

    def _pause(self) -> None:
        if not self._closing:
            grown = min(PAUSE_AFTER_FAILURE * 2 ** min(max(0, self._failures - 1), 10), LONGEST_PAUSE)
            self._wake.wait_for(lambda: self._closing, grown if self._failures else PAUSE)
        elif self._failures:
            self._wake.wait_for(lambda: False, PAUSE)

    def _try(self, folder: Path) -> bool:
        """Deliver the journal in `folder`; whether there is nothing more to try."""
        assert self.store is not None
        uri, own = self.store.uri, self._busy
        before = delivered_bytes(folder, uri)
        try:
            deliver(folder, self.store, -1 if own else 0)
        except Timeout:  # another process delivers it
            return not own
        except (BrokenJournal, BrokenFile) as error:
            if folder not in self._broken:
                print(f"warning: {error}", file=sys.stderr)
            self._broken.add(folder)
        except Exception as error:  # whatever MLflow, its database or the network raises: the training goes on
            self._failures = 0 if delivered_bytes(folder, uri) > before else self._failures + 1
            if not self._warned:
                reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
                print(
                    f"warning: the journal in {folder} could not be delivered to {hide_password(uri)} "
                    f"({hide_password(reason)}): it keeps everything, and the next run or python pipelines/sync.py "
                    f"delivers it",
                    file=sys.stderr,
                )
            self._warned = True
            return False
        self._failures = 0
        return True
