"""The registered models of a store: a version for each model that stood for election, and who is champion."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.runs.tags import DATA_DIGEST, RUN_KEY
from eyechart.tracking.store import Store, once

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes:
        name: of the registered model.
        number: of the version, as MLflow writes it.
        run_key: of the run that trained it.
        run_id: of its MLflow run.
        tags: of the version.
    """

    name: str
    number: str
    run_key: str
    run_id: str
    tags: Mapping[str, str] = field(default_factory=dict)


def champion(store: Store, name: str | None = None) -> Version:
    """The version with the alias `champion`.

    Args:
        store: whose registry.
        name: of the registered model; None: the only one that has a champion.

    Raises:
        EyechartError: there is none, or there are several and no name says which.
    """
    names = [model.name for model in store.client.search_registered_models() if CHAMPION in model.aliases]
    if name is not None:
        found = find_version(store, name, CHAMPION)
        if found is None:
            known = f"champions: {', '.join(names)}" if names else "there is no champion at all"
            raise EyechartError(f"the registered model '{name}' has no champion ({known}): {HOW}")
        return found
    if len(names) > 1:
        raise EyechartError(f"there are {len(names)} champions ({', '.join(names)}): type name=ONE too")
    found = find_version(store, names[0], CHAMPION) if names else None
    if found is None:
        raise EyechartError(f"there is no champion yet: {HOW}")
    return found


HOW = "type python pipelines/promote.py to make the best run one"


def find_version(store: Store, name: str, alias: str) -> Version | None:
    """The version of a registered model with this alias; None if there is none."""
    from mlflow import MlflowException

    try:
        return _version(store.client.get_model_version_by_alias(name, alias))
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):  # no model, no such alias
            return None
        raise


def register(store: Store, name: str, run_key: str, run_id: str) -> Version:
    """The version of the model that a run logged, made if the run has none yet.

    Raises:
        EyechartError: the MLflow run has been deleted, or has logged no model.
    """
    import mlflow
    from mlflow import MlflowException

    client = store.client
    run = _run(store, run_id)
    if run is None or run.info.lifecycle_stage == "deleted":
        raise EyechartError(
            f"the MLflow run {run_id} of run {run_key} has been deleted: restore it there, or move "
            f"{paths.runs() / run_key} away and train the run anew"
        )
    mlflow.set_tracking_uri(store.uri)  # a registry in a database asks the store of that name for the model
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    for known in client.search_model_versions(f"name = '{name}'"):
        if known.tags.get(RUN_KEY) == run_key and known.run_id == run_id:
            return _version(known)
    logged = client.search_logged_models([run.info.experiment_id], filter_string=f"source_run_id = '{run_id}'")
    ready = [model for model in logged if model.status == "READY"]
    if not ready:
        raise EyechartError(f"the MLflow run {run_id} has no model: type the command that trains run {run_key} again")
    (model, *_) = ready
    with once():
        made = client.create_model_version(
            name,
            source=f"models:/{model.model_id}",
            run_id=run_id,
            tags={RUN_KEY: run_key},
            model_id=model.model_id,
        )
    return _version(made)


def _run(store: Store, run_id: str) -> Run | None:
    from mlflow import MlflowException

    try:
        return store.client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def data_digest(store: Store, version: Version) -> str | None:
    """The digest of the data that the model of a version was trained on; None where its MLflow run is gone."""
    run = _run(store, version.run_id)
    return None if run is None else run.data.tags.get(DATA_DIGEST)


def note(store: Store, version: Version, why: str, tags: Mapping[str, Any]) -> None:
    """Write on a version why it is what it is."""
    store.client.update_model_version(version.name, version.number, description=why)
    for key, value in tags.items():
        store.client.set_model_version_tag(version.name, version.number, key, str(value))


def point(store: Store, alias: str, version: Version) -> None:
    """Let an alias mean this version, and no other."""
    store.client.set_registered_model_alias(version.name, alias, version.number)


def count(store: Store, name: str, what: str) -> int:
    """A number that a registered model keeps under this tag; 0 if it keeps none."""
    from mlflow import MlflowException

    try:
        return int(store.client.get_registered_model(name).tags.get(what, 0))
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return 0
        raise


def set_count(store: Store, name: str, what: str, number: int) -> None:
    """Keep a number with a registered model."""
    store.client.set_registered_model_tag(name, what, str(number))


def download_model(store: Store, version: Version, to: Path) -> Path:
    """Fetch the `.keras` file of a version.

    Args:
        store: whose registry.
        version: of a registered model.
        to: a folder that is not there, which then holds MLflow's package.

    Raises:
        EyechartError: there is no such file in the version's model.
    """
    import mlflow

    mlflow.set_tracking_uri(store.uri)
    shutil.copytree(mlflow.artifacts.download_artifacts(f"models:/{version.name}/{version.number}"), to)
    file = to / "data" / "model.keras"
    if not file.is_file():
        raise EyechartError(f"version {version.number} of '{version.name}' holds no data/model.keras: register another")
    return file


def _version(found: ModelVersion) -> Version:
    tags = dict(found.tags)
    return Version(found.name, str(found.version), tags.get(RUN_KEY, ""), found.run_id, tags)
