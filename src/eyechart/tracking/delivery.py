"""From a journal to MLflow. May be done again at any time: what is there already stays as it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from eyechart import paths
from eyechart.files import write_json
from eyechart.tracking.config import hide_password
from eyechart.tracking.journal import NAME, read_from
from eyechart.tracking.store import Store
from eyechart.tracking.views import MOST, Order, keep_views

CURSOR = "delivery.json"
DELIVERY_LOCK = "delivery.lock"
METRICS_PER_BATCH, PARAMS_PER_BATCH = 1000, 100  # MLflow's limits
LONGEST_PARAM = 6000
ATTEMPT = "eyechart.attempt"  # tells runs of one run key apart, where one was trained anew
REPLACED = "replaced: "  # before the name of a run that was trained anew


@dataclass
class _Cursor:
    """How far a journal has been delivered to one store."""

    path: Path
    uri: str
    offset: int = 0
    run_id: str = ""
    experiment_id: str = ""

    @classmethod
    def load(cls, folder: Path, uri: str) -> _Cursor:
        path = folder / CURSOR
        return cls(path, uri, **_cursors(path).get(hide_password(uri), {}))

    def save(self) -> None:
        known = _cursors(self.path)
        here = {"offset": self.offset, "run_id": self.run_id, "experiment_id": self.experiment_id}
        write_json(self.path, known | {hide_password(self.uri): here})


def _cursors(path: Path) -> dict[str, Any]:
    """How far a journal has been delivered, by store; nothing where that is lost: to deliver again changes nothing."""
    try:
        known: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return known


def delivered_run_id(folder: Path, uri: str) -> str | None:
    """The id of the MLflow run that the journal in `folder` was delivered to; None if it was not."""
    return _Cursor.load(folder, uri).run_id or None


def delivered_experiment_id(folder: Path, uri: str) -> str | None:
    """The id of the MLflow experiment of that run; None if it was not delivered."""
    return _Cursor.load(folder, uri).experiment_id or None


def delivered(folder: Path, uri: str) -> bool:
    """Whether all that the journal in `folder` says has been delivered to the store at this address."""
    journal = folder / NAME
    return not journal.exists() or _Cursor.load(folder, uri).offset == journal.stat().st_size


def run_ids(folder: Path) -> list[str]:
    """The ids of the MLflow runs that the journal in `folder` was delivered to, one per store."""
    return [known["run_id"] for known in _cursors(folder / CURSOR).values()]


def deliver(folder: Path, store: Store) -> None:
    """Bring what the journal in `folder` says, and has not been delivered yet, to MLflow.

    Raises whatever MLflow raises; what was delivered until then is remembered.
    """
    with FileLock(folder / DELIVERY_LOCK):  # two processes may tell of one run, and its model must arrive once
        _deliver(folder, store)


def _begun(folder: Path, store: Store) -> str:
    """The id of the MLflow run of a journal, of which no more is delivered than it takes to make that run."""
    with FileLock(folder / DELIVERY_LOCK):
        cursor = _Cursor.load(folder, store.uri)
        if not cursor.run_id:
            _deliver(folder, store, only_start=True)
            cursor = _Cursor.load(folder, store.uri)
    return cursor.run_id


def _deliver(folder: Path, store: Store, *, only_start: bool = False) -> None:
    cursor = _Cursor.load(folder, store.uri)
    batch = _Batch()
    for record, offset in read_from(folder, cursor.offset):
        kind = record["kind"]
        if kind in ("params", "tags", "metrics"):
            batch.add(record)
            if batch.full:
                batch.send(store, cursor.run_id)
                cursor.offset = offset
                cursor.save()
            continue
        batch.send(store, cursor.run_id)
        if kind == "start":
            cursor.run_id = _start(record, store, cursor.run_id)
            cursor.experiment_id = store.experiment_id(record["experiment_name"])
        elif kind == "views":
            cursor.experiment_id = cursor.experiment_id or store.client.get_run(cursor.run_id).info.experiment_id
            _views(record, store, cursor.experiment_id, folder.name)
        else:
            _SAY[kind](store.client, cursor.run_id, folder, record)
        cursor.offset = offset
        cursor.save()
        if only_start and kind == "start":
            return
    if batch.send(store, cursor.run_id):
        cursor.offset = offset
        cursor.save()


class _Batch:
    """Parameters, tags and metrics on their way, many to a call."""

    def __init__(self) -> None:
        self.params: list[Any] = []
        self.tags: list[Any] = []
        self.metrics: list[Any] = []

    @property
    def full(self) -> bool:
        return len(self.metrics) > METRICS_PER_BATCH - 100 or len(self.params) + len(self.tags) > PARAMS_PER_BATCH - 50

    def add(self, record: dict[str, Any]) -> None:
        from mlflow.entities import Metric, Param, RunTag

        for name, value in record["values"].items():
            if record["kind"] == "metrics":
                self.metrics.append(Metric(name, value, record["t"], record["step"]))
            elif record["kind"] == "params":
                self.params.append(Param(name, str(value)[:LONGEST_PARAM]))
            else:
                self.tags.append(RunTag(name, str(value)))

    def send(self, store: Store, run_id: str) -> bool:
        if not (self.params or self.tags or self.metrics):
            return False
        store.client.log_batch(run_id, metrics=self.metrics, params=self.params, tags=self.tags)
        self.__init__()  # type: ignore[misc]
        return True


def _start(record: dict[str, Any], store: Store, run_id: str) -> str:
    """Find the MLflow run by its tag, or make it."""
    client = store.client
    if run_id:  # a further attempt at the same run
        client.update_run(run_id, status="RUNNING")
        return run_id
    (tag, value), experiment_id = record["identity"], store.experiment_id(record["experiment_name"])
    attempt = str(record.get("attempt", 1))
    for run in client.search_runs([experiment_id], filter_string=f"tags.`{tag}` = '{value}'"):
        if run.data.tags.get(ATTEMPT, "1") == attempt:
            return str(run.info.run_id)
    tags = {tag: value, "mlflow.source.name": record.get("source", ""), "mlflow.source.type": "LOCAL"}
    if attempt != "1":
        tags[ATTEMPT] = attempt
    for key, place in (("parent", paths.sweeps()), ("parent_run", paths.runs())):
        if record.get(key):  # what a parent says at its end is of its runs, which have to be there by then
            tags["mlflow.parentRunId"] = _begun(place / record[key], store)
    run = client.create_run(experiment_id, start_time=record["t"], tags=tags, run_name=record["name"])
    return str(run.info.run_id)


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
    from PIL import Image

    # MLflow would add a second picture of the same key and step
    pictures = [Path(file.path).name for file in client.list_artifacts(run_id, "images")]
    if any(name.startswith(f"{record['key']}+step") for name in pictures):
        return
    with Image.open(folder / record["path"]) as picture:
        client.log_image(run_id, picture.convert("RGB"), key=record["key"], step=0)


def _table(client: Any, run_id: str, folder: Path, record: dict[str, Any]) -> None:
    columns = json.loads((folder / record["path"]).read_text())
    name = Path(record["path"]).name
    # MLflow would add the rows a second time
    if not any(file.path == name for file in client.list_artifacts(run_id)):
        client.log_table(run_id, columns, name)


def _model(client: Any, run_id: str, folder: Path, record: dict[str, Any]) -> None:
    import tempfile

    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    from eyechart.tracking.package import package_model

    run = client.get_run(run_id)
    experiment_id = run.info.experiment_id
    found = client.search_logged_models([experiment_id], filter_string=f"source_run_id = '{run_id}'")
    logged = next((model for model in found if model.status == LoggedModelStatus.READY), None)
    if logged is None:
        for model in found:  # what an interrupted delivery left
            client.delete_logged_model(model.model_id)
        logged = client.create_logged_model(experiment_id, name="model", source_run_id=run_id)
        with tempfile.TemporaryDirectory() as place:
            package_model(logged, run_id, folder / record["path"], record, Path(place))
            client.log_model_artifacts(logged.model_id, place)
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    known = run.outputs.model_outputs if run.outputs else []
    if logged.model_id not in {output.model_id for output in known}:
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])


def _end(client: Any, run_id: str, folder: Path, record: dict[str, Any]) -> None:
    client.set_terminated(run_id, status=record["status"], end_time=record["t"])


def _description(client: Any, run_id: str, folder: Path, record: dict[str, Any]) -> None:
    run = client.get_run(run_id)
    lines = [record["text"]]
    if parent := run.data.tags.get("mlflow.parentRunId"):
        name, page = client.get_run(parent).info.run_name, f"#/experiments/{run.info.experiment_id}/runs/{parent}"
        lines.append(f"Part of [{name}]({page}).")
    client.set_tag(run_id, "mlflow.note.content", "\n\n".join(lines))


def _views(record: dict[str, Any], store: Store, experiment_id: str, key: str) -> None:
    found = (delivered_run_id(paths.runs() / run_key, store.uri) for run_key in record["runs"])
    run_ids = [run_id for run_id in found if run_id][:MOST]
    if run_ids:
        order = Order(record["order_by"], record["ascending"])
        keep_views(store.client, experiment_id, key, record["name"], order, run_ids)


def _replaced(client: Any, run_id: str, folder: Path, record: dict[str, Any]) -> None:
    name = client.get_run(run_id).info.run_name
    if not name.startswith(REPLACED):
        client.update_run(run_id, name=f"{REPLACED}{name}")
    client.set_tag(run_id, "eyechart.replaced", "true")


_SAY = {
    "input": _input,
    "artifact": _artifact,
    "image": _image,
    "table": _table,
    "model": _model,
    "description": _description,
    "end": _end,
    "replaced": _replaced,
}
