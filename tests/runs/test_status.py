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
from eyechart.runs.replaced import attempt_number, ignored_before, set_aside
from eyechart.runs.run import Run
from eyechart.runs.status import RunStatus, in_a_sentence
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


def ended(key, *, t, status="FINISHED", **more):
    """A run that ended at this time."""
    folder = begin(key)
    journal = Journal(folder)
    journal.append("end", status=status, result={}, **more)
    journal.close()
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    lines[-1]["t"] = t
    journal.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def begun(key="k"):
    return read_journal(paths.runs() / key)[0]["t"]


def test_new():
    assert Run("k").status == RunStatus()
    assert str(Run("k").status) == "new"
    assert not Run("k").finished


def test_interrupted_before_and_after_the_first_epoch():
    begin()
    assert Run("k").status == RunStatus(begun=begun())
    assert str(Run("k").status) == "begun before"
    begin(epochs=12)
    assert Run("k").status == RunStatus(begun=begun(), epochs=12)
    assert str(Run("k").status) == "goes on after epoch 12"


def test_failed_pruned_and_finished():
    begin()
    end("FAILED", message="")
    assert Run("k").status == RunStatus(begun=begun(), failed=True)
    assert str(Run("k").status) == "failed before"
    begin(epochs=2)
    end("KILLED", message="", pruned=True)
    assert Run("k").status == RunStatus(begun=begun(), epochs=2, pruned=True)
    begin()
    end("FINISHED", result={"a": 1})
    assert Run("k").status == RunStatus(begun=begun(), finished=True)
    assert str(Run("k").status) == "finished"
    assert Run("k").result == {"a": 1}
    begin()  # anew, as the first version could
    assert not Run("k").finished


def test_what_was_begun_before_does_not_count():
    begin(epochs=3)
    there = Run("k").status
    assert there.ignoring_before(begun()) == there
    assert there.ignoring_before(begun() + 1) == RunStatus()
    assert RunStatus().ignoring_before(5) == RunStatus()


def test_setting_aside():
    folder = begin(epochs=3)
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / "model.keras").write_text("weights")
    courier, then = MLflowCourier(TrackingConfig(mode="none")), begun()
    assert attempt_number(Run("k")) == 1
    with RunLock.take(folder, "run k"):
        set_aside(folder, then, courier)
        assert Run("k").status.epochs == 3  # it was begun at that time, not before
        set_aside(folder, then + 1, courier)
        assert Run("k").status == RunStatus()
        set_aside(folder, then + 1, courier)  # there is nothing left to set aside
    aside = paths.replaced() / f"k-{then}"
    assert [record["kind"] for record in read_journal(aside)] == ["start", "replaced"]
    assert (aside / "artifacts" / "model.keras").read_text() == "weights"
    assert attempt_number(Run("k")) == 2
    assert not any(folder.glob("*checkpoint*"))


def test_setting_aside_that_was_killed_is_done_at_the_next_start():
    folder = begin(epochs=3)
    then = begun()
    aside = paths.replaced() / f"k-{then}"
    aside.mkdir(parents=True)
    (folder / "checkpoint-000003.npz").rename(aside / "checkpoint-000003.npz")
    with RunLock.take(folder, "run k"):
        set_aside(folder, then + 1, MLflowCourier(TrackingConfig(mode="none")))
    assert Run("k").status == RunStatus()
    assert attempt_number(Run("k")) == 2
    assert {path.name for path in aside.iterdir()} == {"checkpoint-000003.npz", "journal.jsonl"}


def test_a_forced_attempt_that_was_interrupted_goes_on():
    begin()
    time.sleep(0.002)
    assert ignored_before(Run("k")) > begun()  # it was not forced
    begin("l", attempt=2)
    time.sleep(0.002)
    assert ignored_before(Run("l")) == begun("l")
    journal = Journal(paths.runs() / "l")
    journal.append("end", status="FINISHED", result={})
    journal.close()
    assert ignored_before(Run("l")) > begun("l")


def test_a_run_is_named_by_its_key_its_beginning_or_its_mlflow_run():
    folder = ended("0123456789", t=20)
    ended("0123459999", t=30)
    ended("abcdef0000", t=40, status="FAILED")
    write_json(folder / "delivery.json", {"sqlite:///somewhere": {"offset": 1, "run_id": "f" * 32}})
    assert {Run.find(name).key for name in ("0123456789", "0123456", "f" * 32)} == {"0123456789"}
    assert {Run.find(name).key for name in (None, "last")} == {"0123459999"}
    assert Run.find("abcdef0000").key == "abcdef0000"


def test_a_name_that_no_run_has_or_that_several_have():
    with pytest.raises(EyechartError, match="there is no finished run yet: type"):
        Run.find("last")
    ended("0123456789", t=20)
    ended("0123459999", t=30)
    with pytest.raises(EyechartError, match="run=012345 is the beginning of 2 run keys"):
        Run.find("012345")
    with pytest.raises(EyechartError, match=r"or the id of its MLflow run. Did you mean '0123456789'\?"):
        Run.find("0123456780")
    for name in ("01234", "", ".."):
        with pytest.raises(EyechartError, match=f"there is no run '{name}'"):
            Run.find(name)


def test_the_last_run_is_one_that_did_not_diverge():
    ended("0123456789", t=20)
    ended("0123459999", t=30, diverged=2)
    assert Run.find("last").key == "0123456789"
    named = Run.find("0123459999")
    assert (named.key, named.finished, named.diverged) == ("0123459999", True, 2)
    assert (Run("0123456789").diverged, Run("new").diverged) == (0, 0)


def test_where_every_run_diverged_none_is_the_last():
    ended("0123459999", t=30, diverged=2)
    with pytest.raises(EyechartError, match="every finished run diverged: type run=0123459999 to have it nevertheless"):
        Run.find(None)


HELD_BACK = {"monitor": "validation/accuracy", "validation/accuracy": 0.5, "test/accuracy": 0.25, "epochs": 3}
NOT_HELD_BACK = {"monitor": None, "test/accuracy": 0.25, "epochs": 3}


@pytest.mark.parametrize(
    ("result", "diverged", "said"),
    [
        (HELD_BACK | {"best_epoch": 2}, 0, "test accuracy 0.2500 (validation accuracy 0.5000 at epoch 2 of 3)"),
        (
            HELD_BACK | {"best_epoch": 2},
            3,
            "diverged in epoch 3: test accuracy 0.2500 (validation accuracy 0.5000 at epoch 2 of 3)",
        ),
        (
            HELD_BACK | {"best_epoch": 0},
            1,
            "diverged in epoch 1: test accuracy 0.2500 (no epoch before it counts: guesses do)",
        ),
        (NOT_HELD_BACK, 0, "test accuracy 0.2500 (nothing was held back: the last of 3 epochs counts)"),
        (
            NOT_HELD_BACK | {"best_epoch": 2},
            3,
            "diverged in epoch 3: test accuracy 0.2500 (nothing was held back: epoch 2 counts, the last before it)",
        ),
    ],
)
def test_a_result_in_a_sentence(result, diverged, said):
    assert in_a_sentence(result, diverged) == said
