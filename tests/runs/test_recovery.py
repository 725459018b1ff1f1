"""What a killed process left is closed; what another one works on is not."""

from __future__ import annotations

import json
import sys

import pytest
from support import mlflow_runs
from tracking.saying import THIRD_PARTY

from eyechart.core import paths
from eyechart.runs.cursor import CursorFile, promise
from eyechart.runs.journal import Journal, read_journal
from eyechart.runs.lock import NOTE, RunLock
from eyechart.runs.recovery import close_abandoned
from eyechart.tracking import MLflowCourier
from eyechart.tracking.config import TrackingConfig
from eyechart.tracking.delivery import deliver
from eyechart.tracking.store import Store

pytestmark = [pytest.mark.filterwarnings(warning) for warning in THIRD_PARTY]


def begin(key, store=None):
    folder = paths.runs() / key
    journal = Journal(folder)
    journal.append("start", identity=["eyechart.run_key", key], name=key, experiment_name="eyechart")
    journal.close()
    if store:
        deliver(folder, store)
    return folder


def leave(folder, host=None):
    """As a process leaves a folder that is killed."""
    RunLock.try_to_take(folder)._lock.release()
    if host:
        (folder / NOTE).write_text(json.dumps({"host": host, "pid": 1}))


def close(mode="local"):
    with MLflowCourier(TrackingConfig(mode=mode)) as courier:
        close_abandoned(courier)


def ends(folder):
    return [record["status"] for record in read_journal(folder) if record["kind"] == "end"]


def test_what_is_gone_is_marked_and_what_is_alive_is_not(root):
    store = Store()
    gone, alive, elsewhere = (begin(key, store) for key in ("gone", "alive", "elsewhere"))
    leave(gone)
    leave(elsewhere, host="another-machine")
    with RunLock.take(alive, "run alive"):
        close()
        close()  # once is enough
        assert ends(alive) == []
    assert ends(gone) == ["KILLED"]
    assert ends(elsewhere) == []
    status = {run.info.run_name: run.info.status for run in mlflow_runs(root)}
    assert status == {"gone": "KILLED", "alive": "RUNNING", "elsewhere": "RUNNING"}


def test_one_that_was_killed_before_it_said_anything_says_nothing(root):
    folder = paths.runs() / "silent"
    leave(folder)
    close()
    assert read_journal(folder) == []
    assert not (folder / NOTE).exists()


def test_one_that_was_killed_before_it_noted_which_run_it_had_made(root, monkeypatch):
    folder, store = begin("gone"), Store()
    promise(folder, store.uri)
    with monkeypatch.context() as patch:
        patch.setattr(CursorFile, "save", lambda *_, **__: sys.exit("killed"))
        with pytest.raises(SystemExit):
            deliver(folder, store)
    assert [run.info.status for run in mlflow_runs(root)] == ["RUNNING"]
    leave(folder)
    close()
    assert [run.info.status for run in mlflow_runs(root)] == ["KILLED"]


def test_who_looks_into_the_folder_meanwhile_does_not_hide_it(root):
    folder = begin("gone", Store())
    leave(folder)
    with RunLock.take(folder, "run gone"):
        pass
    close()
    assert ends(folder) == ["KILLED"]


def test_what_was_never_delivered_is_not_delivered_now(root):
    folder = begin("private")
    leave(folder)
    close()
    assert ends(folder) == ["KILLED"]
    assert not (root / "mlflow.db").exists()


def test_a_run_that_had_ended_is_left_as_it_is(root):
    folder = begin("ended")
    journal = Journal(folder)
    journal.append("end", status="FINISHED", result={})
    journal.close()
    leave(folder)
    close("none")
    assert ends(folder) == ["FINISHED"]
    assert not (folder / NOTE).exists()


def test_of_a_run_that_had_finished_no_checkpoint_is_kept(root):
    """Its process was killed while it removed them."""
    folder, begun = begin("finished"), begin("begun")
    for one in (folder, begun):
        (one / "checkpoint-000007.npz").touch()
        leave(one)
    journal = Journal(folder)
    journal.append("end", status="FINISHED", result={})
    journal.close()
    close("none")
    assert not list(folder.glob("checkpoint*"))
    assert list(begun.glob("checkpoint*"))


def test_a_broken_journal_stops_nothing(root):
    broken, folder = begin("a"), begin("b")
    (broken / "journal.jsonl").write_text("not a record\n")
    leave(broken)
    leave(folder)
    close("none")
    assert ends(folder) == ["KILLED"]
