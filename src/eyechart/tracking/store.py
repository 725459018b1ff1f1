"""The MLflow store that journals are delivered to. MLflow is imported when a store is opened, not before."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from eyechart.core import paths
from eyechart.core.errors import EyechartError, in_words
from eyechart.core.files import replacing
from eyechart.core.passwords import hide_password
from eyechart.core.within import PathError, relative
from eyechart.tracking.answers import refuse_nonsense
from eyechart.tracking.views import ALL, Order, keep_views

if TYPE_CHECKING:
    from mlflow import MlflowClient

# a server that does not answer must not hold a run up for MLflow's minutes: seconds, and requests after the first
RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", RETRIES: "2", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1"}
# of MLflow's pauses, whose chance would take numbers from the interpreter's stream in the midst of a model's weights
JITTER = "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # of each run that ends, with the password in it
}


def settle_environment() -> None:
    """Say in the environment what MLflow is to go by, where the user has not.

    A name that a thread adds moves the whole environment, and what another thread starts or asks native code at that
    moment reads memory that is gone. So this comes before a thread of ours begins; a new value moves nothing.
    """
    for name, value in (PATIENCE | QUIET).items():
        os.environ.setdefault(name, value)
    os.environ[JITTER] = "0"


@contextmanager
def once() -> Iterator[None]:
    """Let MLflow send each request of the block once.

    Where only the answer was lost, a second request would make a second run or model. Whoever uses this looks for what
    the first one made.
    """
    known = os.environ.get(RETRIES, PATIENCE[RETRIES])
    os.environ[RETRIES] = "0"
    try:
        yield
    finally:
        os.environ[RETRIES] = known


def local_uri() -> str:
    """The address of the repository's own store, which `mlflow ui` finds when started there."""
    return f"sqlite:///{paths.repository() / 'mlflow.db'}"


class Store:
    """A tracking store, opened at first use.

    Args:
        uri: address of the store; None: the repository's own.

    Attributes:
        served: whether a server answers for it, and no database is opened here.
    """

    def __init__(self, uri: str | None = None):
        self.uri = uri or local_uri()
        database = self.uri.partition(":///")[2].partition("?")[0] if self.uri.startswith("sqlite") else ""
        self._database = Path(database).resolve() if database else None
        self.served = self.uri.startswith("http")
        self._client: MlflowClient | None = None
        self._experiments: dict[str, str] = {}

    @property
    def client(self) -> MlflowClient:
        """MLflow's client for this store. Raises EyechartError where it cannot be opened."""
        if self._client is None:
            settle_environment()
            import mlflow

            logging.getLogger("mlflow").setLevel(logging.WARNING)
            with self._lock():  # several processes that open a store that does not exist yet break it
                try:
                    if self._database is not None and not self._database.exists():
                        _make(self._database)
                    refuse_nonsense()
                    client = mlflow.MlflowClient(self.uri)
                    with once():
                        _ask(client, self.served)
                except Exception as error:  # MLflow's, its database's, the network's
                    raise EyechartError(_what_is_wrong(self.uri, in_words(error))) from error
            self._client = client
        return self._client

    def ask(self) -> None:
        """Raise whatever the store raises where it does not answer."""
        _ask(self.client, self.served)

    def experiment_id(self, name: str) -> str:
        """The id of the MLflow experiment of this name, made if it is not there, brought back if it was deleted."""
        if name not in self._experiments:
            client = self.client
            with self._lock():
                experiment = client.get_experiment_by_name(name)
                if experiment is None:
                    experiment = _create(client, name, self._place(name))
                experiment_id = str(experiment.experiment_id)
                if experiment.lifecycle_stage == "deleted":
                    _restore(client, experiment_id)
                keep_views(client, experiment_id, ALL, "all runs", Order())
            self._experiments[name] = experiment_id
        return self._experiments[name]

    def _place(self, name: str) -> str | None:
        """Where the files of an MLflow experiment lie. A server knows; a database has no place for them."""
        if self.served:
            return None
        # fixed for good when it is made, so it must not depend on the working directory
        beside = self._database.parent if self._database else paths.repository()
        return (beside / "mlartifacts" / _folder_name(name)).as_uri()

    def _lock(self) -> AbstractContextManager[Any]:
        if self.served:  # a server opens its database itself
            return nullcontext()
        notes = paths.own_notes()
        notes.mkdir(parents=True, exist_ok=True)
        return FileLock(notes / "tracking.lock")


def _ask(client: MlflowClient, served: bool) -> None:
    """Ask a store for something. A server also for what it cannot answer by nothing."""
    from mlflow.exceptions import MlflowException

    client.search_experiments(max_results=1)
    if served:
        try:
            client.get_experiment("0")  # MLflow's own
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "PERMISSION_DENIED"):
                raise


def _what_is_wrong(uri: str, error: str) -> str:
    """Why a store cannot be opened, and what to do."""
    where = hide_password(uri)
    if "out-of-date database schema" in error:
        return (
            f"the tables of the tracking store {where} are those of another version of MLflow: "
            f"keep a copy of it, then type mlflow db upgrade {where}, or go back to that version"
        )
    if "Max retries exceeded" in error:  # urllib3's words where nobody listens, or answers
        cause = re.search(r"\[Errno -?\d+\] ([\w ]+)|(timed out)", error)
        why = f" ({(cause[1] or cause[2]).lower()})" if cause else ""
        return f"the tracking store {where} cannot be opened: no server answers there{why}; start it, or type another"
    reason = hide_password((error.splitlines() or ["it does not say why"])[0])
    return f"the tracking store {where} cannot be opened: {reason}"


def _folder_name(experiment: str) -> str:
    """Where the files of an MLflow experiment lie below those of all; its name, unless that leads elsewhere."""
    try:
        return str(relative(experiment))
    except PathError:
        return hashlib.sha256(experiment.encode(errors="replace")).hexdigest()[:20]


def _create(client: MlflowClient, name: str, place: str | None) -> Any:
    """Make an MLflow experiment, or find it where another machine made it at the same moment."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_experiment(client.create_experiment(name, artifact_location=place))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return client.get_experiment_by_name(name)


def _restore(client: MlflowClient, experiment_id: str) -> None:
    """Bring an MLflow experiment back, and not the runs that were deleted with it."""
    from mlflow.entities import ViewType

    runs, token = [], None
    while True:
        page = client.search_runs([experiment_id], run_view_type=ViewType.DELETED_ONLY, page_token=token)
        runs += page
        if not page.token or page.token == token:
            break
        token = page.token
    client.restore_experiment(experiment_id)
    for run in runs:
        client.delete_run(run.info.run_id)


def _make(database: Path) -> None:
    """Make an SQLite store, whole or not at all: half a schema is one that MLflow refuses to open for ever."""
    from mlflow import MlflowClient

    with replacing(database) as temporary:
        MlflowClient(f"sqlite:///{temporary}").search_experiments(max_results=1)
