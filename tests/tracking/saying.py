"""A run that says everything a run can say, and what an MLflow store knows of it afterwards."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.image import imsave

from eyechart.runs.journal import Journal
from eyechart.tracking.store import Store

# what other people's code warns of when MLflow opens a store and logs a table
THIRD_PARTY = (
    "ignore:The ``noload`` loader strategy:DeprecationWarning",
    "ignore:For backward compatibility, 'str' dtypes:DeprecationWarning",
)
IDENTITY = "eyechart.run_key"
EXPERIMENT = "a test"
MADE_BY = {"backend": "jax", "requirements": ["keras==3.15.1", "jax==0.10.2"]}


def start(journal: Journal, key: str, *, parent: str | None = None, identity: str = IDENTITY) -> None:
    journal.append("start", identity=[identity, key], name=f"run {key}", experiment_name=EXPERIMENT, parent=parent)


def say(folder: Path, key: str = "k1", *, model: bool = False, parent: str | None = None) -> Journal:
    """Two attempts at a run: the first failed after an epoch."""
    artifacts = folder / "artifacts"
    artifacts.mkdir(parents=True)
    (artifacts / "notes.txt").write_text("some notes")
    (artifacts / "scores.json").write_text(json.dumps({"class": ["a", "b"], "f1": [0.5, 0.25]}))
    imsave(artifacts / "picture.png", np.linspace(0, 1, 48).reshape(4, 4, 3))
    journal = Journal(folder)
    start(journal, key, parent=parent)
    journal.append("params", values={"model": "fnn", "optimizer.learning_rate": 0.01, "units": [32, 16]})
    journal.append("tags", values={"eyechart.device": "cpu"})
    journal.append("input", name="digits", digest="0" * 64, source="/data/digits", profile={"train": 30})
    journal.append("artifact", path="artifacts/notes.txt", folder="config")
    journal.metrics(1, {"train/loss": 2.0, "train/accuracy": 0.25})
    journal.append("end", status="FAILED", message="no memory")
    start(journal, key, parent=parent)
    for epoch in (1, 2, 3):
        journal.metrics(epoch, {"train/loss": 2 / epoch, "train/accuracy": epoch / 4})
    journal.append("artifact", path="artifacts/notes.txt")
    journal.append("image", path="artifacts/picture.png", key="picture")
    journal.append("table", path="artifacts/scores.json")
    if model:
        (artifacts / "model.keras").write_bytes(b"PK a model")
        journal.append("model", path="artifacts/model.keras", image_shape=[4, 4, 1], classes=2, **MADE_BY)
    journal.metrics(3, {"best/f1": 0.5})
    journal.append("end", status="FINISHED", result={"a": 1})
    return journal


def known(store: Store) -> list[dict[str, Any]]:
    """Everything the store knows of the runs of the experiment, without what differs from run to run: ids and times."""
    client = store.client
    experiment_id = store.experiment_id(EXPERIMENT)
    runs = client.search_runs([experiment_id])
    names = {run.info.run_id: run.info.run_name for run in runs}
    models = client.search_logged_models([experiment_id])
    return sorted((_known(client, run, names, models) for run in runs), key=lambda facts: str(facts["name"]))


def _known(client: Any, run: Any, names: dict[str, str], models: list[Any]) -> dict[str, Any]:
    run_id = run.info.run_id
    tags = {name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.log-model")}
    parent = tags.pop("mlflow.parentRunId", None)
    files = {
        folder: [f.path for f in client.list_artifacts(run_id, folder or None)] for folder in ("", "config", "images")
    }
    images = Counter(Path(path).name.partition("+")[0] + Path(path).suffix for path in files["images"])
    scores = "scores.json" in files[""] and Path(client.download_artifacts(run_id, "scores.json")).read_text()
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "parent": parent and names[parent],
        "params": run.data.params,
        "tags": tags,
        "metrics": {
            name: [(m.step, m.value) for m in client.get_metric_history(run_id, name)] for name in run.data.metrics
        },
        "inputs": [(i.dataset.name, [(t.key, t.value) for t in i.tags]) for i in run.inputs.dataset_inputs],
        "files": sorted(files[""] + files["config"]),
        "images": dict(images),
        "table": json.loads(scores) if scores else None,
        "models": sorted((m.name, m.status.value) for m in models if m.source_run_id == run_id),
        "outputs": len(run.outputs.model_outputs) if run.outputs else 0,
    }


class Unplugged(ConnectionError):
    """What the store below raises."""


class FailingStore(Store):
    """A store whose client fails once, at its n-th call: before doing anything, or after all is done but the answer."""

    def __init__(self, uri: str | None = None, *, fail_at: int = -1, after: bool = False):
        super().__init__(uri)
        self.calls: list[str] = []
        self._fail_at, self._after = fail_at, after

    @property
    def client(self) -> Any:
        return _Proxy(super().client, self._call)

    def _call(self, name: str, method: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
        self.calls.append(name)
        fails = len(self.calls) - 1 == self._fail_at
        if fails and not self._after:
            raise Unplugged(name)
        answer = method(*arguments, **named)
        if fails:
            raise Unplugged(name)
        return answer


class _Proxy:
    def __init__(self, client: Any, call: Callable[..., Any]):
        self._client, self._call = client, call

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda *arguments, **named: self._call(name, method, *arguments, **named)
