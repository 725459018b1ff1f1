"""Delivers journals in the background, so that no tracking server holds a training up or stops it."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from types import TracebackType

from eyechart.tracking.config import TrackingConfig, hide_password
from eyechart.tracking.delivery import deliver, delivered, delivered_run_id
from eyechart.tracking.store import Store

PAUSE = 1.0  # seconds between two rounds of deliveries
PAUSE_AFTER_FAILURE = 15.0
PATIENCE = 60.0  # seconds to wait at the end for the next delivery
PATIENCE_INTERRUPTED = 3.0  # where a person or a scheduler waits for the process to end


class Courier:
    """A thread that brings to MLflow what journals say. A context manager; one per process is enough.

    Args:
        tracking: where to; with `offline` and `none` nothing is delivered.
    """

    def __init__(self, tracking: TrackingConfig):
        self.store = Store(tracking.uri) if tracking.delivers else None
        self._waiting: dict[Path, None] = {}  # in the order in which they were told of
        self._wake = threading.Condition()
        self._closing = False
        self._failed = False
        self._busy = False
        self._deliveries = 0
        self._thread: threading.Thread | None = None

    def tell(self, folder: Path) -> None:
        """The journal in `folder` has something new to say."""
        if self.store is None:
            return
        with self._wake:
            self._waiting[folder] = None
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="courier", daemon=True)
                self._thread.start()
            self._wake.notify()

    def has_delivered(self, folder: Path) -> bool:
        """Whether there is nothing of the journal in `folder` left to deliver."""
        return self.store is None or delivered(folder, self.store.uri)

    def run_id(self, folder: Path) -> str | None:
        """The id of the MLflow run that the journal in `folder` was delivered to; None if it was not."""
        return None if self.store is None else delivered_run_id(folder, self.store.uri)

    def __enter__(self) -> Courier:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(interrupted=kind is KeyboardInterrupt)

    def close(self, patience: float = PATIENCE, *, interrupted: bool = False) -> bool:
        """Wait until everything is delivered, at most `patience` seconds for each, much less if deliveries fail.

        Where it is interrupted, PATIENCE_INTERRUPTED seconds are all that there is.

        Returns:
            Whether everything was delivered.
        """
        with self._wake:
            self._closing = True
            self._wake.notify()
        seen, end = self._deliveries, time.monotonic() + (PATIENCE_INTERRUPTED if interrupted else patience)
        while self._thread is not None and self._thread.is_alive() and time.monotonic() < end:
            self._thread.join(0.05)
            if self._deliveries != seen and not interrupted:  # it gets on
                seen, end = self._deliveries, time.monotonic() + patience
        return not self._waiting and not self._busy

    def _work(self) -> None:
        left = 0  # of the journals that were told of before the last pause
        while True:
            with self._wake:
                while not self._waiting and not self._closing:
                    self._wake.wait()
                if not self._waiting:
                    return
                left = left or len(self._waiting)
                folder = next(iter(self._waiting))
                del self._waiting[folder]
                self._busy = True
            delivered = self._try(folder)
            with self._wake:
                self._busy, left = False, left - 1
                if delivered:
                    self._deliveries += 1
                else:
                    self._waiting[folder], left = None, 0
                    if self._closing:
                        return
                if not left and not self._closing:
                    self._wake.wait_for(lambda: self._closing, PAUSE if delivered else PAUSE_AFTER_FAILURE)

    def _try(self, folder: Path) -> bool:
        assert self.store is not None
        try:
            deliver(folder, self.store)
        except Exception as error:  # whatever MLflow, its database or the network raises: the training goes on
            if not self._failed:
                reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
                print(
                    f"warning: nothing can be delivered to {hide_password(self.store.uri)} ({hide_password(reason)}); "
                    f"the journals in {folder.parent} keep everything",
                    file=sys.stderr,
                )
            self._failed = True
            return False
        self._failed = False
        return True
