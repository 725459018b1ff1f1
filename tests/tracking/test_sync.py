"""`pipelines/sync.py` on journals that were never trained: what it delivers, what it leaves, what it says."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from support import command, environment, error_line, run_program
from tracking.saying import EXPERIMENT, THIRD_PARTY, known, say, start

from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.runs.cursor import delivered_run_id, promise
from eyechart.runs.journal import Journal, read_journal
from eyechart.tracking.store import Store
from eyechart.tracking.sync import Synced, state_folder, sync

pytestmark = [pytest.mark.filterwarnings(warning) for warning in THIRD_PARTY]


@pytest.fixture
def store(root, empty_database):
    """The store of the workspace `root`, without runs."""
    shutil.copyfile(empty_database, root / "mlflow.db")
    return Store()


def say_sweep(state, runs=("k1", "k2"), sweep="s1"):
    """The journals of a sweep and its runs."""
    for key in runs:
        say(state / "runs" / key, key, parent=sweep).close()
    parent = Journal(state / "sweeps" / sweep)
    start(parent, sweep, identity="eyechart.sweep")
    parent.append("views", name="a sweep", runs=list(runs), order_by="best_f1", ascending=False)
    parent.append("description", text="a sweep of two")
    parent.append("end", status="FINISHED", message="")
    parent.close()


def names(store):
    return [(run["name"], run["status"], run["parent"]) for run in known(store)]


WHOLE = [("run k1", "FINISHED", "run s1"), ("run k2", "FINISHED", "run s1"), ("run s1", "FINISHED", None)]


def test_runs_and_sweeps_are_delivered_once(root, empty_database):
    shutil.copyfile(empty_database, root / "mlflow.db")
    say_sweep(paths.state())
    done = run_program(root, "sync")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"from {root}/.eyechart to sqlite:///{root}/mlflow.db",
        "delivered: 2 runs, 1 sweep",
    ]
    assert done.stderr == ""
    before = known(Store())
    assert names(Store()) == WHOLE
    again = run_program(root, "sync")
    assert again.stdout.splitlines()[1:] == ["delivered: nothing", "there already: 3"]
    assert known(Store()) == before


def test_the_journals_of_another_machine(root, empty_database, tmp_path):
    state, target = tmp_path / "copied", tmp_path / "other.db"
    shutil.copyfile(empty_database, target)
    say_sweep(state)
    done = run_program(root, "sync", f"journals={state}", f"to=sqlite:///{target}")
    assert done.returncode == 0, done.stderr
    store = Store(f"sqlite:///{target}")
    assert names(store) == WHOLE
    tags = store.client.get_experiment(store.experiment_id(EXPERIMENT)).tags
    for key in ("k1", "k2"):
        assert delivered_run_id(state / "runs" / key, store.uri) in tags["mlflow.sharedViewState.s1-curves"]
    assert not (root / ".eyechart" / "runs").exists()
    assert not (root / "mlflow.db").exists()


def test_times_are_those_of_the_journal(store):
    say_sweep(paths.state())
    sync(paths.state(), store)
    for run in store.client.search_runs([store.experiment_id(EXPERIMENT)]):
        if run.info.run_name != "run s1":
            records = read_journal(paths.runs() / run.info.run_name.removeprefix("run "))
            assert (run.info.start_time, run.info.end_time) == (records[0]["t"], records[-1]["t"])
            (first, *_) = store.client.get_metric_history(run.info.run_id, "train/loss")
            assert first.timestamp == next(record["t"] for record in records if record["kind"] == "metrics")


def test_broken_and_incomplete_journals_do_not_stop_the_others(store, root):
    say_sweep(paths.state(), runs=("k1", "k2", "k3", "k4"))
    broken, lost = paths.runs() / "k2", paths.runs() / "k3"
    lines = (broken / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (broken / "journal.jsonl").write_bytes(b"".join([*lines[:3], b"broken\n", *lines[3:]]))
    (lost / "artifacts" / "picture.png").unlink()
    done = run_program(root, "sync")
    told = done.stdout.splitlines()
    assert told[1] == "delivered: 2 runs, 1 sweep"
    assert told[2].startswith(f"not delivered: {broken}: the journal {broken}/journal.jsonl has a broken record before")
    assert told[3].startswith(f"not delivered: {lost}: ")
    assert "picture.png" in told[3]
    assert error_line(done).startswith("error: 2 of 5 journals could not be delivered in full, as told above")
    ended = {name: status for name, status, _ in names(store)}
    assert {name for name, status in ended.items() if status == "FINISHED"} == {"run k1", "run k4", "run s1"}
    assert {name for name, status in ended.items() if status == "RUNNING"} == {"run k2", "run k3"}


def test_what_was_deleted_or_is_private_is_left(store):
    say_sweep(paths.state())
    for key, private in (("k3", True), ("k4", False)):  # the second was tracked when it was trained again
        journal = Journal(paths.runs() / key)
        journal.append("start", identity=["eyechart.run_key", key], name=key, experiment_name=EXPERIMENT, private=True)
        journal.append("end", status="KILLED", message="")
        about = {"identity": ["eyechart.run_key", key], "name": key, "experiment_name": EXPERIMENT}
        journal.append("start", **about, private=private)
        journal.append("end", status="FINISHED", result={})
        journal.close()
    done = sync(paths.state(), store)
    assert (done.delivered, done.private, done.there, done.deleted) == ({"runs": 3, "sweeps": 1}, 1, 0, 0)
    store.client.delete_run(delivered_run_id(paths.runs() / "k1", store.uri))
    for _ in range(2):
        done = sync(paths.state(), store)
        assert (done.delivered, done.private, done.there, done.deleted) == ({}, 1, 3, 1)
        assert [name for name, _, _ in names(store)] == ["k4", "run k2", "run s1"]


def test_a_store_that_was_begun_anew_is_filled_again(store, root, empty_database):
    say_sweep(paths.state())
    sync(paths.state(), store)
    shutil.copyfile(empty_database, root / "mlflow.db")
    fresh = Store()
    assert sync(paths.state(), fresh).delivered == {"runs": 2, "sweeps": 1}
    assert names(fresh) == WHOLE


def test_what_a_killed_process_left_is_ended(store):
    from eyechart.runs.lock import RunLock

    folder = paths.runs() / "k1"
    journal = Journal(folder)
    start(journal, "k1")
    journal.close()
    RunLock.try_to_take(folder)._lock.release()
    promise(folder, store.uri)
    sync(paths.state(), store)
    assert names(store) == [("run k1", "KILLED", None)]


def test_replaced_runs_are_delivered_as_such(store):
    say(paths.state() / "replaced" / "k1-1", "k1").close()
    journal = Journal(paths.state() / "replaced" / "k1-1")
    journal.append("replaced")
    journal.close()
    journal = Journal(paths.runs() / "k1")
    about = {"identity": ["eyechart.run_key", "k1"], "name": "run k1", "experiment_name": EXPERIMENT}
    journal.append("start", **about, attempt=2)
    journal.append("end", status="FINISHED", result={})
    journal.close()
    assert sync(paths.state(), store).delivered == {"runs": 1, "replaced": 1}
    assert [name for name, _, _ in names(store)] == ["replaced: run k1", "run k1"]


class Unanswering(Store):
    """A store that stops to answer after so many calls."""

    def __init__(self, answers):
        super().__init__()
        self.answers = answers

    @property
    def client(self):
        self.answers -= 1
        if self.answers < 0:
            raise ConnectionError("nobody there")
        return super().client


def test_a_store_that_stops_to_answer_ends_it(store, monkeypatch):
    for patience in ("PATIENCE", "PATIENCE_TO_ASK"):
        monkeypatch.setattr(f"eyechart.tracking.sync.{patience}", 0.5)
    say_sweep(paths.state())
    with pytest.raises(
        EyechartError, match=r"does not answer any more \(nobody there\); delivered: 1 run; type the same"
    ):
        sync(paths.state(), Unanswering(25))
    sync(paths.state(), store)
    assert names(store) == WHOLE


def test_state_folders(root, tmp_path):
    assert state_folder(None) == paths.state()
    (tmp_path / "elsewhere" / ".eyechart" / "sweeps").mkdir(parents=True)
    for named in ("elsewhere", "elsewhere/.eyechart"):
        assert state_folder(str(tmp_path / named)) == tmp_path / "elsewhere" / ".eyechart"
    for named in ("nowhere", "elsewhere/.eyechart/sweeps"):
        with pytest.raises(EyechartError, match=r"journals must be a folder such as \.eyechart, with runs, .*received"):
            state_folder(str(tmp_path / named))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["journals=nowhere"], "journals must be a folder such as .eyechart"),
        (["to=nowhere"], "to must be an address such as http://127.0.0.1:5000"),
        (
            ["to=http://me:secret@127.0.0.1"],
            "to must be an address without a user and a password, received http://***@",
        ),
        (["tracking=offline"], "with tracking=offline nothing is delivered: type to=ADDRESS, or tracking=local"),
        (["jornals=x"], "Did you mean 'journals'?"),
    ],
)
def test_what_is_typed_wrong(root, words, said):
    assert said in error_line(run_program(root, "sync", *words))


def test_nothing_to_deliver(root, store):
    assert sync(paths.state(), store).lines() == ["delivered: nothing"]
    assert Synced().journals == 0


MANY = 150  # so that it is in their midst when it is interrupted


def test_it_may_be_interrupted(root, empty_database):
    shutil.copyfile(empty_database, root / "mlflow.db")
    for number in range(MANY):
        say(paths.runs() / f"k{number:03}", f"k{number:03}").close()
    process = subprocess.Popen(
        command("sync"),
        cwd=root,
        env=environment(root),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    while not (paths.runs() / "k001" / "delivery.json").exists():
        assert process.poll() is None
    process.send_signal(2)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "interrupted; the same command goes on where this one stopped\n"
    assert not (paths.runs() / f"k{MANY - 1:03}" / "delivery.json").exists()
    done = run_program(root, "sync")
    assert done.returncode == 0, done.stderr
    assert names(Store()) == [(f"run k{number:03}", "FINISHED", None) for number in range(MANY)]
