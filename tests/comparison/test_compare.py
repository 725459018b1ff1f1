"""pipelines/compare.py as a person types it."""

from __future__ import annotations

import os

import numpy as np
import pytest
from support import compose, error_line, forbid

from eyechart.comparison import load_results
from eyechart.comparison.leaderboard import Leaderboard
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.core.files import write_json
from eyechart.programs import compare
from eyechart.runs.journal import Journal


@pytest.fixture
def rows(write_run):
    for number, model in enumerate(("cnn", "fnn")):
        for seed in range(2):
            correct = np.arange(1000) % 10 < 9 - 4 * number
            write_run(f"{number}{seed}", model=model, seed=seed, validation=0.9 - number / 10, correct=correct)


def test_the_board_and_a_question(rows, program, tmp_path):
    light = forbid(tmp_path / "forbidden", "tensorflow", "keras", "jax", "mlflow", "sklearn", "matplotlib")
    board = program("compare", env=light)
    assert (board.returncode, board.stderr) == (0, "")
    assert "test ± std" in board.stdout
    assert "lower: told apart from row 1 at 5%" in board.stdout
    asked = program("compare", "a=model=fnn", "b=1", env=light)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.splitlines()[-1].startswith("'cnn' is better than 'fnn': by 40.00 percentage points")


def test_what_is_wrong_is_one_line(rows, program):
    assert "received only a" in error_line(program("compare", "a=cnn"))
    line = error_line(program("compare", "a=cnn", "b=fnn", "picture=board.svg"))
    assert line == "error: picture= draws the boards, a= and b= compare two rows: type one or the other"


def test_nothing_to_compare(root, program):
    assert "there is no finished run to compare" in error_line(program("compare", "a=1", "b=2"))


@pytest.fixture
def sweep(rows):
    """A sweep of five runs, of which four are finished."""
    journal = Journal(paths.sweeps() / "20260102-030405-abcdef")
    journal.append("start", identity=["eyechart.sweep", "s"], name="sweep of 5", experiment_name="eyechart")
    journal.append("end", status="KILLED", message="")
    journal.close()
    jobs = [{"run_key": key} for key in ("00", "01", "10", "11", "20")]
    write_json(journal.folder / "manifest.json", {"jobs": jobs, "command": "python pipelines/train.py -m seed=0,1"})
    return journal.folder


def test_of_a_sweep_it_says_what_is_missing_and_whether_mlflow_has_it(sweep, program):
    done = program("compare", "sweep=last", "tracking=server", "tracking.uri=http://127.0.0.1:9")
    assert done.returncode == 0
    assert done.stderr.startswith(f"warning: the journal in {sweep} could not be delivered to http://127.0.0.1:9 (")
    written, missing = done.stdout.splitlines()[-2:]
    assert written.endswith(
        "runs.csv; not to its MLflow run, which could not be reached: the same command tries it again"
    )
    assert missing == "4 of the sweep's 5 runs are finished: type its command again for the rest"
    quiet = program("compare", "sweep=last", "tracking=none")
    assert "runs.csv; with tracking=none nothing is brought to MLflow" in quiet.stdout


def test_the_sweep_that_was_typed_last_stays_it_while_another_is_typed(sweep, monkeypatch, capsys):
    other = paths.sweeps() / "20260102-030405-000000"
    write_json(other / "manifest.json", {"jobs": [{"run_key": "10"}], "command": "python pipelines/train.py -m"})
    journal = Journal(other)
    journal.append("start", identity=["eyechart.sweep", "other"], name="sweep of 1", experiment_name="eyechart")
    journal.append("end", status="FINISHED", message="")
    journal.close()
    told = (other / "journal.jsonl").read_bytes()
    os.utime(other / "manifest.json", (1, 1))  # typed long ago
    show = Leaderboard.print

    def typed_meanwhile(*arguments):
        os.utime(other / "manifest.json")
        show(*arguments)

    monkeypatch.setattr(Leaderboard, "print", typed_meanwhile)
    compare.main.__wrapped__(compose("sweep=last", "tracking=none", config_name="compare"))
    assert (sweep / "leaderboard.csv").is_file()
    assert not (other / "leaderboard.csv").exists()
    assert (other / "journal.jsonl").read_bytes() == told
    assert f"written to {sweep}" in capsys.readouterr().out


def test_a_sweep_of_which_no_run_is_finished(sweep, program):
    jobs = [{"run_key": "20"}]
    write_json(sweep / "manifest.json", {"jobs": jobs, "command": "python pipelines/train.py -m seed=0,1"})
    for name in ("compare", "promote"):
        line = error_line(program(name, "sweep=last"))
        told = f"no run of sweep {sweep.name} is finished: wait for it, or type its command again, it goes on"
        assert line == f"error: {told}"


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"[]"])
def test_a_broken_manifest_is_told(sweep, content):
    (sweep / "manifest.json").write_bytes(content)
    with pytest.raises(
        EyechartError, match=r"manifest.json is broken: move .* away and type the sweep's command again"
    ):
        load_results("last")
