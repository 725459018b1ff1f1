"""A sweep is closed, however it ends."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from eyechart.comparison.leaderboard import Leaderboard
from eyechart.sweeps import drive
from eyechart.tracking.config import TrackingConfig


@pytest.fixture
def ends():
    return []


@pytest.fixture
def sweep(ends):
    return SimpleNamespace(folder=Path("sweep"), runs=[], end=lambda status, *_: ends.append(status))


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, "KILLED"), (ValueError, "FAILED")])
def test_it_is_finished_when_its_leaderboard_is_made_and_not_before(sweep, ends, monkeypatch, error, status):
    def write(*_):
        raise error

    monkeypatch.setattr(Leaderboard, "write", write)
    with pytest.raises(error), drive.closing(sweep, TrackingConfig()):
        pass
    assert ends == [status]


@pytest.mark.parametrize(("failures", "status"), [([], "FINISHED"), (["a: broken"], "FAILED")])
def test_its_end_says_whether_runs_failed(sweep, ends, monkeypatch, failures, status):
    monkeypatch.setattr(Leaderboard, "write", lambda *_: ["leaderboard.csv"])
    monkeypatch.setattr(drive.in_mlflow, "sweep_records", lambda *_: [])
    with drive.closing(sweep, TrackingConfig()) as account:
        account.failures += failures
    assert ends == [status]
    assert account.files == ["leaderboard.csv"]
