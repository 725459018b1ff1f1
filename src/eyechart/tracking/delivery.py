"""From a journal to MLflow. May be done again at any time: what is there already stays as it is.

How far a journal has been delivered, to which store, is kept beside it, and saved after each step. A process may be
killed between any two: the next delivery repeats the step, and each is written so that repeating it changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from eyechart import paths
from eyechart.errors import EyechartError
from eyechart.files import write_json
from eyechart.tracking.config import hide_password
from eyechart.tracking.journal import NAME, BrokenJournal, journals, read_from
from eyechart.tracking.store import Store, once
from eyechart.tracking.tags import ATTEMPT, REPLACED
from eyechart.tracking.views import MOST, Order, keep_views

CURSOR = "delivery.json"
DELIVERY_LOCK = "delivery.lock"
METRICS_PER_BATCH, PARAMS_PER_BATCH = 1000, 100  # MLflow's limits
LONGEST_PARAM = 6000
THUMBNAIL = (256, 256)  # pixels of the picture that MLflow's grid of pictures shows
PATIENCE = 5.0  # seconds to wait for another process that delivers a run of which a view is to be kept
BEFORE_REPLACED = "replaced: "  # before the name of a run that was trained anew


@dataclass
class _Cursor:
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


class _Progress:
    """The cursor of one journal for one store, on disk."""

    def __init__(self, folder: Path, uri: str):
        self.folder, self._path, self._uri = folder, _notes(folder) / CURSOR, hide_password(uri)
        self.cursor = _cursor(folder, uri)

    def save(self, **changed: Any) -> None:
        for name, value in changed.items():
            setattr(self.cursor, name, value)
        known = {uri: asdict(cursor) for uri, cursor in _cursors(self.folder).items()}
        write_json(self._path, known | {self._uri: asdict(self.cursor)})


def _notes(folder: Path) -> Path:
    """Where it is noted how far the journal in `folder` has been delivered: beside it, if that can be written."""
    if os.access(folder, os.W_OK) or not folder.exists():
        return folder
    return paths.state() / "read_only" / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:20]


def _cursors(folder: Path) -> dict[str, _Cursor]:
    """How far a journal has been delivered, by store; nothing where that is lost: to deliver again changes nothing."""
    try:
        known = json.loads((_notes(folder) / CURSOR).read_text())
        names = [field.name for field in fields(_Cursor)]
        return {uri: _Cursor(**{name: said[name] for name in names if name in said}) for uri, said in known.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _cursor(folder: Path, uri: str) -> _Cursor:
    """How far a journal has been delivered to the store at this address."""
    return _cursors(folder).get(hide_password(uri), _Cursor())


def _lock(folder: Path, patience: float = -1) -> FileLock:
    """Of the journal's delivery: two processes may tell of one run, and its model must arrive once."""
    notes = _notes(folder)
    notes.mkdir(parents=True, exist_ok=True)
    return FileLock(notes / DELIVERY_LOCK, timeout=patience)


def delivered_run_id(folder: Path, uri: str) -> str | None:
    """The id of the MLflow run of the journal in `folder`; None if it was not delivered, or deleted there."""
    cursor = _cursor(folder, uri)
    return None if cursor.deleted else cursor.run_id or None


def delivered_experiment_id(folder: Path, uri: str) -> str | None:
    """The id of the MLflow experiment of that run; None if it was not delivered."""
    return _cursor(folder, uri).experiment_id or None


def delivered(folder: Path, uri: str) -> bool:
    """Whether nothing that the journal in `folder` says is left to be delivered to the store at this address."""
    journal, cursor = folder / NAME, _cursor(folder, uri)
    return cursor.deleted or not journal.exists() or cursor.offset == journal.stat().st_size


def delivered_bytes(folder: Path, uri: str) -> int:
    """How much of the journal in `folder` has been delivered to the store at this address."""
    return _cursor(folder, uri).offset


def deleted(folder: Path, uri: str) -> bool:
    """Whether a person was seen to have deleted the MLflow run of the journal in `folder`."""
    return _cursor(folder, uri).deleted


def run_ids(folder: Path) -> list[str]:
    """The ids of the MLflow runs that the journal in `folder` was delivered to, one per store."""
    return [cursor.run_id for cursor in _cursors(folder).values() if cursor.run_id]


def promise(folder: Path, uri: str) -> None:
    """Note that the journal in `folder` is to be delivered to this store, by whoever can."""
    if hide_password(uri) in _cursors(folder):
        return
    try:
        with _lock(folder, 0):
            _Progress(folder, uri).save()
    except Timeout:  # somebody delivers it at this moment, and notes more
        pass


