"""Bringing every journal of a state folder to a tracking store: what could not be delivered when it was written."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from eyechart.core import paths, terminal
from eyechart.core.errors import EyechartError, in_words
from eyechart.core.passwords import hide_password
from eyechart.core.within import PathError, within
from eyechart.runs.cursor import deleted, delivered, delivered_bytes
from eyechart.runs.files import BrokenFile
from eyechart.runs.journal import KINDS, BrokenJournal, is_private, journals
from eyechart.runs.recovery import close_abandoned
from eyechart.tracking.config import TrackingConfig
from eyechart.tracking.courier import MLflowCourier
from eyechart.tracking.delivery import ask_again, deliver
from eyechart.tracking.store import Store
from eyechart.tracking.waiting import tries

PATIENCE = 20.0  # seconds of tries that get nothing of a journal through; one try where the one before was given up
PATIENCE_TO_ASK = 3.0  # whether the store answers
PAUSE, LONGEST_PAUSE = 0.1, 1.0  # seconds between two tries: at first, and at last
LONG = 5.0  # seconds: what fails after more than this met a store that does not answer


@dataclass
class Synced:
    """What came of it, by journal.

    Attributes:
        delivered: so many per kind (`journal.KINDS`) were delivered, or what was left of them.
        there: so many had been delivered before.
        deleted: so many were deleted in MLflow by a person, and stay so.
        private: so many were trained with `tracking=none`, and are not for MLflow.
        undelivered: of each of the rest, by its folder, why.
        gave_up: whether the last one was given up because the store failed each time.
    """

    delivered: dict[str, int] = field(default_factory=dict)
    there: int = 0
    deleted: int = 0
    private: int = 0
    undelivered: dict[Path, str] = field(default_factory=dict)
    gave_up: bool = False

    @property
    def journals(self) -> int:
        """How many there are."""
        return sum(self.delivered.values()) + self.there + self.deleted + self.private + len(self.undelivered)

    def lines(self) -> list[str]:
        """The same in words, one line each."""
        new = [f"{count} {kind.removesuffix('s') if count == 1 else kind}" for kind, count in self.delivered.items()]
        found = {
            "there already": self.there,
            "deleted in MLflow, and left so": self.deleted,
            "with tracking=none, and passed by": self.private,
        }
        lines = [f"delivered: {', '.join(new) or 'nothing'}"]
        lines += [f"{what}: {count}" for what, count in found.items() if count]
        return lines + [f"not delivered: {folder}: {why}" for folder, why in self.undelivered.items()]


def state_folder(path: str | None) -> Path:
    """The state folder that a person named, or whose workspace they named; None: this workspace's.

    Raises:
        EyechartError: it is none.
    """
    if path is None:
        return paths.state()
    folder = Path(path).expanduser()
    found = [place for place in (folder, folder / paths.state().name) if any((place / kind).is_dir() for kind in KINDS)]
    if not found:
        raise EyechartError(
            f"journals must be a folder such as .eyechart, with {', '.join(KINDS[:-1])} or {KINDS[-1]} in it, "
            f"received {path}: type journals=PATH, or leave it out for this workspace's"
        )
    paths.check_format(found[0])
    return found[0].resolve()


def sync(state: Path, store: Store) -> Synced:
    """Deliver every journal of a state folder.

    Args:
        state: the state folder.
        store: where to.

    Raises:
        EyechartError: the store cannot be opened, or not any more.
    """
    _ask(store)  # what is wrong with it is told once, and not of each journal
    if state == paths.state():
        close_abandoned(MLflowCourier(TrackingConfig("none")))
    done, folders = Synced(), []
    for folder in journals(state):
        try:
            if state != paths.state():  # a person's own may be laid out by links
                within(state, str(folder.relative_to(state)))
            folders.append(folder)
        except PathError as error:
            done.undelivered[folder] = str(error)
    for folder in folders:  # all of them first: the parent of a run is named by what its cursor says
        _try(ask_again, folder, store, done)
    columns = (TextColumn("delivering"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        _hearing_interruptions() as interrupted,
        terminal.bar(*columns) as bar,
    ):
        for folder in bar.track(folders):
            if folder not in done.undelivered:
                try:
                    _settle(folder, store, done)
                except OSError as error:  # of another person
                    done.undelivered[folder] = in_words(error)
            if interrupted:
                raise KeyboardInterrupt
    return done


@contextmanager
def _hearing_interruptions() -> Iterator[list[int]]:
    """Note each Ctrl-C, because in some places the libraries below drop the exception that it raises."""
    heard: list[int] = []

    def hear(number: int, frame: object) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, before)


def _settle(folder: Path, store: Store, done: Synced) -> None:
    """Deliver one journal, and count what came of it."""
    uri = store.uri
    if is_private(folder) and not delivered_bytes(folder, uri):
        done.private += 1
        return
    new = not delivered(folder, uri)
    if new and not _try(deliver, folder, store, done):
        return
    if deleted(folder, uri):
        done.deleted += 1
    elif new:
        kind = folder.parent.name
        done.delivered[kind] = done.delivered.get(kind, 0) + 1
    else:
        done.there += 1


def _try(action: Callable[[Path, Store], None], folder: Path, store: Store, done: Synced) -> bool:
    """Do something with a journal, again where a store answers, but not each time; whether it was done.

    Raises:
        EyechartError: the store does not answer any more.
    """
    waiting = tries(PATIENCE, PAUSE, LONGEST_PAUSE)
    while True:
        last, before, began = next(waiting), delivered_bytes(folder, store.uri), time.monotonic()
        try:
            action(folder, store)
        except Exception as error:  # whatever is wrong with this one must not stop the others
            lasting = isinstance(error, BrokenJournal | BrokenFile | FileNotFoundError)
            if gets_on := delivered_bytes(folder, store.uri) > before:
                waiting = tries(PATIENCE, PAUSE, LONGEST_PAUSE)
            if lasting or ((last or done.gave_up) and not gets_on) or time.monotonic() - began > LONG:
                done.undelivered[folder] = hide_password((str(error).splitlines() or [type(error).__name__])[0])
                if not lasting:
                    done.gave_up = True
                    _check_that_it_answers(store, done)
                return False
        else:
            done.gave_up = False
            return True


def _ask(store: Store) -> None:
    """Raise what the store raises where it does not answer, or refuses several times."""
    for last in tries(PATIENCE_TO_ASK, PAUSE, LONGEST_PAUSE):
        began = time.monotonic()
        try:
            store.ask()
            return
        except Exception:  # MLflow's, its database's, the network's
            if last or time.monotonic() - began > LONG:
                raise


def _check_that_it_answers(store: Store, done: Synced) -> None:
    """Raise EyechartError where the store does not answer any more: the others would fail too, each after a while."""
    try:
        _ask(store)
    except Exception as error:
        raise EyechartError(
            f"the tracking store {hide_password(store.uri)} does not answer any more "
            f"({hide_password(str(error).partition(chr(10))[0][:200])}); {done.lines()[0]}; "
            f"type the same again when it does, and it goes on"
        ) from error
