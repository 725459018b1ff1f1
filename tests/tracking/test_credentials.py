"""A password in the address of a tracking server is written nowhere."""

from __future__ import annotations

import types

import pytest
from hydra import compose, initialize_config_dir
from tracking.saying import THIRD_PARTY, say

from eyechart.config import check
from eyechart.runner import train
from eyechart.runner.job import Job
from eyechart.runner.run import run
from eyechart.runs.journal import read_journal
from eyechart.runs.status import RunStatus
from eyechart.sweeps.sweep import OpenSweep
from eyechart.tracking.config import TrackingConfig
from eyechart.tracking.courier import MLflowCourier
from eyechart.tracking.delivery import deliver

pytestmark = [pytest.mark.filterwarnings(warning) for warning in THIRD_PARTY]
SERVER = "http://somebody:SECRET@127.0.0.1:9"  # nobody listens there


def holding_the_secret(root):
    return [path for path in root.rglob("*") if path.is_file() and b"SECRET" in path.read_bytes()]


def test_no_warning_shows_it(folder, root, capsys):
    say(folder).close()
    courier = MLflowCourier(TrackingConfig(mode="server", uri=SERVER))
    courier.tell(folder)
    courier.close()
    said = capsys.readouterr()
    assert "warning: " in said.err
    assert holding_the_secret(root) == []
    assert "SECRET" not in said.err + said.out


def test_no_cursor_holds_it(store, folder, root):
    assert store.client  # stays that of the local store, which answers
    store.uri = SERVER
    say(folder).close()
    deliver(folder, store)
    assert holding_the_secret(root) == []


def test_no_journal_of_a_sweep_holds_it(root, capsys):
    tracking = TrackingConfig(mode="server", uri=SERVER)
    job = Job((f"tracking.uri={SERVER}",), types.SimpleNamespace(), "k1", "a job", RunStatus())
    sweep = OpenSweep.start([job], f"train.py -m tracking.uri={SERVER}", tracking, name="sweep of 1", identity="i")
    sweep.end("FINISHED")
    assert holding_the_secret(root) == []


def test_no_journal_of_a_run_holds_it(digits, repository, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", SERVER)
    result = {"monitor": None, "epochs": 1, "test/accuracy": 0.5, "seconds": 1.0}
    monkeypatch.setattr(train, "_train_and_evaluate", lambda attempts, setup: attempts[0].finish(result))
    overrides = ["dataset=digits"]
    with initialize_config_dir(str(repository / "conf"), version_base=None):
        config = check(compose("config", overrides=overrides))
    outcome = run(Job.of(config, overrides), MLflowCourier(TrackingConfig(mode="none")))
    assert read_journal(outcome.run.folder)[-1]["status"] == "FINISHED"
    assert holding_the_secret(digits / ".eyechart") == []
