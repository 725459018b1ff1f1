"""Deliveries to a real SQLite store. Those with a model are made by `delivery_cases.py`, in a process of their own."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock, Timeout
from support import environment
from tracking.saying import EXPERIMENT, IDENTITY, THIRD_PARTY, FailingStore, known, say, start

from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.runs.cursor import CURSOR, DELIVERY_LOCK, delivered, delivered_run_id, promise, promised, run_ids
from eyechart.runs.journal import NAME, BrokenJournal, Journal
from eyechart.tracking import delivery
from eyechart.tracking.delivery import ask_again, deliver
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


# --- runs that a person deleted, and stores that have lost them


def run_of(store, key="k1"):
    """The MLflow run of a run key, deleted or not; there is no other."""
    from mlflow.entities import ViewType

    found = store.client.search_runs(
        [store.experiment_id(EXPERIMENT)], f"tags.`{IDENTITY}` = '{key}'", run_view_type=ViewType.ALL
    )
    (run,) = found
    return run


def stage(store, key="k1"):
    return run_of(store, key).info.lifecycle_stage


@pytest.mark.parametrize("forgetful", [False, True])
def test_a_run_that_was_deleted_in_mlflow_stays_deleted(store, folder, forgetful):
    journal = say(folder)
    deliver(folder, store)
    store.client.delete_run(delivered_run_id(folder, store.uri))
    journal.metrics(4, {"late": 1.0})
    journal.append("end", status="FINISHED", result={})
    journal.close()
    if forgetful:
        (folder / CURSOR).unlink()
    assert not delivered(folder, store.uri)
    for _ in range(2):
        deliver(folder, store)
        assert known(store) == []
        assert stage(store) == "deleted"
        assert delivered(folder, store.uri)  # there is nothing more to do
        ask_again(folder, store)
    assert delivered_run_id(folder, store.uri) is None
    store.client.restore_run(run_of(store).info.run_id)
    deliver(folder, store)
    assert "late" not in known(store)[0]["metrics"]
    ask_again(folder, store)
    deliver(folder, store)
    assert known(store)[0]["metrics"]["late"] == [(4, 1.0)]


def test_one_that_is_trained_once_more_is_another_run(store, folder):
    """The person also moved its folder away."""
    say(folder).close()
    deliver(folder, store)
    store.client.delete_run(delivered_run_id(folder, store.uri))
    shutil.rmtree(folder)
    say(folder).close()
    later(folder)
    deliver(folder, store)
    (run,) = known(store)
    assert run["status"] == "FINISHED"


def test_a_deleted_mlflow_experiment_comes_back_without_its_runs(store, folder):
    say(folder).close()
    deliver(folder, store)
    store.client.delete_experiment(store.experiment_id(EXPERIMENT))
    other = folder.with_name("k2")
    say(other, "k2").close()
    fresh = Store()
    deliver(other, fresh)
    assert [run["name"] for run in known(fresh)] == ["run k2"]
    assert stage(fresh, "k1") == "deleted"


def test_a_run_that_a_store_has_lost_is_told_of_and_delivered_anew_when_asked(store, folder, root, empty_database):
    journal = say(folder)
    deliver(folder, store)
    whole = known(store)
    shutil.copyfile(empty_database, root / "mlflow.db")  # somebody began the store anew
    journal.metrics(9, {"late": 1.0})
    journal.close()
    fresh = Store()
    with pytest.raises(EyechartError, match=r"does not know the run .* any more.*sync\.py"):
        deliver(folder, fresh)
    ask_again(folder, fresh)
    deliver(folder, fresh)
    (run,) = known(fresh)
    assert run["metrics"].pop("late") == [(9, 1.0)]
    assert run == whole[0]


def test_to_look_for_lost_runs_changes_nothing_otherwise(store, folder):
    say(folder).close()
    ask_again(folder, store)
    deliver(folder, store)
    before, cursor = known(store), (folder / CURSOR).read_text()
    ask_again(folder, store)
    assert (folder / CURSOR).read_text() == cursor
    assert known(store) == before


# --- one run, told of by several journals, or by one that was cut


def later(folder, milliseconds=1000):
    """Let a journal have been written later."""
    lines = [json.loads(line) for line in (folder / NAME).read_text().splitlines()]
    for line in lines:
        line["t"] += milliseconds
    (folder / NAME).write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_of_two_journals_of_one_run_key_the_first_counts(store, folder, root):
    """Two machines trained it, or one whose folder was moved away in between."""
    say(folder).close()
    deliver(folder, store)
    before = known(store)
    other = root / "elsewhere" / "runs" / "k1"
    say(other).close()
    later(other)
    journal = Journal(other)
    journal.metrics(4, {"train/loss": 0.1})
    journal.append("end", status="FAILED", message="of no concern to the one that was finished")
    journal.close()
    deliver(other, store)
    (run,) = known(store)
    assert run["metrics"]["train/loss"].pop() == (4, 0.1)
    assert run == before[0]


class Simultaneous(FailingStore):
    """A store that, just before it makes a run, has another machine deliver the same run key."""

    def __init__(self, folder: Path):
        super().__init__()
        self._folder = folder

    def _call(self, name, method, /, *arguments, **named):
        if name == "create_run" and "create_run" not in self.calls:
            self.calls.append(name)
            deliver(self._folder, Store())
        return super()._call(name, method, *arguments, **named)


@pytest.mark.parametrize("shift", [-1000, 0, 1000])
def test_two_machines_at_once_make_one_run(store, folder, root, shift):
    say(folder).close()
    other = root / "elsewhere" / "runs" / "k1"
    say(other).close()
    (other / NAME).write_bytes((folder / NAME).read_bytes())  # at 0 a copy of the same journal
    later(other, shift)
    deliver(folder, Simultaneous(other))
    deliver(other, store)
    (run,) = known(store)
    assert run["metrics"]["train/loss"] == [(1, 2.0), (2, 1.0), (3, 2 / 3)]
    assert run["images"] == {"picture.png": 1, "picture.webp": 1}
    assert run["status"] == "FINISHED"


class Waiting(FailingStore):
    """A store that makes a run when it may."""

    def __init__(self):
        super().__init__()
        self.asked, self.may = threading.Event(), threading.Event()

    def _call(self, name, method, /, *arguments, **named):
        if name == "create_run":
            self.asked.set()
            assert self.may.wait(60)
        return super()._call(name, method, *arguments, **named)


class Overtaken(FailingStore):
    """A store of which another machine has found no run, too, and makes its own right after this one has looked."""

    def __init__(self, folder: Path):
        super().__init__()
        self._other = Waiting()
        self.other = threading.Thread(target=deliver, args=(folder, self._other))

    def _call(self, name, method, /, *arguments, **named):
        if name == "create_run":
            self.other.start()
            assert self._other.asked.wait(60)
        answer = super()._call(name, method, *arguments, **named)
        if name == "search_runs" and answer and not self._other.may.is_set():
            assert len(answer) == 1
            self._other.may.set()
            time.sleep(1)  # until the other has looked, too
        return answer


@pytest.mark.parametrize("shift", [-1000, 1000])
def test_a_machine_that_comes_while_another_has_not_kept_its_run_yet(store, folder, root, shift):
    say(folder).close()
    other = root / "elsewhere" / "runs" / "k1"
    say(other).close()
    later(other, shift)
    overtaken = Overtaken(other)
    deliver(folder, overtaken)
    overtaken.other.join()
    (run,) = known(store)
    assert run["metrics"]["train/loss"] == [(1, 2.0), (2, 1.0), (3, 2 / 3)]
    assert run["images"] == {"picture.png": 1, "picture.webp": 1}
    assert run["status"] == "FINISHED"
    assert delivered_run_id(folder, store.uri) == delivered_run_id(other, store.uri)


def test_one_whose_maker_was_killed_before_it_kept_it(store, folder, monkeypatch):
    """The run of another machine, which came first and never says more."""
    monkeypatch.setattr(delivery, "PATIENCE_FOR_OTHERS", 0.5)
    say(folder).close()
    begun = store.client.create_run(store.experiment_id(EXPERIMENT), start_time=1, tags={IDENTITY: "k1"})
    deliver(folder, store)
    (run,) = known(store)
    assert run["status"] == "FINISHED"
    assert delivered_run_id(folder, store.uri) == begun.info.run_id


def test_a_delivered_journal_that_lost_its_end_tells_no_step_twice(root, empty_database, tmp_path):
    whole = say(tmp_path / "said" / "runs" / "k1")
    whole.metrics(4, {"train/loss": 0.5, "train/accuracy": 1.0})
    whole.close()
    content = whole.path.read_bytes()
    last = content.rindex(b"\n", 0, -1) + 1
    shutil.copyfile(empty_database, root / "mlflow.db")
    store = Store()
    for cut in range(last, len(content) + 1, 7):
        key = f"k{cut}"
        folder = paths.runs() / key
        shutil.copytree(whole.folder, folder)
        (folder / NAME).write_bytes(content.replace(b'"k1"', f'"{key}"'.encode()))
        deliver(folder, store)
        more = len((folder / NAME).read_bytes()) - len(content)
        (folder / NAME).write_bytes((folder / NAME).read_bytes()[: cut + more])
        journal = Journal(folder)
        journal.metrics(4, {"train/loss": 0.25, "train/accuracy": 1.0})
        journal.metrics(5, {"train/loss": 0.125})
        journal.append("end", status="FINISHED", result={})
        journal.close()
        deliver(folder, store)
        run = run_of(store, key)
        told = [(m.step, m.value) for m in store.client.get_metric_history(run.info.run_id, "train/loss")]
        assert told == [(1, 2.0), (2, 1.0), (3, 2 / 3), (4, 0.5), (5, 0.125)], cut
        assert run.info.status == "FINISHED"


# --- journals that cannot be read, and folders that cannot be written


def test_what_stands_before_a_broken_record_is_delivered(store, folder):
    journal = say(folder)
    journal.metrics(4, {"train/loss": 0.5})
    journal.close()
    journal.path.write_bytes(journal.path.read_bytes() + b"broken\n")
    for _ in range(2):
        with pytest.raises(BrokenJournal, match=r"journal\.jsonl has a broken record"):
            deliver(folder, store)
    (run,) = known(store)
    assert run["metrics"]["train/loss"][-1] == (4, 0.5)


def test_a_broken_journal_of_a_parent_or_child_stops_no_other(store, folder):
    parent, broken = paths.sweeps() / "s1", folder.with_name("broken")
    for one in (parent, broken):
        one.mkdir(parents=True)
        (one / NAME).write_text("broken\n")
    say(folder, parent="s1").close()
    deliver(folder, store)
    journal = Journal(paths.sweeps() / "s2")
    start(journal, "s2", identity="eyechart.sweep")
    journal.append("views", name="two", runs=["broken", "missing", "k1"], order_by="best_f1", ascending=False)
    journal.close()
    deliver(journal.folder, store)
    assert [(run["name"], run["parent"]) for run in known(store)] == [("run k1", None), ("run s2", None)]
    assert not folder.with_name("missing").exists()


@pytest.mark.parametrize("parent", [None, "s1"])
def test_a_view_makes_the_runs_that_it_names(store, folder, parent):
    say(folder, parent=parent).close()
    journal = Journal(paths.sweeps() / "s1")
    start(journal, "s1", identity="eyechart.sweep")
    journal.append("views", name="one", runs=["k1"], order_by="best_f1", ascending=False)
    journal.close()
    deliver(journal.folder, store)
    tags = store.client.get_experiment(store.experiment_id(EXPERIMENT)).tags
    assert delivered_run_id(folder, store.uri) in tags["mlflow.sharedViewState.s1-curves"]
    deliver(folder, store)
    assert [run["status"] for run in known(store)] == ["FINISHED", "RUNNING"]
    assert known(store)[0]["parent"] == (parent and "run s1")


def test_a_parent_is_looked_for_beside_the_journal(store, root):
    state = root / "copied"
    parent = Journal(state / "sweeps" / "s1")
    start(parent, "s1", identity="eyechart.sweep")
    parent.close()
    say(state / "runs" / "k1", parent="s1").close()
    deliver(state / "runs" / "k1", store)
    assert known(store)[0]["parent"] == "run s1"
    assert not paths.runs().exists()


def test_a_record_of_a_later_version_is_told_of(store, folder):
    journal = say(folder)
    journal.append("hologram", path="x")
    journal.close()
    with pytest.raises(EyechartError, match=r"a record of the kind 'hologram', which this version"):
        deliver(folder, store)


@pytest.mark.parametrize("content", ["[]", "3", '{"http://x": 5}', '{"sqlite": {"other": 1}}'])
def test_a_cursor_that_says_something_else_is_forgotten(store, folder, content):
    say(folder).close()
    (folder / CURSOR).write_text(content)
    deliver(folder, store)
    assert delivered(folder, store.uri)


def test_a_folder_that_cannot_be_written_is_delivered_once_too(store, folder, monkeypatch):
    say(folder).close()
    before = sorted(folder.rglob("*"))
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != folder and access(path, mode))
    deliver(folder, store)
    told = known(store)
    assert delivered(folder, store.uri)
    deliver(folder, FailingStore(fail_at=0))  # nothing is asked of it
    assert known(store) == told
    assert sorted(folder.rglob("*")) == before


# --- what is promised


def test_a_promise_is_kept_in_mind(store, folder, root):
    say(folder).close()
    state = root / ".eyechart"
    assert promised(state, store.uri) == []
    promise(folder, store.uri)
    assert promised(state, store.uri) == [folder]
    assert promised(state, "http://elsewhere") == []
    assert run_ids(folder) == []
    deliver(folder, store)
    assert promised(state, store.uri) == []
    promise(folder, store.uri)
    assert promised(state, store.uri) == []


def test_who_has_no_patience_does_not_wait_for_another_delivery(store, folder):
    say(folder).close()
    with FileLock(folder / DELIVERY_LOCK):
        with pytest.raises(Timeout):
            deliver(folder, store, 0)
        promise(folder, store.uri)
