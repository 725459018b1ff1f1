"""From a journal to MLflow. May be done again at any time: what is there already stays as it is.

How far it has come is saved after each step, see `cursor`. A process may be killed between any two: the next delivery
repeats the step, and each is written so that repeating it changes nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eyechart.core.errors import EyechartError
from eyechart.core.within import PathError, plain, within
from eyechart.runs.cursor import Cursor, CursorFile, cursor_of, delivered, delivered_run_id, lock
from eyechart.runs.journal import NAME, BrokenJournal, RecordKind, read_from
from eyechart.runs.tags import ATTEMPT
from eyechart.tracking.answers import NoAnswer
from eyechart.tracking.handlers import HANDLERS
from eyechart.tracking.store import Store, once
from eyechart.tracking.views import MOST, Order, keep_views
from eyechart.tracking.waiting import tries

METRICS_PER_BATCH, PARAMS_PER_BATCH = 1000, 100  # MLflow's limits
LONGEST_PARAM = 6000
KEPT = "mlflow.source.name"  # a tag that a run is given when it is the one that stays
PATIENCE_FOR_OTHERS = 20.0  # seconds to wait for other machines that make a run of the same run key
PAUSE = 0.2  # seconds, at first, between two looks at them
PATIENCE = 5.0  # seconds to wait for another process that delivers a run of which a view is to be kept


def deliver(folder: Path, store: Store, patience: float = -1) -> None:
    """Bring what the journal in `folder` says, and has not been delivered yet, to MLflow.

    A run that a person deleted in MLflow stays deleted.

    Args:
        folder: of the journal.
        store: where to.
        patience: seconds to wait for another process that delivers the same; -1: until it has ended.

    Raises:
        Timeout: another process delivers the same.
        BrokenJournal: what stands before the broken record has been delivered.
        Exception: whatever MLflow raises; what was delivered until then is remembered.
    """
    with lock(folder, patience):
        progress = CursorFile(folder, store.uri)
        if progress.cursor.deleted:
            return
        try:
            _deliver(progress, store)
        except Exception as error:
            # an answer, not the lack of one; to ask a store that does not answer would take its time once more
            answered = getattr(error, "error_code", None) in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")
            if not (answered and _deleted_in_mlflow(store, progress.cursor.run_id)):
                raise
            progress.save(deleted=True)


def ask_again(folder: Path, store: Store) -> None:
    """See whether the store still has the run of the journal in `folder`, or has it again.

    One that it has never heard of, because it was begun anew, is delivered anew from then on. What a person deleted
    stays deleted until a person restores it.

    Raises:
        Exception: whatever MLflow raises.
    """
    with lock(folder):
        progress = CursorFile(folder, store.uri)
        if not progress.cursor.run_id:
            return
        known = progress.cursor.deleted
        try:
            deleted = _deleted_in_mlflow(store, progress.cursor.run_id)
        except _Lost:
            if not known:
                progress.cursor = Cursor()
                progress.save()
        else:
            if deleted != known:
                progress.save(deleted=deleted)


class _Lost(EyechartError):
    """A store does not know a run that was delivered to it."""


def _deleted_in_mlflow(store: Store, run_id: str) -> bool:
    """Whether a person deleted a run. Raises _Lost where the store has never heard of it."""
    if not run_id:
        return False
    from mlflow.exceptions import MlflowException

    try:
        return bool(store.client.get_run(run_id).info.lifecycle_stage == "deleted")
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise _Lost(
                f"the tracking store does not know the run {run_id} any more, which had been delivered to it: "
                f"type python pipelines/sync.py to deliver it anew"
            ) from None
        raise


def _begun(folder: Path, store: Store, patience: float = -1) -> str:
    """The id of the MLflow run of a journal, of which no more is delivered than it takes to make that run.

    Empty where there is no journal, or none that can be read.
    """
    if not (folder / NAME).exists():
        return ""
    if made := cursor_of(folder, store.uri).run_id:  # its lock may be held by whoever asks: a view makes a sweep's runs
        return made
    with lock(folder, patience):
        progress = CursorFile(folder, store.uri)
        if not progress.cursor.run_id:
            try:
                _deliver(progress, store, only_start=True)
            except BrokenJournal:  # it is told of where it is itself to be delivered
                return ""
    return progress.cursor.run_id


def _deliver(progress: CursorFile, store: Store, *, only_start: bool = False) -> None:
    cursor, folder = progress.cursor, progress.folder
    # what MLflow knows must not be lost by the journal when the power fails: it would be trained, and told of, again
    if store.served and cursor.run_id and not delivered(folder, store.uri):
        store.client.get_run(cursor.run_id)  # what is told from here on may be answered by nothing, also by a nobody
    if not _reaches(folder / NAME, cursor.offset):  # a journal that has lost its end, or an older copy
        cursor.offset, cursor.shared = 0, True
    batch = _Batch(store, progress)
    try:
        for record, offset in read_from(folder, cursor.offset):
            kind = record["kind"]
            if kind in (RecordKind.PARAMS, RecordKind.TAGS, RecordKind.METRICS):
                batch.add(record, offset)
                continue
            batch.send()
            if kind == RecordKind.START:
                _start(record, store, progress)
                if cursor.deleted:
                    return
            elif kind == RecordKind.END:
                if not _finished_by_another(store, cursor):
                    store.client.set_terminated(cursor.run_id, status=record["status"], end_time=record["t"])
            elif kind == RecordKind.VIEWS:
                _views(record, store, progress)
            elif kind in HANDLERS:
                with _leaving_out(folder, kind):
                    HANDLERS[kind](store.client, cursor.run_id, folder, record)
            else:
                raise EyechartError(
                    f"the journal in {folder} has a record of the kind '{kind}', which this version of Eyechart does "
                    f"not know: deliver it with the version that wrote it"
                )
            progress.save(offset=offset)
            if only_start and kind == RecordKind.START:
                return
    except BrokenJournal:
        batch.send()
        raise
    batch.send()


@contextmanager
def _leaving_out(folder: Path, what: str) -> Iterator[None]:
    """Leave out, and say so, what would be read or written where nothing may be: the rest of a journal is delivered."""
    try:
        yield
    except PathError as error:
        print(f"warning: the journal in {folder} is delivered without this {what}: {error}", file=sys.stderr)


def _reaches(journal: Path, offset: int) -> bool:
    """Bring a journal to the disk, and say whether a record ends at this byte of it."""
    if not journal.exists():
        return offset == 0
    with journal.open("rb") as file:
        os.fsync(file.fileno())
        if offset == 0:
            return True
        file.seek(offset - 1)
        return file.read(1) == b"\n"


class _Batch:
    """Parameters, tags and metrics on their way, many to a call."""

    def __init__(self, store: Store, progress: CursorFile):
        self._store, self._progress = store, progress
        self._offset = 0
        self._clear()

    def _clear(self) -> None:
        self._params: list[Any] = []
        self._tags: list[Any] = []
        self._metrics: list[Any] = []

    def add(self, record: dict[str, Any], offset: int) -> None:
        """Take a record that ends at this offset; a full batch is sent."""
        from mlflow.entities import Metric, Param, RunTag

        for name, value in record["values"].items():
            if record["kind"] == RecordKind.METRICS:
                self._metrics.append(Metric(name, value, record["t"], record["step"]))
            elif record["kind"] == RecordKind.PARAMS:
                self._params.append(Param(name, str(value)[:LONGEST_PARAM]))
            else:
                self._tags.append(RunTag(name, str(value)))
        self._offset = offset
        told = len(self._params) + len(self._tags)
        if len(self._metrics) > METRICS_PER_BATCH - 100 or told > PARAMS_PER_BATCH - 50:
            self.send()

    def send(self) -> None:
        """Send what there is. To send it again changes nothing: MLflow drops a metric of the same time and value."""
        if not (self._params or self._tags or self._metrics):
            return
        client, run_id = self._store.client, self._progress.cursor.run_id
        if self._progress.cursor.shared:  # where they differ, the first record of a step counts
            params = client.get_run(run_id).data.params
            self._params = [param for param in self._params if param.key not in params]
            names = {metric.key for metric in self._metrics}
            known = {(name, metric.step) for name in names for metric in client.get_metric_history(run_id, name)}
            self._metrics = [metric for metric in self._metrics if (metric.key, metric.step) not in known]
        client.log_batch(run_id, metrics=self._metrics, params=self._params, tags=self._tags)
        self._clear()
        self._progress.save(offset=self._offset)


def _start(record: dict[str, Any], store: Store, progress: CursorFile) -> None:
    """Find the MLflow run by its tag, or make it."""
    client, cursor = store.client, progress.cursor
    if cursor.run_id:  # a further attempt at the same run
        if not _finished_by_another(store, cursor):
            client.update_run(cursor.run_id, status="RUNNING")
        return
    named = [record.get(field) for field in ("name", "experiment_name")]
    identity = record.get("identity")
    if not (all(named) and isinstance(identity, list) and len(identity) == 2):
        raise BrokenJournal(f"the journal in {progress.folder} does not say whose it is: move its folder away")
    cursor.experiment_id = store.experiment_id(record["experiment_name"])
    run = _kept(record, store, progress)
    cursor.run_id, cursor.shared = str(run.info.run_id), bool(run.info.start_time != record["t"])
    if run.info.lifecycle_stage == "deleted":
        progress.save(deleted=True)


def _kept(record: dict[str, Any], store: Store, progress: CursorFile) -> Any:
    """The MLflow run of a run key that stays, where several machines may make one at the same moment; made if need be.

    One that a person deleted is given as it is, if it is of this very journal.

    Each makes its own before it looks, so of two at least one sees both. Who sees no other keeps its own; else the
    first waits until every other is either kept or gone, and all that come after it remove theirs and wait until what
    its maker has to say at once is said: told by two at the same moment, a step would be there twice.
    """
    client, made, contended = store.client, False, False
    for last in tries(PATIENCE_FOR_OTHERS, PAUSE):
        found = list(_runs_of(record, store, progress.cursor.experiment_id))
        runs = [run for run in found if run.info.lifecycle_stage == "active"]
        if not runs:
            lost = [run for run in found if run.info.start_time == record["t"]]
            if lost and not contended:
                return lost[0]
            if not made:
                _create(record, store, progress)
                made = True
            continue
        first, *others = sorted(runs, key=lambda run: (KEPT not in run.data.tags, run.info.start_time, run.info.run_id))
        own = [run for run in others if run.info.start_time == record["t"]]  # made by a delivery of this journal
        for run in own:
            client.delete_run(run.info.run_id)
        mine, made = first.info.start_time == record["t"], made and not own
        if KEPT in first.data.tags:
            contended = contended or bool(own)
            if mine or last or not contended or first.info.status == "FINISHED":
                return first
        elif last or (mine and len(own) == len(others)):  # last: whoever made it, or another, has been killed
            client.set_tag(first.info.run_id, KEPT, record.get("source", ""))
            return first
        contended = True
    raise NoAnswer(f"expected the server to show the run that it was told to make within {PATIENCE_FOR_OTHERS:.0f} s")


def _runs_of(record: dict[str, Any], store: Store, experiment_id: str) -> Iterator[Any]:
    """The MLflow runs, deleted ones too, of the attempt that a journal's first record tells of."""
    from mlflow.entities import ViewType

    (tag, value), attempt = record["identity"], str(record.get("attempt", 1))
    wanted = f"tags.`{tag}` = '{value}'"
    for run in store.client.search_runs([experiment_id], filter_string=wanted, run_view_type=ViewType.ALL):
        if run.data.tags.get(ATTEMPT, "1") == attempt:
            yield run


