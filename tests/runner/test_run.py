"""A run whose state folder is moved away, or may not be written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from support import files_below
from tracking.saying import THIRD_PARTY

from eyechart.config import check
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.runner import train
from eyechart.runner.attempt import FinishedRun
from eyechart.runner.job import Job
from eyechart.runner.run import run
from eyechart.runs.cursor import is_promised, promise
from eyechart.runs.journal import Journal, MovedAway, read_journal
from eyechart.runs.lock import RunLock
from eyechart.tracking import MLflowCourier
from eyechart.tracking.config import TrackingConfig
from eyechart.tracking.store import Store
from eyechart.tracking.sync import sync

pytestmark = [pytest.mark.filterwarnings(warning) for warning in THIRD_PARTY]
RESULT = {"monitor": None, "epochs": 1, "best_epoch": 1, "seconds": 1.0, "train/accuracy": 0.5, "test/accuracy": 0.5}


@pytest.fixture
def job(digits, repository, monkeypatch) -> Job:
    """A job whose training takes no time."""
    monkeypatch.setattr(train, "_train_and_evaluate", lambda attempts, setup: attempts[0].finish(RESULT))
    with initialize_config_dir(str(repository / "conf"), version_base=None):
        config = check(compose("config", overrides=["dataset=digits"]))
    return Job.of(config, ["dataset=digits"])


def ask(job: Job) -> FinishedRun:
    return run(job, MLflowCourier(TrackingConfig(mode="none")))


@pytest.mark.parametrize("when", ["before the result", "before an epoch"])
def test_runs_that_are_moved_away_meanwhile_end_in_one_line(job, monkeypatch, root, when):
    def training(attempts, setup):
        paths.runs().rename(root / "away")
        if when == "before an epoch":
            attempts[0].journal.metrics(1, {"train/loss": 1.0})
        attempts[0].finish(RESULT)

    with monkeypatch.context() as patch:
        patch.setattr(train, "_train_and_evaluate", training)
        with pytest.raises(EyechartError, match="it was moved or removed meanwhile; put it back as it was") as caught:
            ask(job)
    assert str(job.run.folder) in str(caught.value)
    assert not paths.runs().exists()  # or it could not be put back
    (root / "away").rename(paths.runs())
    assert read_journal(job.run.folder)[-1]["status"] == "FAILED"
    assert ask(job).trained


def test_another_folder_in_its_place_is_not_it(tmp_path):
    folder = tmp_path / "k"
    journal = Journal(folder)
    journal.append("start", name="k")
    folder.rename(tmp_path / "away")
    shutil.copytree(tmp_path / "away", folder)
    with pytest.raises(MovedAway):
        journal.append("end", status="FINISHED")
    journal.close()


@pytest.fixture
def read_only(job, monkeypatch, tmp_path) -> Path:
    """The state folder with that run, finished, after which nothing in it may be written."""
    ask(job)
    state, access = paths.state(), os.access
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "own"))
    monkeypatch.setattr(
        os,
        "access",
        lambda path, mode: not (mode & os.W_OK and Path(path).is_relative_to(state)) and access(path, mode),
    )
    return state


def test_a_finished_run_is_handed_back_from_where_nothing_may_be_written(job, read_only, monkeypatch):
    before = files_below(read_only)
    monkeypatch.setattr(RunLock, "take", lambda *_: pytest.fail("it would have to write"))
    outcome = ask(job)
    assert (outcome.run, outcome.trained) == (job.run, False)
    promise(job.run.folder, "sqlite:///x")
    assert is_promised(job.run.folder, "sqlite:///x")
    assert files_below(read_only) == before


def test_and_delivered_to_elsewhere(job, read_only, tmp_path, empty_database):
    before = files_below(read_only)
    shutil.copyfile(empty_database, tmp_path / "other.db")
    store = Store(f"sqlite:///{tmp_path}/other.db")
    assert sync(read_only, store).delivered == {"runs": 1}
    assert sync(read_only, store).there == 1
    assert files_below(read_only) == before
