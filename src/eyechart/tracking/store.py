"""The MLflow store that journals are delivered to. MLflow is imported when a store is opened, not before."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from eyechart import paths
from eyechart.errors import EyechartError
from eyechart.files import replacing
from eyechart.tracking.config import hide_password
from eyechart.tracking.views import ALL, Order, keep_views

if TYPE_CHECKING:
    from mlflow import MlflowClient

# a server that does not answer must not hold a run up for MLflow's minutes
PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}


def local_uri() -> str:
    """The address of the repository's own store, which `mlflow ui` finds when started there."""
    return f"sqlite:///{paths.repository() / 'mlflow.db'}"


class Store:
    """A tracking store, opened at first use.

    Args:
        uri: address of the store; None: the repository's own.
    """

    def __init__(self, uri: str | None = None):
        self.uri = uri or local_uri()
        # a database has no place for files, so they lie beside it; a server knows its own
        database = self.uri.partition(":///")[2].partition("?")[0] if self.uri.startswith("sqlite") else ""
        self._database = Path(database).resolve() if database else None
        self._client: MlflowClient | None = None
        self._experiments: dict[str, str] = {}

    @property
    def client(self) -> MlflowClient:
        """MLflow's client for this store. Raises EyechartError where it cannot be opened."""
        if self._client is None:
            for name, value in (PATIENCE | QUIET).items():
                os.environ.setdefault(name, value)
            import mlflow

            logging.getLogger("mlflow").setLevel(logging.WARNING)
            with self._lock():  # several processes that open a store that does not exist yet break it
                if self._database is not None and not self._database.exists():
                    _make(self._database)
                try:
                    client = mlflow.MlflowClient(self.uri)
                    client.search_experiments(max_results=1)
                except Exception as error:  # MLflow's, its database's, the network's
                    raise EyechartError(_what_is_wrong(self.uri, str(error))) from error
            self._client = client
        return self._client

    def experiment_id(self, name: str) -> str:
        """The id of the MLflow experiment of this name, made if it is not there, brought back if it was deleted."""
        if name not in self._experiments:
            client = self.client
            with self._lock():
                experiment = client.get_experiment_by_name(name)
                if experiment is None:
                    # fixed for good when it is made, so it must not depend on the working directory
                    location = (self._database.parent / "mlartifacts" / name).as_uri() if self._database else None
                    self._experiments[name] = client.create_experiment(name, artifact_location=location)
                else:
                    if experiment.lifecycle_stage == "deleted":
                        client.restore_experiment(experiment.experiment_id)
                    self._experiments[name] = experiment.experiment_id
                keep_views(client, self._experiments[name], ALL, "all runs", Order())
        return self._experiments[name]

    def _lock(self) -> FileLock:
        paths.state().mkdir(parents=True, exist_ok=True)
        return FileLock(paths.state() / "tracking.lock")


def _what_is_wrong(uri: str, error: str) -> str:
    """Why a store cannot be opened, and what to do."""
    where = hide_password(uri)
    if "out-of-date database schema" in error:
        return (
            f"the tables of the tracking store {where} are those of another version of MLflow: "
            f"keep a copy of it, then type mlflow db upgrade {where}, or go back to that version"
        )
    reason = hide_password((error.splitlines() or ["it does not say why"])[0])
    return f"the tracking store {where} cannot be opened: {reason}"


def _make(database: Path) -> None:
    """Make an SQLite store, whole or not at all: half a schema is one that MLflow refuses to open for ever."""
    from mlflow import MlflowClient

    for unfinished in database.parent.glob(f".{database.name}.*"):
        shutil.rmtree(unfinished)
    with replacing(database) as temporary:
        MlflowClient(f"sqlite:///{temporary}").search_experiments(max_results=1)
