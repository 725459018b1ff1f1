"""The journal of a run or sweep: what it says, written before anybody else hears of it, and the truth about it.

An append-only file of JSON records, one a line, each with its `kind` and the time `t` in milliseconds since 1970:

| kind     | says                                                                                                |
|----------|-----------------------------------------------------------------------------------------------------|
| start    | `identity` (tag and value by which MLflow knows it), `attempt` (of a run: 1, and 1 more for each     |
|          | time that it was trained anew), `name`,                                                             |
|          | `experiment_name`, `parent` (a sweep) or `parent_run` (a run), `private` (`tracking=none`),         |
|          | `source` (the program)                                                                              |
| params   | `values`                                                                                            |
| tags     | `values`                                                                                            |
| input    | the data set: `name`, `digest`, `source`, `profile`                                                 |
| metrics  | `step`, `values`; the first record of a (name, step) counts                                         |
| artifact | `path`, `folder` in the run's artifacts                                                             |
| image    | `path`, `key` under which pictures of several runs are laid side by side                            |
| table    | `path` of a JSON table, by the name of which runs are compared                                      |
| model    | `path` of a `.keras` file, `image_shape`, `classes`, `class_names`, `dataset`, `backend`,           |
|          | `requirements`                                                                                      |
| views    | of a sweep, to be kept with its MLflow experiment: `name`, `runs` (run keys, best first),           |
|          | `order_by` (a metric), `ascending`                                                                  |
| description | `text` in Markdown, which takes the place of an earlier one                                      |
| end      | `status` (FINISHED, FAILED or KILLED), `result`, `message`, `pruned` (given up by a search),        |
|          | `warnings` (about the result, one line each), `files`, `diverged` (the epoch after which the        |
|          | network gave no numbers; absent where it always did)                                                |
| replaced | nothing: the run was trained anew, and counts no more                                               |

Paths are relative to the journal's folder. `files` says of files, by their paths, what they hold: `size` in bytes and
`sha256`. It may stand in any record; journals of earlier versions have none, and nothing is known of their files then.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from eyechart.core.errors import EyechartError

NAME = "journal.jsonl"
# what holds journals in a state folder, in the order in which they are delivered: scans and sweeps speak of runs
KINDS = ("runs", "scans", "replaced", "sweeps")


class RecordKind(StrEnum):
    """What a record of a journal is about; see the table above."""

    START = "start"
    PARAMS = "params"
    TAGS = "tags"
    INPUT = "input"
    METRICS = "metrics"
    ARTIFACT = "artifact"
    IMAGE = "image"
    TABLE = "table"
    MODEL = "model"
    VIEWS = "views"
    DESCRIPTION = "description"
    END = "end"
    REPLACED = "replaced"


class RunState(StrEnum):
    """How a run, a sweep or a scan ended; the words are MLflow's."""

    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


class BrokenJournal(EyechartError):
    """A journal cannot be read, or has a line, other than its last, that is no record or not as it should be."""


# what is read of records, and of which kind it is: where it stands, and where it has to
_FORM: dict[str, Any] = {
    "name": str,
    "experiment_name": str,
    "attempt": int,
    "step": int,
    "values": dict,
    "path": str,
    "backend": str,
    "status": str,
    "result": dict,
    "message": str,
    "warnings": list,
    "files": dict,
    "diverged": int,
}
_NEEDED = {
    RecordKind.PARAMS: ("values",),
    RecordKind.TAGS: ("values",),
    RecordKind.METRICS: ("step", "values"),
    RecordKind.ARTIFACT: ("path",),
    RecordKind.IMAGE: ("path",),
    RecordKind.TABLE: ("path",),
    RecordKind.MODEL: ("path",),
    RecordKind.DESCRIPTION: ("text",),
    RecordKind.END: ("status",),
}
_NUMBERS = ("best_epoch", "epochs", "parameters", "seconds", "members")  # of a result, with all that have a `/`


class MovedAway(EyechartError):
    """A state folder is not where it was when a process began to write to it."""


