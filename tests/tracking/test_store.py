from __future__ import annotations

import contextlib
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import environment
from tracking.saying import EXPERIMENT, THIRD_PARTY, known

from eyechart.core.errors import EyechartError
from eyechart.tracking.store import Store, local_uri

pytestmark = [pytest.mark.filterwarnings(warning) for warning in THIRD_PARTY]

WORKER = """
import sys, time
import mlflow.store.tracking.sqlalchemy_store
from pathlib import Path
from eyechart.core import paths
from eyechart.tracking.delivery import deliver
from eyechart.tracking.store import Store
from eyechart.runs.journal import Journal
from tracking.saying import start

key = sys.argv[1]
journal = Journal(paths.runs() / key)
start(journal, key)
for epoch in (1, 2, 3):
    journal.metrics(epoch, {"train/loss": 1 / epoch})
journal.append("end", status="FINISHED", result={})
(paths.state() / f"{key}.ready").touch()
while not (paths.state() / "go").exists():
    time.sleep(0.01)
deliver(paths.runs() / key, Store())
"""


def test_processes_that_open_a_new_store_at_once_lose_nothing(root):
    state = root / ".eyechart"
    state.mkdir()
    keys = [f"k{i}" for i in range(4)]
    tests = str(Path(__file__).parents[1])
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, key],
            env=environment(root, PYTHONPATH=tests),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for key in keys
    ]
    end = time.monotonic() + 120
    while len(list(state.glob("*.ready"))) < len(keys) and time.monotonic() < end:
        time.sleep(0.05)
    (state / "go").touch()
    for worker in workers:
        said, _ = worker.communicate(timeout=120)
        assert worker.returncode == 0, said
    runs = known(Store())
    assert [run["name"] for run in runs] == [f"run {key}" for key in keys]
    for run in runs:
        assert run["status"] == "FINISHED"
        assert [step for step, _ in run["metrics"]["train/loss"]] == [1, 2, 3]


def test_the_local_store_lies_in_the_repository(store, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert store.uri == local_uri() == f"sqlite:///{root}/mlflow.db"
    experiment = store.client.get_experiment(store.experiment_id(EXPERIMENT))
    assert experiment.artifact_location == (root / "mlartifacts" / EXPERIMENT).as_uri()


def test_a_deleted_experiment_is_brought_back(store):
    experiment_id = store.experiment_id(EXPERIMENT)
    store.client.delete_experiment(experiment_id)
    assert Store().experiment_id(EXPERIMENT) == experiment_id
    assert store.client.get_experiment(experiment_id).lifecycle_stage == "active"


def test_a_process_killed_while_it_makes_the_store_leaves_none_behind_that_is_half_made(root):
    lines = "from eyechart.tracking.store import Store; Store().client"
    maker = subprocess.Popen([sys.executable, "-c", lines], env=environment(root))
    while not list(root.rglob("mlflow.db*")) and maker.poll() is None:
        time.sleep(0.005)
    time.sleep(0.2)  # MLflow takes a second for its tables
    maker.kill()
    maker.wait()
    assert Store().experiment_id(EXPERIMENT)
    assert {path.name for path in root.iterdir()} == {".eyechart", "mlflow.db"}


def test_the_tables_of_another_version_of_mlflow_are_told_with_what_to_do(store, root):
    with contextlib.closing(sqlite3.connect(root / "mlflow.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
    with pytest.raises(EyechartError) as caught:
        _ = store.client
    assert str(caught.value) == (
        f"the tables of the tracking store {store.uri} are those of another version of MLflow: "
        f"keep a copy of it, then type mlflow db upgrade {store.uri}, or go back to that version"
    )


def test_a_server_that_is_not_there_is_told():
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(EyechartError) as caught:
            _ = Store(uri).client
    told = "no server answers there (connection refused); start it, or type another"
    assert str(caught.value) == f"the tracking store {uri} cannot be opened: {told}"


def test_a_store_that_is_no_database_is_told(store, root):
    (root / "mlflow.db").write_text("no database at all")
    with pytest.raises(EyechartError, match=r"the tracking store sqlite:.* cannot be opened: "):
        _ = store.client
