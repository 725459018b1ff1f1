"""Deliveries to a real SQLite store. Those with a model are made by `delivery_cases.py`, in a process of their own."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support import environment
from tracking.saying import THIRD_PARTY, FailingStore, known, say, start

from eyechart import paths
from eyechart.tracking.delivery import CURSOR, deliver, delivered_run_id, run_ids
from eyechart.tracking.journal import Journal
from eyechart.tracking.store import Store

pytestmark = [pytest.mark.filterwarnings(warning) for warning in THIRD_PARTY]
MODEL = ("models", "outputs")


@pytest.fixture(scope="session")
def facts(tmp_path_factory, empty_database):
    folder = tmp_path_factory.mktemp("deliveries")
    script = Path(__file__).parent / "delivery_cases.py"
    done = subprocess.run(
        [sys.executable, str(script), str(folder), str(empty_database)],
        env=environment(folder, PYTHONPATH=str(script.parents[1])),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return json.loads((folder / "facts.json").read_text())


def without_model(runs):
    return [{name: value for name, value in run.items() if name not in MODEL} for run in runs]


def only_model(runs):
    return [{name: run[name] for name in MODEL} for run in runs]


# --- with a model, in a process


def test_everything_arrives(facts):
    (run,) = facts["whole"]
    assert run["name"] == "run k1"
    assert run["status"] == "FINISHED"
    assert run["params"] == {"model": "fnn", "optimizer.learning_rate": "0.01", "units": "[32, 16]"}
    assert run["tags"]["eyechart.run_key"] == "k1"
    assert run["tags"]["eyechart.device"] == "cpu"
    assert run["metrics"] == {
        "train/loss": [[1, 2.0], [2, 1.0], [3, 2 / 3]],
        "train/accuracy": [[1, 0.25], [2, 0.5], [3, 0.75]],
        "best/f1": [[3, 0.5]],
    }
    assert run["inputs"] == [["digits", [["mlflow.data.context", "training"]]]]
    assert {"config/notes.txt", "notes.txt", "scores.json"} <= set(run["files"])
    assert run["images"] == {"picture.png": 1, "picture.webp": 1}
    assert run["table"] == {"columns": ["class", "f1"], "data": [["a", 0.5], ["b", 0.25]]}
    assert run["models"] == [["model", "READY"]]
    assert run["outputs"] == 1
    assert {"MLmodel", "requirements.txt"} <= set(facts["model"])


def test_a_second_delivery_changes_nothing(facts):
    assert facts["again"] == facts["whole"]


def test_neither_does_one_that_has_forgotten_the_first(facts):
    assert without_model(facts["without cursor"]) == without_model(facts["whole"])


def test_nor_is_the_model_delivered_twice(facts):
    assert only_model(facts["without cursor"]) == only_model(facts["whole"])


def test_an_interrupted_delivery_is_completed_by_the_next(facts):
    assert len(facts["interrupted"]) == 2 * len(facts["calls"]) > 40
    for case in facts["interrupted"]:
        moment = f"{'after' if case['after'] else 'before'} call {case['call']}, {case['name']}"
        assert case["failed"], moment
        assert without_model(case["known"]) == without_model(facts["whole"]), moment


def test_so_is_a_model(facts):
    for case in facts["interrupted"]:
        moment = f"{'after' if case['after'] else 'before'} call {case['call']}, {case['name']}"
        assert only_model(case["known"]) == only_model(facts["whole"]), moment


# --- without, in this process


def test_a_journal_may_be_delivered_while_it_grows(store, folder):
    folder.mkdir(parents=True)
    journal = Journal(folder)
    assert delivered_run_id(folder, store.uri) is None
    statuses = []

    def now():
        deliver(folder, store)
        (run,) = known(store)
        statuses.append((run["status"], len(run["metrics"].get("a", []))))

    start(journal, "k1")
    now()
    journal.metrics(1, {"a": 1.0})
    now()
    journal.append("end", status="FAILED", message="no memory")
    now()
    start(journal, "k1")
    now()
    journal.metrics(2, {"a": 2.0})
    journal.append("end", status="FINISHED", result={})
    now()
    journal.close()
    assert statuses == [("RUNNING", 0), ("RUNNING", 1), ("FAILED", 1), ("RUNNING", 1), ("FINISHED", 2)]
    assert run_ids(folder) == [delivered_run_id(folder, store.uri)]


@pytest.mark.parametrize("parent_first", [True, False])
def test_a_child_gets_its_parents_id(store, folder, parent_first):
    parent = Journal(paths.sweeps() / "s1")
    start(parent, "s1", identity="eyechart.sweep")
    say(folder, parent="s1").close()
    if parent_first:
        deliver(parent.folder, store)
    deliver(folder, store)
    parent.append("end", status="FINISHED")
    parent.close()
    deliver(parent.folder, store)
    runs = known(store)
    assert [(run["name"], run["parent"]) for run in runs] == [("run k1", "run s1"), ("run s1", None)]
    assert runs[1]["status"] == "FINISHED"


def test_two_stores_know_the_same(store, folder, root):
    say(folder).close()
    other = Store(f"sqlite:///{root}/other.db")
    deliver(folder, store)
    deliver(folder, other)
    here, there = known(store), known(other)
    assert here == there
    assert len(set(run_ids(folder))) == 2


def test_nothing_is_delivered_without_a_journal(store, folder):
    folder.mkdir(parents=True)
    deliver(folder, store)
    assert run_ids(folder) == []


def say_values(folder, kind, values):
    journal = Journal(folder)
    start(journal, "k1")
    journal.append(kind, values=values) if kind != "metrics" else journal.metrics(1, values)
    journal.append("end", status="FINISHED", result={})
    journal.close()


def test_a_long_parameter_is_cut(store, folder):
    say_values(folder, "params", {"long": "x" * 7000, "short": "y"})
    deliver(folder, store)
    (folder / CURSOR).unlink()
    deliver(folder, store)  # a changed value would be refused
    (run,) = known(store)
    assert run["params"] == {"long": "x" * 6000, "short": "y"}
    assert run["status"] == "FINISHED"


def test_numbers_that_are_none_arrive(store, folder):
    say_values(folder, "metrics", {"a": math.nan, "b": math.inf, "c": -math.inf})
    deliver(folder, store)
    (folder / CURSOR).unlink()
    deliver(folder, store)
    (run,) = known(store)
    assert run["status"] == "FINISHED"
    ((_, nothing),) = run["metrics"]["a"]
    assert math.isnan(nothing)
    ((_, highest),), ((_, lowest),) = run["metrics"]["b"], run["metrics"]["c"]
    assert highest > 1e300
    assert lowest < -1e300


def test_metrics_of_many_epochs_arrive(store, folder):
    journal = Journal(folder)
    start(journal, "k1")
    for epoch in range(1, 1301):
        journal.metrics(epoch, {"a": epoch, "b": -epoch})
    journal.close()
    deliver(folder, store)
    (run,) = known(store)
    assert run["metrics"]["a"] == [(epoch, epoch) for epoch in range(1, 1301)]
    assert len(run["metrics"]["b"]) == 1300


@pytest.mark.parametrize(("kind", "count"), [("metrics", 1001), ("params", 101), ("tags", 101)])
def test_a_record_with_many_values_arrives(store, folder, kind, count):
    say_values(folder, kind, {f"name{i}": i for i in range(count)})
    deliver(folder, store)
    (run,) = known(store)
    assert len([name for name in run[kind] if name.startswith("name")]) == count


class Slow(FailingStore):
    """A store that, before it makes a run, leaves another a second to deliver the same journal."""

    def __init__(self, folder: Path):
        super().__init__()
        self.other = threading.Thread(target=deliver, args=(folder, Store()))

    def _call(self, name, method, /, *arguments, **named):
        if name == "create_run":
            self.other.start()
            self.other.join(1)
        return super()._call(name, method, *arguments, **named)


def test_two_at_once_make_one_run(store, folder):
    # as the workers of a sweep do with their parent's journal
    say(folder).close()
    slow = Slow(folder)
    deliver(folder, slow)
    slow.other.join(60)
    (run,) = known(store)
    assert run["images"] == {"picture.png": 1, "picture.webp": 1}


def test_delivering_a_model_chooses_no_backend(facts):
    assert facts["imported"] == []


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{"])
def test_what_was_delivered_is_found_again_where_the_cursor_is_broken(store, folder, content):
    say(folder).close()
    deliver(folder, store)
    before, run_id = known(store), delivered_run_id(folder, store.uri)
    (folder / CURSOR).write_bytes(content)
    assert (run_ids(folder), delivered_run_id(folder, store.uri)) == ([], None)
    deliver(folder, store)
    assert known(store) == before
    assert delivered_run_id(folder, store.uri) == run_id