class Journal:
    """Appends to the journal in a folder, which is made if it is not there.

    A record that a crash cut in half is dropped. A metric that was recorded for a step before is not recorded again,
    so an epoch that is trained a second time after an interruption leaves one record.
    """

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.path = folder / NAME
        self._seen: set[tuple[str, int]] = set()
        end = 0
        for record, end in _records(self.path, 0):
            if record["kind"] == RecordKind.METRICS:
                _check_form(record, self.path, end)
                self._seen |= {(name, record["step"]) for name in record["values"]}
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.ftruncate(self._file, end)

    def append(self, kind: str, **values: Any) -> None:
        """Write one record.

        Raises:
            OSError: it cannot be written whole; nothing is left of it then.
            MovedAway: it was written to where the journal is now, which is not where others look for it.
        """
        record = {"kind": kind, "t": time.time_ns() // 1_000_000, **values}
        line = (json.dumps(record, ensure_ascii=False) + "\n").encode(errors="replace")
        written = os.write(self._file, line)
        if written < len(line):  # a full disk takes what it has room for; what came next would stand on a half line
            os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self.check_in_place()

    def check_in_place(self) -> None:
        """Raise MovedAway where the file that it writes to is not the one that others read."""
        if not self.in_place:
            raise MovedAway(
                f"expected {self.folder} where it was when this began, received none or another: it was moved or "
                f"removed meanwhile; put it back as it was, and type the same command again, which goes on"
            )

    @property
    def in_place(self) -> bool:
        """Whether the file that it writes to is still the one that others read."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._file))
        except OSError:
            return False

    def metrics(self, step: int, values: dict[str, float]) -> None:
        """Record metrics of one step; those that this step has already are left out."""
        new = {name: float(value) for name, value in values.items() if (name, step) not in self._seen}
        if new:
            self._seen |= {(name, step) for name in new}
            self.append(RecordKind.METRICS, step=step, values=new)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)


def read_journal(folder: Path) -> list[dict[str, Any]]:
    """Every whole record of the journal in `folder`; none if there is no journal.

    Raises:
        BrokenJournal: a line other than the last is no record.
    """
    return [record for record, _ in _records(folder / NAME, 0)]


def journals(state: Path) -> list[Path]:
    """Every folder with a journal in a state folder, in the order in which they are delivered."""
    return [folder for kind in KINDS for folder in sorted(state.glob(f"{kind}/*")) if _has_journal(folder)]


def _has_journal(folder: Path) -> bool:
    try:
        return (folder / NAME).exists()
    except PermissionError:  # whoever reads it says so
        return True


@dataclass(frozen=True)
class JournalState:
    """What a journal says as a whole: all of its records in one.

    Attributes:
        begun: the time of its first record, in milliseconds since 1970; None: there is no record.
        start: its last `start` record.
        params: of the run, by their names.
        tags: what was said last of each.
        model: its last `model` record.
        end: its last `end` record; None while it is at work, or if its process is gone and nobody has said so yet.
        replaced: whether the run was trained anew, and counts no more.
        files: kind and path of each record about a file.
        checksums: size and SHA-256 of files by their paths, as the attempt that ended last left them.
    """

    begun: int | None = None
    start: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    end: Mapping[str, Any] | None = None
    replaced: bool = False
    files: frozenset[tuple[str, str]] = frozenset()
    checksums: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]]) -> JournalState:
        """Fold the records of a journal, in their order, into its state."""
        said: dict[str, Any] = {"tags": {}, "checksums": {}}
        files: set[tuple[str, str]] = set()
        for record in records:
            kind = record["kind"]
            said.setdefault("begun", record["t"])
            if kind == RecordKind.START:
                said |= {"start": record, "end": None, "checksums": {}}
            elif kind == RecordKind.PARAMS:
                said["params"] = record["values"]
            elif kind == RecordKind.TAGS:
                said["tags"] |= record["values"]
            elif kind == RecordKind.MODEL:
                said["model"] = record
            elif kind == RecordKind.END:
                said["end"] = record
            elif kind == RecordKind.REPLACED:
                said["replaced"] = True
            if "path" in record:
                files.add((kind, record["path"]))
            said["checksums"] |= record.get("files", {})
        return cls(**said, files=frozenset(files))

    @classmethod
    def read(cls, folder: Path) -> JournalState:
        """The state of the journal in `folder`, read again only where that has grown.

        Raises:
            BrokenJournal: it cannot be read, or a record is not as it should be.
        """
        path = folder / NAME
        try:
            file = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return cls()
        except OSError as error:
            raise _unreadable(path, error) from None
        return _read_state(path, file.st_mtime_ns, file.st_size)

    @property
    def state(self) -> RunState | None:
        """How it ended; None while it is at work, and where it was never begun."""
        return None if self.end is None else RunState(self.end["status"])

    @property
    def finished(self) -> bool:
        """Whether it ended well."""
        return self.state == RunState.FINISHED

    @property
    def diverged(self) -> int:
        """The epoch in which its network diverged; 0: in none, or nobody has said so."""
        said = 0 if self.end is None else self.end.get("diverged")
        return said if isinstance(said, int) else 0

    @property
    def message(self) -> str:
        """What its end says of why; empty where it says nothing."""
        return "" if self.end is None else str(self.end.get("message", ""))


# a sweep asks again and again what its runs came to; a journal that has grown meanwhile is another file
@functools.lru_cache(maxsize=4096)
def _read_state(path: Path, changed: int, size: int) -> JournalState:
    return JournalState.of(record for record, _ in _well_formed(path, 0))


def read_metrics(folder: Path, name: str) -> dict[int, float]:
    """The values of a metric by step, as the journal in `folder` has them; the first of a step counts."""
    values: dict[int, float] = {}
    for record, _ in _well_formed(folder / NAME, 0):
        if record["kind"] == RecordKind.METRICS and name in record["values"]:
            values.setdefault(record["step"], record["values"][name])
    return values


def read_from(folder: Path, offset: int) -> Iterator[tuple[dict[str, Any], int]]:
    """The whole records from byte `offset` on, each with the offset behind it.

    Raises:
        BrokenJournal: it cannot be read, or a record is not as it should be.
    """
    return _well_formed(folder / NAME, offset)


def _well_formed(path: Path, offset: int) -> Iterator[tuple[dict[str, Any], int]]:
    for record, end in _records(path, offset):
        _check_form(record, path, end)
        yield record, end


def _check_form(record: Mapping[str, Any], path: Path, end: int) -> None:
    """Raise BrokenJournal where a record lacks what is read of its kind, or has it in another form."""
    lacking = [name for name in _NEEDED.get(record["kind"], ()) if name not in record]
    wrong = [name for name, kind in _FORM.items() if name in record and not isinstance(record[name], kind)]
    if record["kind"] == RecordKind.END and not wrong and not lacking:
        wrong += [] if record["status"] in set(RunState) else ["status"]
        wrong += [
            f"result: {name}"
            for name, value in record.get("result", {}).items()
            if (name in _NUMBERS or "/" in name) and not isinstance(value, int | float | None)
        ]
    if lacking or wrong:
        raise _broken(path, end, f"whose '{wrong[0]}' is not what it should be" if wrong else f"without '{lacking[0]}'")


def _broken(path: Path, end: int, what: str = "") -> BrokenJournal:
    what = f", {what}" if what else ""
    return BrokenJournal(
        f"the journal {path} has a broken record before byte {end}{what}: move its folder away to train the run anew"
    )


def _unreadable(path: Path, error: OSError) -> BrokenJournal:
    return BrokenJournal(
        f"the journal {path} cannot be read ({error.strerror}): change its permissions, or move its folder away"
    )


def _records(path: Path, offset: int) -> Iterator[tuple[dict[str, Any], int]]:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            lines = file.read().split(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise _unreadable(path, error) from None
    for line in lines[:-1]:  # what follows the last line end is a record cut in half, or nothing
        offset += len(line) + 1
        try:
            record = json.loads(line)
            if not (isinstance(record["kind"], str) and isinstance(record["t"], int)):
                raise TypeError("expected a kind and a time")
        except (ValueError, TypeError, KeyError, RecursionError):
            raise _broken(path, offset) from None
        yield record, offset


def is_private(folder: Path) -> bool:
    """Whether what the journal in `folder` says was trained, or asked, with `tracking=none` when it was last."""
    private = False
    with suppress(BrokenJournal):  # it is told of when it is delivered
        for record, _ in _records(folder / NAME, 0):
            if record["kind"] == RecordKind.START:
                private = record.get("private", False)
    return private
