"""How far a run has come, from what its folder holds."""

from __future__ import annotations

import json
import time

import pytest

from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.core.files import write_json
from eyechart.runs.journal import Journal, read_journal
from eyechart.runs.lock import RunLock
from eyechart.runs.status import RunStatus, attempt_number, find_run, finished, ignored_before, run_status, set_aside
from eyechart.tracking import MLflowCourier
from eyechart.tracking.config import TrackingConfig

pytestmark = pytest.mark.usefixtures("root")


def begin(key="k", *, epochs=0, **more):
    """A run that has begun, with a checkpoint after so many epochs."""
    folder = paths.runs() / key
    journal = Journal(folder)
    journal.append("start", identity=["", key], name=key, experiment_name="e", **more)
    journal.close()
    if epochs:
        (folder / f"checkpoint-{epochs:06d}.npz").write_bytes(b"")
    return folder


def end(status, **more):
    journal = Journal(paths.runs() / "k")
    journal.append("end", status=status, **more)
    journal.close()


def ended(key, *, t, status="FINISHED"):
    """A run that ended at this time."""
    folder = begin(key)
    journal = Journal(folder)
    journal.append("end", status=status, result={})
    journal.close()
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    lines[-1]["t"] = t
    journal.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def begun(key="k"):
    return read_journal(paths.runs() / key)[0]["t"]


def test_new():
    assert run_status("k") == RunStatus()
    assert str(run_status("k")) == "new"
    assert finished("k") is None


def test_interrupted_before_and_after_the_first_epoch():
    begin()
    assert run_status("k") == RunStatus(begun=begun())
    assert str(run_status("k")) == "begun before"
    begin(epochs=12)
    assert run_status("k") == RunStatus(begun=begun(), epochs=12)
    assert str(run_status("k")) == "goes on after epoch 12"


def test_failed_pruned_and_finished():
    begin()
    end("FAILED", message="")
    assert run_status("k") == RunStatus(begun=begun(), failed=True)
    assert str(run_status("k")) == "failed before"
    begin(epochs=2)
    end("KILLED", message="", pruned=True)
    assert run_status("k") == RunStatus(begun=begun(), epochs=2, pruned=True)
    begin()
    end("FINISHED", result={"a": 1})
    assert run_status("k") == RunStatus(begun=begun(), finished=True)
    assert str(run_status("k")) == "finished"
    assert finished("k").result == {"a": 1}
    begin()  # anew, as the first version could
    assert finished("k") is None


def test_what_was_begun_before_does_not_count():
    begin(epochs=3)
    there = run_status("k")
    assert there.ignoring_before(begun()) == there
    assert there.ignoring_before(begun() + 1) == RunStatus()
    assert RunStatus().ignoring_before(5) == RunStatus()


def test_setting_aside():
    folder = begin(epochs=3)
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / "model.keras").write_text("weights")
    courier, then = MLflowCourier(TrackingConfig(mode="none")), begun()
    assert attempt_number("k") == 1
    with RunLock.take(folder, "run k"):
        set_aside(folder, then, courier)
        assert run_status("k").epochs == 3  # it was begun at that time, not before
        set_aside(folder, then + 1, courier)
        assert run_status("k") == RunStatus()
        set_aside(folder, then + 1, courier)  # there is nothing left to set aside
    aside = paths.replaced() / f"k-{then}"
    assert [record["kind"] for record in read_journal(aside)] == ["start", "replaced"]
    assert (aside / "artifacts" / "model.keras").read_text() == "weights"
    assert attempt_number("k") == 2
    assert not any(folder.glob("*checkpoint*"))


def test_setting_aside_that_was_killed_is_done_at_the_next_start():
    folder = begin(epochs=3)
    then = begun()
    aside = paths.replaced() / f"k-{then}"
    aside.mkdir(parents=True)
    (folder / "checkpoint-000003.npz").rename(aside / "checkpoint-000003.npz")
    with RunLock.take(folder, "run k"):
        set_aside(folder, then + 1, MLflowCourier(TrackingConfig(mode="none")))
    assert run_status("k") == RunStatus()
    assert attempt_number("k") == 2
    assert {path.name for path in aside.iterdir()} == {"checkpoint-000003.npz", "journal.jsonl"}


def test_a_forced_attempt_that_was_interrupted_goes_on():
    begin()
    time.sleep(0.002)
    assert ignored_before("k") > begun()  # it was not forced
    begin("l", attempt=2)
    time.sleep(0.002)
    assert ignored_before("l") == begun("l")
    journal = Journal(paths.runs() / "l")
    journal.append("end", status="FINISHED", result={})
    journal.close()
    assert ignored_before("l") > begun("l")


def test_a_run_is_named_by_its_key_its_beginning_or_its_mlflow_run():
    folder = ended("0123456789", t=20)
    ended("0123459999", t=30)
    ended("abcdef0000", t=40, status="FAILED")
    write_json(folder / "delivery.json", {"sqlite:///somewhere": {"offset": 1, "run_id": "f" * 32}})
    assert find_run("0123456789") == find_run("0123456") == find_run("f" * 32) == "0123456789"
    assert find_run(None) == find_run("last") == "0123459999"
    assert find_run("abcdef0000") == "abcdef0000"


def test_a_name_that_no_run_has_or_that_several_have():
    with pytest.raises(EyechartError, match="there is no finished run yet: type"):
        find_run("last")
    ended("0123456789", t=20)
    ended("0123459999", t=30)
    with pytest.raises(EyechartError, match="run=012345 is the beginning of 2 run keys"):
        find_run("012345")
    with pytest.raises(EyechartError, match=r"or the id of its MLflow run. Did you mean '0123456789'\?"):
        find_run("0123456780")
    for name in ("01234", "", ".."):
        with pytest.raises(EyechartError, match=f"there is no run '{name}'"):
            find_run(name)
