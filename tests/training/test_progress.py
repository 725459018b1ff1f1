from __future__ import annotations

import math
import sys

import pytest
from training.fakes import fake_member

from eyechart.training.callback import EpochRecord
from eyechart.training.progress import EpochTable

METRICS = {"train/loss": 1.23456, "train/accuracy": 0.5, "seconds": 12.345}
VALIDATION = {"validation/loss": 0.25, "validation/accuracy": 1.0}


def show(records, **arguments):
    with EpochTable(title="fnn on digits", epochs=12, size=100, **arguments) as table:
        for record in records:
            table.tick(100)
            assert table(record, fake_member()) is False


def test_rows_stand_under_their_titles(capsys):
    show([EpochRecord(1, METRICS | VALIDATION), EpochRecord(12, METRICS)])
    title, first, last = capsys.readouterr().out.splitlines()
    assert title == "epoch  train loss  accuracy  validation loss  accuracy  seconds"
    assert first == "    1      1.2346    0.5000           0.2500    1.0000    12.35"
    assert last == "   12      1.2346    0.5000                -         -    12.35"


def test_the_row_in_which_it_diverged_says_so(capsys):
    nothing = dict.fromkeys(("train/loss", "validation/loss"), math.nan)
    show([EpochRecord(1, METRICS | VALIDATION), EpochRecord(2, METRICS | VALIDATION | nothing, diverged=True)])
    _, before, last = capsys.readouterr().out.splitlines()
    assert "diverged" not in before
    assert last == "    2         nan    0.5000              nan    1.0000    12.35  diverged"


def test_a_sweep_prints_no_rows(capsys):
    show([EpochRecord(1, METRICS)], rows=False)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("done", [0, 3])
def test_there_is_no_bar_where_nobody_watches(capsys, done):
    show([EpochRecord(done + 1, METRICS)], done=done)
    assert capsys.readouterr().err == ""


def test_there_is_a_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    show([EpochRecord(1, METRICS | VALIDATION)])
    said = capsys.readouterr()
    assert "fnn on digits" in said.err
    assert "accuracy 1.0000" in said.err
    assert "\x1b" not in said.out
