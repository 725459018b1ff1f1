"""How far each journal has been delivered to each store, noted beside it: where the next delivery goes on."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from eyechart.core import paths
from eyechart.core.files import write_json
from eyechart.core.passwords import hide_password
from eyechart.runs.journal import NAME, journals
from eyechart.runs.listing import passing_over

CURSOR = "delivery.json"
DELIVERY_LOCK = "delivery.lock"


@dataclass
class Cursor:
    """How far a journal has been delivered to one store.

    Attributes:
        offset: the bytes of the journal that have been delivered.
        run_id: of the MLflow run; empty before it is made.
        experiment_id: of its MLflow experiment.
        shared: whether MLflow may know of the run what this journal does not say, because another told of it first.
        deleted: whether a person deleted the run in MLflow, and nothing more is to be delivered.
    """

    offset: int = 0
    run_id: str = ""
    experiment_id: str = ""
    shared: bool = False
    deleted: bool = False


class CursorFile:
    """The cursor of one journal for one store, on disk."""

    def __init__(self, folder: Path, uri: str):
        self.folder, self._path, self._uri = folder, _notes(folder) / CURSOR, hide_password(uri)
        self.cursor = cursor_of(folder, uri)

    def save(self, **changed: Any) -> None:
        """Write the cursor to the disk, with these of its values changed."""
        _check_there(self._path.parent)
        for name, value in changed.items():
            setattr(self.cursor, name, value)
        known = {uri: asdict(cursor) for uri, cursor in _cursors(self.folder).items()}
        write_json(self._path, known | {self._uri: asdict(self.cursor)})


def _check_there(notes: Path) -> None:
    """Raise FileNotFoundError where a folder was moved away: one made in its place would keep it from coming back."""
    if not notes.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(notes))


def _notes(folder: Path) -> Path:
    """Where it is noted how far the journal in `folder` has been delivered: beside it, if that can be written."""
    if os.access(folder, os.W_OK) or not folder.exists():
        return folder
    return paths.own_notes() / "read_only" / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:20]


def _cursors(folder: Path) -> dict[str, Cursor]:
    """How far a journal has been delivered, by store; nothing where that is lost: to deliver again changes nothing."""
    try:
        known = json.loads((_notes(folder) / CURSOR).read_text())
        return {uri: _cursor(said) for uri, said in known.items()}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}


def _cursor(said: dict[str, Any]) -> Cursor:
    """A cursor as it was noted. Raises TypeError where it is of another form."""
    cursor = Cursor(**{field.name: said[field.name] for field in fields(Cursor) if field.name in said})
    if any(type(value) is not type(getattr(Cursor(), name)) for name, value in asdict(cursor).items()):
        raise TypeError("expected a cursor")
    return cursor


def cursor_of(folder: Path, uri: str) -> Cursor:
    """How far a journal has been delivered to the store at this address."""
    return _cursors(folder).get(hide_password(uri), Cursor())


def lock(folder: Path, patience: float = -1) -> FileLock:
    """Of the journal's delivery: two processes may tell of one run, and its model must arrive once."""
    notes = _notes(folder)
    if notes != folder:
        notes.mkdir(parents=True, exist_ok=True)
    _check_there(notes)
    return FileLock(notes / DELIVERY_LOCK, timeout=patience)


def delivered_run_id(folder: Path, uri: str) -> str | None:
    """The id of the MLflow run of the journal in `folder`; None if it was not delivered, or deleted there."""
    cursor = cursor_of(folder, uri)
    return None if cursor.deleted else cursor.run_id or None


def delivered_experiment_id(folder: Path, uri: str) -> str | None:
    """The id of the MLflow experiment of that run; None if it was not delivered."""
    return cursor_of(folder, uri).experiment_id or None


def delivered(folder: Path, uri: str) -> bool:
    """Whether nothing that the journal in `folder` says is left to be delivered to the store at this address."""
    cursor = cursor_of(folder, uri)
    try:
        return cursor.deleted or cursor.offset == (folder / NAME).stat().st_size
    except FileNotFoundError:  # there is none, or it is set aside at this moment
        return True


def delivered_bytes(folder: Path, uri: str) -> int:
    """How much of the journal in `folder` has been delivered to the store at this address."""
    return cursor_of(folder, uri).offset


def deleted(folder: Path, uri: str) -> bool:
    """Whether a person was seen to have deleted the MLflow run of the journal in `folder`."""
    return cursor_of(folder, uri).deleted


def run_ids(folder: Path) -> list[str]:
    """The ids of the MLflow runs that the journal in `folder` was delivered to, one per store."""
    return [cursor.run_id for cursor in _cursors(folder).values() if cursor.run_id]


def promise(folder: Path, uri: str) -> None:
    """Note that the journal in `folder` is to be delivered to this store, by whoever can."""
    if is_promised(folder, uri):
        return
    try:
        with lock(folder, 0):
            CursorFile(folder, uri).save()
    except Timeout:  # somebody delivers it at this moment, and notes more
        pass


def is_promised(folder: Path, uri: str) -> bool:
    """Whether the journal in `folder` is to be delivered to this store, or has been."""
    return hide_password(uri) in _cursors(folder)


def promised(state: Path, uri: str) -> list[Path]:
    """The folders of a state folder whose journals are to be delivered to this store, and have not been in full."""
    found = []
    for folder in journals(state):
        with passing_over():
            if is_promised(folder, uri) and not delivered(folder, uri):
                found.append(folder)
    return found
