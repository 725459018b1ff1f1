from __future__ import annotations

import random
import socket
import threading
import time

import numpy as np
import pytest
from tracking.saying import THIRD_PARTY, FailingStore, known, say, start
from tracking.servers import Answering, Forgetful

from eyechart.runs.cursor import CURSOR, delivered_run_id, promise, promised
from eyechart.runs.journal import Journal
from eyechart.tracking import courier as module
from eyechart.tracking.config import TrackingConfig
from eyechart.tracking.courier import MLflowCourier
from eyechart.tracking.delivery import deliver
from eyechart.tracking.store import Store

pytestmark = [pytest.mark.filterwarnings(warning) for warning in THIRD_PARTY]


def run_id(folder):
    """Of the MLflow run in the repository's own store; None if there is none."""
    return delivered_run_id(folder, Store().uri)


def wait_for(condition):
    """Wait until something that the courier's thread does is done."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def closed_port():
    """A port of this machine that refuses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def silent_port():
    """A port that takes calls and never answers; afterwards whoever waits for it is let go."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        calls = []

        def take():
            while True:
                try:
                    calls.append(server.accept()[0])
                except OSError:
                    return

        taking = threading.Thread(target=take)
        taking.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    for call in calls:
        call.close()
    taking.join(10)
    for thread in threading.enumerate():
        if thread.name == "courier":
            thread.join(60)  # or its warning would stand in another test's output


def test_what_was_kept_from_mlflow_is_passed_by(store, folder):
    journal = Journal(folder)
    start(journal, "k1")
    journal.close()
    nowhere, here = MLflowCourier(TrackingConfig("none")), MLflowCourier(TrackingConfig())
    assert not here.passes_by(folder)
    private = Journal(folder.with_name("k2"))
    about = {"identity": ["eyechart.run_key", "k2"], "name": "k2", "experiment_name": "a test"}
    private.append("start", **about, private=True)
    assert here.passes_by(private.folder)
    assert not nowhere.passes_by(private.folder)
    deliver(private.folder, store)  # as promote.py does
    assert not here.passes_by(private.folder)
    private.close()


def journals(folder, count):
    folders = [folder.with_name(f"k{i}") for i in range(count)]
    for one in folders:
        journal = Journal(one)
        start(journal, one.name)
        journal.append("end", status="FINISHED", result={})
        journal.close()
    return folders


def test_it_delivers_what_it_is_told(store, folder):
    say(folder).close()
    courier = MLflowCourier(TrackingConfig())
    assert run_id(folder) is None
    courier.tell(folder)
    courier.tell(folder)
    assert courier.close()
    (run,) = known(store)
    assert run["status"] == "FINISHED"
    assert run_id(folder)


def test_it_pauses_between_rounds_and_not_between_journals(store, folder, monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 3600.0)
    courier = MLflowCourier(TrackingConfig())
    told = journals(folder, 4)
    with courier._wake:  # the first round begins when all have been told
        for one in told:
            courier.tell(one)
    wait_for(lambda: all(run_id(one) for one in told))
    assert courier.close()


@pytest.mark.parametrize("mode", ["offline", "none"])
def test_offline_nothing_is_delivered(folder, root, mode):
    say(folder).close()
    courier = MLflowCourier(TrackingConfig(mode=mode))
    courier.tell(folder)
    assert courier.close()
    assert run_id(folder) is None
    assert not (folder / CURSOR).exists()
    assert not (root / "mlflow.db").exists()


def test_without_anything_to_say_it_closes_at_once(root):
    assert MLflowCourier(TrackingConfig()).close()
    assert not (root / "mlflow.db").exists()


def test_a_server_that_is_not_there_gives_one_warning(folder, closed_port, capsys, monkeypatch):
    monkeypatch.setattr(module, "PAUSE_AFTER_FAILURE", 0.01)
    courier = MLflowCourier(TrackingConfig(mode="server", uri=f"http://127.0.0.1:{closed_port}"))
    for one in journals(folder, 3):
        courier.tell(one)
    time.sleep(1)
    assert not courier.close(patience=60)
    said = capsys.readouterr().err
    assert said.count("warning: ") == 1
    assert f"http://127.0.0.1:{closed_port}" in said
    assert str(folder.parent) in said
    assert said.count("\n") == 1


def test_a_server_that_goes_away_takes_no_random_number_that_a_model_would_have_had(monkeypatch):
    """Initial weights come from the interpreter's random numbers, which a delivery in the background shares."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "1.0")  # as MLflow has it
    with Answering(Forgetful()) as server:
        client = Store(server.uri).client
    random.seed(0)
    before = random.getstate(), np.random.get_state()[1].tolist()
    with pytest.raises(Exception, match="Max retries exceeded"):
        client.search_experiments(max_results=1)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


