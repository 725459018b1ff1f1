"""Servers that answer, and say nothing that makes sense: as if none answered, and none is flooded."""

from __future__ import annotations

import json
import threading
import time

import pytest
from support import error_line
from tracking.saying import EXPERIMENT, THIRD_PARTY, say, start
from tracking.servers import NONSENSE, Answering, Forgetful, nonsense

from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.runs.cursor import delivered, delivered_bytes
from eyechart.runs.journal import Journal
from eyechart.tracking import courier, delivery, registry
from eyechart.tracking.answers import NAMED, NoAnswer, check_answer
from eyechart.tracking.config import TrackingConfig
from eyechart.tracking.courier import MLflowCourier
from eyechart.tracking.delivery import deliver
from eyechart.tracking.store import Store

pytestmark = [pytest.mark.filterwarnings(warning) for warning in THIRD_PARTY]


def begun(folder):
    journal = Journal(folder)
    start(journal, folder.name)
    return journal


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE)
def test_a_store_that_answers_nonsense_is_not_opened(root, body):
    with nonsense(body) as server:
        with pytest.raises(
            EyechartError, match=rf"{server.uri} cannot be opened: expected an MLflow server that"
        ) as told:
            _ = Store(server.uri).client
        assert len(server.requests) <= 2
    assert len(str(told.value).splitlines()) == 1


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE)
def test_what_a_server_answers_with_nonsense_is_not_delivered(root, folder, body):
    """One that made sense until the run was made there."""
    answer, sound = Forgetful(), threading.Event()
    sound.set()
    with Answering(lambda *asked: answer(*asked) if sound.is_set() else (200, body)) as server:
        store, journal = Store(server.uri), begun(folder)
        deliver(folder, store)
        journal.metrics(1, {"loss": 1.0})
        journal.close()
        sound.clear()
        before, told = delivered_bytes(folder, store.uri), len(server.requests)
        with pytest.raises(NoAnswer, match="runs/get"):
            deliver(folder, store)
        assert delivered_bytes(folder, store.uri) == before
        assert len(server.requests) == told + 1
        sound.set()
        deliver(folder, store)
        assert delivered(folder, store.uri)
        assert server.requests[-1] == "POST runs/log-batch"


@pytest.mark.parametrize("lost", ["experiments/create", "runs/create"])
def test_what_was_made_before_the_answer_was_lost_is_found_again(root, folder, lost):
    answer = Forgetful(lost)
    with Answering(answer) as server:
        begun(folder).close()
        with pytest.raises(NoAnswer, match=lost):
            deliver(folder, Store(server.uri))
        deliver(folder, Store(server.uri))
        assert delivered(folder, server.uri)
    assert list(answer.experiments) == ["Default", EXPERIMENT]
    assert [run["info"]["run_name"] for run in answer.runs] == [f"run {folder.name}"]


def test_a_server_that_does_not_show_what_it_made_is_told_to_make_it_once(root, folder, monkeypatch):
    monkeypatch.setattr(delivery, "PATIENCE_FOR_OTHERS", 1.0)
    answer = Forgetful(blind=True)
    with Answering(answer) as server:
        begun(folder).close()
        with pytest.raises(NoAnswer, match="to show the run that it was told to make within 1 s"):
            deliver(folder, Store(server.uri))
        assert server.requests.count("POST runs/create") == 1
        assert len(server.requests) < 20
    assert len(answer.runs) == 1


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_a_training_is_not_held_up_by_nonsense(root, folder, body, capsys):
    say(folder).close()
    with nonsense(body) as server:
        telling = MLflowCourier(TrackingConfig(mode="server", uri=server.uri))
        telling.tell(folder)
        while not server.requests:
            time.sleep(0.01)
        began = time.monotonic()
        assert not telling.close()
        assert time.monotonic() - began < courier.PATIENCE_AFTER_FAILURE
        assert len(server.requests) < 10
    assert capsys.readouterr().err.count("warning: ") == 1


def test_pauses_after_failures_grow(root, folder, monkeypatch):
    waited = []
    telling = MLflowCourier(TrackingConfig(mode="server", uri="http://127.0.0.1:9"))
    monkeypatch.setattr(telling._wake, "wait_for", lambda until, seconds: waited.append(seconds), raising=False)
    for telling._failures in (1, 2, 3, 4, 5, 5000):
        telling._pause()
    assert waited == [15.0, 30.0, 60.0, 120.0, 120.0, 120.0]


def test_sync_says_it_in_one_line(program, root):
    for key in ("k1", "k2", "k3"):
        say(paths.runs() / key, key).close()
    with nonsense(b"") as server:
        done = program("sync", f"to={server.uri}")
        assert error_line(done).startswith(
            f"error: the tracking store {server.uri} cannot be opened: expected an MLflow"
        )
        assert len(done.stderr.splitlines()) == 1
        assert len(server.requests) < 20


def test_a_champion_without_a_version_is_none(root):
    sound = Forgetful()
    with Answering(lambda *asked: (200, b"{}") if "registered-models" in asked[1] else sound(*asked)) as server:
        store = Store(server.uri)
        _ = store.client
        with pytest.raises(NoAnswer, match="registered-models/alias"):
            registry.find_version(store, "digits", "champion")


def test_what_has_to_be_named_is_what_mlflow_names(root):
    """The table holds for the version of MLflow that is installed."""
    from mlflow.protos.model_registry_pb2 import ModelRegistryService
    from mlflow.protos.service_pb2 import MlflowService
    from mlflow.utils.rest_utils import extract_all_api_info_for_service

    answers = {}
    for service in (MlflowService, ModelRegistryService):
        for api, endpoints in extract_all_api_info_for_service(service, "/api/2.0").items():
            for endpoint, method in endpoints:
                answers[method, endpoint.partition("/mlflow/")[2]] = api.Response.DESCRIPTOR
    for call, path in NAMED.items():
        described = answers[call]
        for key in path.split("."):
            found = described.fields_by_name[key]
            described = found.message_type


@pytest.mark.parametrize(
    ("method", "endpoint", "status", "answer"),
    [
        ("POST", "/api/2.0/mlflow/runs/search", 200, {}),
        ("POST", "/api/2.0/mlflow/runs/log-batch", 200, {}),
        ("GET", "/api/2.0/mlflow/runs/get", 200, {"run": {"info": {"run_id": "r"}}}),
        ("POST", "/api/2.0/mlflow/registered-models/alias", 200, {}),
        ("GET", "/api/2.0/mlflow/runs/get", 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}),
    ],
)
def test_answers_that_make_sense(method, endpoint, status, answer):
    check_answer(method, endpoint, status, json.dumps(answer))


def test_a_page_that_is_not_there_is_no_word_of_mlflow():
    """Else runs would count as lost there."""
    with pytest.raises(NoAnswer, match="received 404 with '<html>'"):
        check_answer("GET", "/api/2.0/mlflow/runs/get", 404, "<html>")