def promised(state: Path, uri: str) -> list[Path]:
    """The folders of a state folder whose journals are to be delivered to this store, and have not been in full."""
    return [
        folder for folder in journals(state) if hide_password(uri) in _cursors(folder) and not delivered(folder, uri)
    ]


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
    with _lock(folder, patience):
        progress = _Progress(folder, store.uri)
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
    with _lock(folder):
        progress = _Progress(folder, store.uri)
        if not progress.cursor.run_id:
            return
        known = progress.cursor.deleted
        try:
            deleted = _deleted_in_mlflow(store, progress.cursor.run_id)
        except _Lost:
            if not known:
                progress.cursor = _Cursor()
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
    if made := _cursor(folder, store.uri).run_id:  # its lock may be held by whoever asks: a view makes a sweep's runs
        return made
    with _lock(folder, patience):
        progress = _Progress(folder, store.uri)
        if not progress.cursor.run_id:
            try:
                _deliver(progress, store, only_start=True)
            except BrokenJournal:  # it is told of where it is itself to be delivered
                return ""
    return progress.cursor.run_id


def _deliver(progress: _Progress, store: Store, *, only_start: bool = False) -> None:
    cursor, folder = progress.cursor, progress.folder
    # what MLflow knows must not be lost by the journal when the power fails: it would be trained, and told of, again
    if not _reaches(folder / NAME, cursor.offset):  # a journal that has lost its end, or an older copy
        cursor.offset, cursor.shared = 0, True
    batch = _Batch(store, progress)
    try:
        for record, offset in read_from(folder, cursor.offset):
            kind = record["kind"]
            if kind in ("params", "tags", "metrics"):
                batch.add(record, offset)
                continue
            batch.send()
            if kind == "start":
                _start(record, store, progress)
                if cursor.deleted:
                    return
            elif kind == "end":
                if not _finished_by_another(store, cursor):
                    store.client.set_terminated(cursor.run_id, status=record["status"], end_time=record["t"])
            elif kind == "views":
                _views(record, store, progress)
            elif kind in _SAY:
                _SAY[kind](store.client, cursor.run_id, folder, record)
            else:
                raise EyechartError(
                    f"the journal in {folder} has a record of the kind '{kind}', which this version of Eyechart does "
                    f"not know: deliver it with the version that wrote it"
                )
            progress.save(offset=offset)
            if only_start and kind == "start":
                return
    except BrokenJournal:
        batch.send()
        raise
    batch.send()


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

    def __init__(self, store: Store, progress: _Progress):
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
            if record["kind"] == "metrics":
                self._metrics.append(Metric(name, value, record["t"], record["step"]))
            elif record["kind"] == "params":
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


def _start(record: dict[str, Any], store: Store, progress: _Progress) -> None:
    """Find the MLflow run by its tag, or make it."""
    client, cursor = store.client, progress.cursor
    if cursor.run_id:  # a further attempt at the same run
        if not _finished_by_another(store, cursor):
            client.update_run(cursor.run_id, status="RUNNING")
        return
    cursor.experiment_id = store.experiment_id(record["experiment_name"])
    runs = list(_runs_of(record, store, cursor.experiment_id))
    active = [run for run in runs if run.info.lifecycle_stage == "active"]
    if not active:
        lost = [run for run in runs if run.info.start_time == record["t"]]
        if lost:  # of this very journal: a person deleted it
            progress.save(run_id=str(lost[0].info.run_id), deleted=True)
            return
        _create(record, store, progress)
        # another machine may have made one at the same moment: both look again, and keep the same
        runs = list(_runs_of(record, store, cursor.experiment_id))
        active = [run for run in runs if run.info.lifecycle_stage == "active"]
    # one that has something to show has been kept by whoever made it
    first, *others = sorted(active, key=lambda run: (not run.data.params, run.info.start_time, run.info.run_id))
    for run in others:
        if run.info.start_time == record["t"]:  # made by a delivery of this journal
            client.delete_run(run.info.run_id)
    cursor.run_id, cursor.shared = str(first.info.run_id), bool(first.info.start_time != record["t"])


def _runs_of(record: dict[str, Any], store: Store, experiment_id: str) -> Iterator[Any]:
    """The MLflow runs, deleted ones too, of the attempt that a journal's first record tells of."""
    from mlflow.entities import ViewType

    (tag, value), attempt = record["identity"], str(record.get("attempt", 1))
    wanted = f"tags.`{tag}` = '{value}'"
    for run in store.client.search_runs([experiment_id], filter_string=wanted, run_view_type=ViewType.ALL):
        if run.data.tags.get(ATTEMPT, "1") == attempt:
            yield run


def _create(record: dict[str, Any], store: Store, progress: _Progress) -> None:
    (tag, value), attempt = record["identity"], str(record.get("attempt", 1))
    tags = {tag: value, "mlflow.source.name": record.get("source", ""), "mlflow.source.type": "LOCAL"}
    if attempt != "1":
        tags[ATTEMPT] = attempt
    for key, kind in (("parent", "sweeps"), ("parent_run", "runs")):
        # what a parent says at its end is of its runs, which have to be there by then
        if record.get(key) and (parent := _begun(progress.folder.parents[1] / kind / record[key], store)):
            tags["mlflow.parentRunId"] = parent
    with once():
        store.client.create_run(
            progress.cursor.experiment_id, start_time=record["t"], tags=tags, run_name=record["name"]
        )