def _create(record: dict[str, Any], store: Store, progress: CursorFile) -> None:
    (tag, value), attempt = record["identity"], str(record.get("attempt", 1))
    tags = {tag: value, "mlflow.source.type": "LOCAL"}
    if attempt != "1":
        tags[ATTEMPT] = attempt
    for key, kind in (("parent", "sweeps"), ("parent_run", "runs")):
        # what a parent says at its end is of its runs, which have to be there by then
        if record.get(key):
            with _leaving_out(progress.folder, key):
                beside = within(progress.folder.parents[1] / kind, plain(record[key]))
                if parent := _begun(beside, store):
                    tags["mlflow.parentRunId"] = parent
    with once():
        store.client.create_run(
            progress.cursor.experiment_id, start_time=record["t"], tags=tags, run_name=record["name"]
        )


def _finished_by_another(store: Store, cursor: Cursor) -> bool:
    """Whether the run is finished in MLflow by what another journal said of it."""
    return cursor.shared and bool(store.client.get_run(cursor.run_id).info.status == "FINISHED")


def _views(record: dict[str, Any], store: Store, progress: CursorFile) -> None:
    folders = []
    for run_key in record["runs"]:
        with _leaving_out(progress.folder, "run of a view"):
            folders.append(within(progress.folder.parents[1] / "runs", plain(run_key)))
    for folder in folders:
        _begun(folder, store, PATIENCE)
    known = (delivered_run_id(folder, store.uri) for folder in folders)
    found = [run_id for run_id in known if run_id][:MOST]
    if found:
        cursor, order = progress.cursor, Order(record["order_by"], record["ascending"])
        cursor.experiment_id = cursor.experiment_id or store.client.get_run(cursor.run_id).info.experiment_id
        keep_views(store.client, cursor.experiment_id, progress.folder.name, record["name"], order, found)
