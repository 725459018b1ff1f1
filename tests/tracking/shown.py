"""What an MLflow store shows of the runs that journals tell of, as facts that can be compared."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from eyechart.runs.journal import journals, read_journal

# how long something took, and how busy the machine was, differs each time
INCOMPARABLE = ("seconds", "epoch_seconds", "system/")
SAME = ("eyechart.run_key", "eyechart.data_digest", "eyechart.training_version", "eyechart.device", "eyechart.engine")


def shown(uri: str, experiment: str = "eyechart") -> dict[str, dict[str, Any]]:
    """Of every run its parameters, metrics step by step, files, models and parent, by its name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own
        from mlflow import MlflowClient

        client = MlflowClient(uri)
        found = client.get_experiment_by_name(experiment)
        runs = client.search_runs([found.experiment_id])
        models = client.search_logged_models([found.experiment_id])
        names = Counter(run.info.run_name for run in runs)
        assert set(names.values()) == {1}, names  # no run twice
        by_id = {run.info.run_id: run.info.run_name for run in runs}
        return {run.info.run_name: _facts(client, run, by_id, models) for run in runs}


def _facts(client: Any, run: Any, by_id: dict[str, str], models: list[Any]) -> dict[str, Any]:
    run_id, tags = run.info.run_id, run.data.tags
    history = {
        name: [(metric.step, metric.value) for metric in client.get_metric_history(run_id, name)]
        for name in run.data.metrics
    }
    for name, said in history.items():
        steps = [step for step, _ in said]
        assert len(set(steps)) == len(steps), name  # no step twice
    return {
        "status": run.info.status,
        "params": run.data.params,
        "metrics": {name: said for name, said in history.items() if not name.startswith(INCOMPARABLE)},
        "steps": {name: [step for step, _ in said] for name, said in history.items()},
        "tags": {name: tags[name] for name in SAME if name in tags},
        "described": "mlflow.note.content" in tags,
        "tables": json.loads(tags.get("mlflow.loggedArtifacts", "[]")),
        "inputs": [(entry.dataset.name, entry.dataset.digest) for entry in run.inputs.dataset_inputs],
        "parent": by_id.get(tags.get("mlflow.parentRunId", "")),
        "files": _files(client, run_id),
        "models": [model.status.value for model in models if model.source_run_id == run_id],
        "outputs": len(run.outputs.model_outputs) if run.outputs else 0,
    }


def _files(client: Any, run_id: str, folder: str | None = None) -> list[str]:
    """The files of a run; of pictures, which carry ids, what they show."""
    found = []
    for entry in client.list_artifacts(run_id, folder):
        if entry.is_dir:
            found += _files(client, run_id, entry.path)
        else:
            found.append(entry.path.partition("+")[0] + Path(entry.path).suffix)
    return sorted(found)


def journals_say(root: Path) -> dict[str, dict[str, list[int]]]:
    """Of each run's journal in a workspace every metric with its steps, by the run's name."""
    told: dict[str, dict[str, list[int]]] = {}
    for folder in journals(root / ".eyechart"):
        records = read_journal(folder)
        steps: dict[str, list[int]] = {}
        for record in records:
            if record["kind"] == "metrics":
                for name in record["values"]:
                    steps.setdefault(name, []).append(record["step"])
        told[records[0]["name"]] = steps
    return told