def _finished_by_another(store: Store, cursor: _Cursor) -> bool:
    """Whether the run is finished in MLflow by what another journal said of it."""
    return cursor.shared and bool(store.client.get_run(cursor.run_id).info.status == "FINISHED")


def _input(client: Any, run_id: str, folder: Path, record: dict[str, Any]) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=record["name"],
        digest=record["digest"][:36],  # MLflow's limit
        source_type="local",
        source=json.dumps({"uri": record["source"]}),
        profile=json.dumps(record["profile"]),
    )
    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])


def _artifact(client: Any, run_id: str, folder: Path, record: dict[str, Any]) -> None:
    client.log_artifact(run_id, str(folder / record["path"]), record.get("folder") or None)


def _image(client: Any, run_id: str, folder: Path, record: dict[str, Any]) -> None:
    """As MLflow's `log_image` does, under a name that is the same each time: that would add a second picture."""
    from PIL import Image, ImageOps

    key, time = record["key"], client.get_run(run_id).info.start_time
    name = f"{key}+step+0+timestamp+{time}+{uuid.uuid5(uuid.NAMESPACE_OID, key)}"
    with Image.open(folder / record["path"]) as opened, tempfile.TemporaryDirectory() as place:
        picture = opened.convert("RGB")
        whole, small = Path(place) / f"{name}.png", Path(place) / f"{name}+compressed.webp"
        picture.save(whole)
        ImageOps.contain(picture, THUMBNAIL).save(small)
        for file in (whole, small):
            client.log_artifact(run_id, str(file), "images")
    client.set_tag(run_id, "mlflow.loggedImages", "True")


def _table(client: Any, run_id: str, folder: Path, record: dict[str, Any]) -> None:
    """As MLflow's `log_table` does, which would add the rows a second time."""
    import pandas as pd

    columns = json.loads((folder / record["path"]).read_text())
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / Path(record["path"]).name
        pd.DataFrame(columns).to_json(file, orient="split", index=False)
        client.log_artifact(run_id, str(file))
    tag = "mlflow.loggedArtifacts"
    known = json.loads(client.get_run(run_id).data.tags.get(tag, "[]"))
    entry = {"path": file.name, "type": "table"}
    if entry not in known:
        client.set_tag(run_id, tag, json.dumps([*known, entry]))


def _model(client: Any, run_id: str, folder: Path, record: dict[str, Any]) -> None:
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    from eyechart.tracking.package import package_model

    run = client.get_run(run_id)
    experiment_id = run.info.experiment_id
    found = client.search_logged_models([experiment_id], filter_string=f"source_run_id = '{run_id}'")
    logged = min(found, key=lambda model: model.status != LoggedModelStatus.READY, default=None)
    if logged is None:
        with once():
            logged = client.create_logged_model(experiment_id, name="model", source_run_id=run_id)
    if logged.status != LoggedModelStatus.READY:  # or where an earlier delivery left it half done
        with tempfile.TemporaryDirectory() as place:
            package_model(logged, run_id, folder / record["path"], record, Path(place))
            client.log_model_artifacts(logged.model_id, place)
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    for model in found:
        if model.model_id != logged.model_id:
            client.delete_logged_model(model.model_id)
    known = run.outputs.model_outputs if run.outputs else []
    if logged.model_id not in {output.model_id for output in known}:
        with once():
            client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])


def _description(client: Any, run_id: str, folder: Path, record: dict[str, Any]) -> None:
    run = client.get_run(run_id)
    lines = [record["text"]]
    if parent := run.data.tags.get("mlflow.parentRunId"):
        name, page = client.get_run(parent).info.run_name, f"#/experiments/{run.info.experiment_id}/runs/{parent}"
        lines.append(f"Part of [{name}]({page}).")
    client.set_tag(run_id, "mlflow.note.content", "\n\n".join(lines))


def _views(record: dict[str, Any], store: Store, progress: _Progress) -> None:
    runs = progress.folder.parents[1] / "runs"
    for run_key in record["runs"]:
        _begun(runs / run_key, store, PATIENCE)
    known = (delivered_run_id(runs / run_key, store.uri) for run_key in record["runs"])
    found = [run_id for run_id in known if run_id][:MOST]
    if found:
        cursor, order = progress.cursor, Order(record["order_by"], record["ascending"])
        cursor.experiment_id = cursor.experiment_id or store.client.get_run(cursor.run_id).info.experiment_id
        keep_views(store.client, cursor.experiment_id, progress.folder.name, record["name"], order, found)


def _replaced(client: Any, run_id: str, folder: Path, record: dict[str, Any]) -> None:
    name = client.get_run(run_id).info.run_name
    if not name.startswith(BEFORE_REPLACED):
        client.update_run(run_id, name=f"{BEFORE_REPLACED}{name}")
    client.set_tag(run_id, REPLACED, "true")


_SAY = {
    "input": _input,
    "artifact": _artifact,
    "image": _image,
    "table": _table,
    "model": _model,
    "description": _description,
    "replaced": _replaced,
}
