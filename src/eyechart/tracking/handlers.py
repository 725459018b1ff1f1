"""What records of a journal become in MLflow, those that are told one by one. To tell one again changes nothing."""

from __future__ import annotations

import json
import tempfile
import uuid
from pathlib import Path
from typing import Any

from eyechart.core.within import plain, relative
from eyechart.runs.files import file_of
from eyechart.runs.journal import RecordKind
from eyechart.runs.tags import REPLACED
from eyechart.tracking.store import once

THUMBNAIL = (256, 256)  # pixels of the picture that MLflow's grid of pictures shows
BEFORE_REPLACED = "replaced: "  # before the name of a run that was trained anew


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
    below = record.get("folder") or None
    client.log_artifact(run_id, str(file_of(folder, record["path"])), below and str(relative(below)))


def _image(client: Any, run_id: str, folder: Path, record: dict[str, Any]) -> None:
    """As MLflow's `log_image` does, under a name that is the same each time: that would add a second picture."""
    from PIL import Image, ImageOps

    key, time = plain(record["key"]), client.get_run(run_id).info.start_time
    name = f"{key}+step+0+timestamp+{time}+{uuid.uuid5(uuid.NAMESPACE_OID, key)}"
    with Image.open(file_of(folder, record["path"])) as opened, tempfile.TemporaryDirectory() as place:
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

    columns = json.loads(file_of(folder, record["path"]).read_text())
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

    model, run = file_of(folder, record["path"]), client.get_run(run_id)
    experiment_id = run.info.experiment_id
    found = client.search_logged_models([experiment_id], filter_string=f"source_run_id = '{run_id}'")
    logged = min(found, key=lambda model: model.status != LoggedModelStatus.READY, default=None)
    if logged is None:
        with once():
            logged = client.create_logged_model(experiment_id, name="model", source_run_id=run_id)
    if logged.status != LoggedModelStatus.READY:  # or where an earlier delivery left it half done
        with tempfile.TemporaryDirectory() as place:
            package_model(logged, run_id, model, record, Path(place))
            client.log_model_artifacts(logged.model_id, place)
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    for other in found:
        if other.model_id != logged.model_id:
            client.delete_logged_model(other.model_id)
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


def _replaced(client: Any, run_id: str, folder: Path, record: dict[str, Any]) -> None:
    name = client.get_run(run_id).info.run_name
    if not name.startswith(BEFORE_REPLACED):
        client.update_run(run_id, name=f"{BEFORE_REPLACED}{name}")
    client.set_tag(run_id, REPLACED, "true")


HANDLERS = {
    RecordKind.INPUT: _input,
    RecordKind.ARTIFACT: _artifact,
    RecordKind.IMAGE: _image,
    RecordKind.TABLE: _table,
    RecordKind.MODEL: _model,
    RecordKind.DESCRIPTION: _description,
    RecordKind.REPLACED: _replaced,
}