def test_a_server_that_never_answers_holds_nobody_up(folder, silent_port):
    courier = MLflowCourier(TrackingConfig(mode="server", uri=f"http://127.0.0.1:{silent_port}"))
    (one,) = journals(folder, 1)
    courier.tell(one)
    began = time.monotonic()
    assert not courier.close(patience=2)
    assert time.monotonic() - began < 10


def test_after_a_failure_it_tries_again(store, folder, capsys, monkeypatch):
    monkeypatch.setattr(module, "PAUSE_AFTER_FAILURE", 0.01)
    say(folder).close()
    courier = MLflowCourier(TrackingConfig())
    courier.store = FailingStore(fail_at=4)
    courier.tell(folder)
    wait_for(lambda: len(courier.store.calls) >= 10)
    assert courier.close()
    (run,) = known(store)
    assert run["status"] == "FINISHED"
    assert capsys.readouterr().err.count("warning: ") == 1


def test_it_warns_once_also_where_a_server_comes_and_goes(store, folder, capsys, monkeypatch):
    monkeypatch.setattr(module, "PAUSE_AFTER_FAILURE", 0.01)
    monkeypatch.setattr(module, "PAUSE", 0.01)
    courier = MLflowCourier(TrackingConfig())
    for one in journals(folder, 3):
        courier.store = FailingStore(fail_at=2)
        courier.tell(one)
        wait_for(lambda one=one: courier.has_delivered(one))
        assert len(courier.store.calls) > 3  # it failed, and went on
    assert courier.close()
    assert capsys.readouterr().err.count("warning: ") == 1


def test_what_earlier_processes_could_not_deliver_is_delivered_too(store, folder):
    """By the next process with this store; what nobody wanted there stays where it is."""
    left, unwanted, new = journals(folder, 3)
    promise(left, store.uri)
    MLflowCourier(TrackingConfig(mode="offline")).tell(unwanted)
    courier = MLflowCourier(TrackingConfig())
    courier.catch_up()
    courier.tell(new)
    assert courier.close()
    assert [run["name"] for run in known(store)] == ["run k0", "run k2"]
    assert courier.has_delivered(left)


def test_it_may_be_asked_to_look_back_at_any_time(store, folder):
    left, new = journals(folder, 2)
    promise(left, store.uri)
    courier = MLflowCourier(TrackingConfig())
    courier.tell(new)
    wait_for(lambda: courier.has_delivered(new))
    courier.catch_up()
    assert courier.close()
    assert courier.has_delivered(left)


def test_it_goes_on_when_it_has_looked_back(store, folder, monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.01)
    first, second = journals(folder, 2)
    courier = MLflowCourier(TrackingConfig())
    courier.catch_up()
    courier.tell(first)
    wait_for(lambda: courier.has_delivered(first) and not courier._looks_back)
    time.sleep(0.5)  # it is idle
    courier.tell(second)
    wait_for(lambda: courier.has_delivered(second))
    assert courier.close()


def test_it_does_not_look_back_unless_asked(store, folder):
    left, new = journals(folder, 2)
    promise(left, store.uri)
    courier = MLflowCourier(TrackingConfig())
    courier.tell(new)
    assert courier.close()
    assert [run["name"] for run in known(store)] == ["run k1"]


def test_a_journal_that_was_told_of_is_promised_before_the_store_answers(folder, closed_port):
    uri = f"http://127.0.0.1:{closed_port}"
    (one,) = journals(folder, 1)
    courier = MLflowCourier(TrackingConfig(mode="server", uri=uri))
    courier.tell(one)
    assert promised(folder.parents[1], uri) == [one]
    courier.close()


def test_nobody_waits_long_for_what_others_left(store, folder, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_FOR_OTHERS", 0.0)
    left, new = journals(folder, 2)
    promise(left, store.uri)
    taken, free = threading.Event(), threading.Event()

    class Slow(FailingStore):
        def _call(self, name, method, /, *arguments, **named):
            if name == "create_run" and named["run_name"] == "run k0":
                taken.set()
                free.wait(60)
            return super()._call(name, method, *arguments, **named)

    courier = MLflowCourier(TrackingConfig())
    courier.store = Slow()
    courier.catch_up()
    courier.tell(new)
    assert taken.wait(60)
    assert courier.close()  # though the other one is at work
    assert courier.has_delivered(new)
    assert not courier.has_delivered(left)
    free.set()
    courier._thread.join(60)


def test_one_journal_that_cannot_be_read_does_not_stop_the_others(store, folder, capsys, monkeypatch):
    monkeypatch.setattr(module, "PAUSE_AFTER_FAILURE", 0.01)
    first, second = journals(folder, 2)
    (first / "journal.jsonl").write_text("nothing\n")
    courier = MLflowCourier(TrackingConfig())
    courier.tell(first)
    courier.tell(second)
    wait_for(lambda: run_id(second))
    assert not courier.close()
    assert [run["name"] for run in known(store)] == ["run k1"]
    assert "journal.jsonl has a broken record" in capsys.readouterr().err
