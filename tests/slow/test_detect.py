"""`pipelines/detect.py`: what it leaves on the terminal, in its folder and in MLflow, and what it says else."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from support import command, environment, error_line, files_below, mlflow_runs, run_program

from eyechart.inference.scanning.detect import THRESHOLDS
from eyechart.runs.journal import read_journal

pytestmark = pytest.mark.slow

TINY = ["dataset=digits", "trainer.epochs=10", "optimizer.learning_rate=0.005"]
OVER = ["dataset.name=over", "+dataset.background.of=digits", "+dataset.background.share=0.5"]
CANVASES = ["canvases=3", "size=70", "digits=3", "background=true"]
FILES = ["detections.csv", "detections.png", "scores.csv"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A workspace with three seeds on the digits, two on the digits over photographs, and a net that cannot scan."""
    root = tmp_path_factory.mktemp("detect") / "root"
    root.mkdir()

    def program(name: str, *words: str) -> str:
        done = run_program(root, name, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    for over in ([], OVER):
        program("fetch", "dataset=digits", *over)
        program("preprocess", "dataset=digits", *over)
    program("train", "model=rnn", "dataset=digits", "debug=fast", "tracking=none")
    (recurrent,) = [folder.name for folder in (root / ".eyechart/runs").iterdir()]
    program("train", *TINY, *OVER, "model=cnn_strided", "tracking=none", "seed=1")
    said = program("train", "-m", *TINY, "model=cnn_strided", "seed=range(3)")
    run_key = re.findall(r"run key (\w+)", said)[0]
    return SimpleNamespace(root=root, program=program, recurrent=recurrent, run_key=run_key)


@pytest.fixture(scope="module")
def detected(trained: SimpleNamespace) -> SimpleNamespace:
    """The sweep of three seeds, asked once."""
    return SimpleNamespace(out=trained.program("detect", "sweep=last", *CANVASES), **vars(trained))


def scans(root: Path) -> list[Path]:
    return sorted((root / ".eyechart/scans").glob("*"))


def test_the_table_has_a_row_with_error_bars(detected):
    lines = detected.out.splitlines()
    assert lines[0].strip() == "3 canvases of 70x70 with 3 images, over photographs (false alarms per image)"
    (row,) = [line.split() for line in lines if line.startswith("cnn_strided on digits")]
    assert row[3:5] == ["3", "0.50"]
    assert len([line for line in lines if line.strip().startswith(("0.", "cnn_strided"))]) == len(THRESHOLDS)
    written, heading, link = lines[-3:]
    assert written == f"detections.png, scores.csv, scores.png: {detected.root}/results/detect"
    assert heading == "in MLflow (make ui starts it):"
    ids = [run.info.run_id for run in mlflow_runs(detected.root) if "eyechart.scan_key" in run.data.tags]
    assert link.split()[0] == "compare"
    assert all(run_id in link for run_id in ids)


def test_the_files_agree_with_the_detections(detected):
    table = pd.read_csv(detected.root / "results/detect/scores.csv")
    assert len(table) == 3 * len(THRESHOLDS)
    assert set(table["run"]) == {"cnn_strided on digits"}
    for folder in scans(detected.root):
        (run_key,) = {record["parent_run"] for record in read_journal(folder) if record["kind"] == "start"}
        found = pd.read_csv(folder / "artifacts/detections.csv")
        for threshold in THRESHOLDS:
            sure = found[found["probability"] >= threshold]
            (said,) = table[(table["run_key"] == run_key) & (table["threshold"] == threshold)].to_dict("records")
            assert said["false_alarms_per_image"] == pytest.approx((~sure["right"]).sum() / 3)
            assert said["recall"] == pytest.approx(sure["right"].sum() / 9)
            assert (said["detected"], said["right"], said["known"]) == (len(sure), sure["right"].sum(), 9)
    assert (found["probability"] >= THRESHOLDS[0]).all()
    assert not found.empty


def test_mlflow_has_a_child_of_each_run_with_curves_over_the_probability(detected):
    runs = mlflow_runs(detected.root)
    by_id = {run.info.run_id: run for run in runs}
    children = [run for run in runs if "eyechart.scan_key" in run.data.tags]
    assert len(children) == 3
    table = pd.read_csv(detected.root / "results/detect/scores.csv")
    for run in children:
        parent = by_id[run.data.tags["mlflow.parentRunId"]]
        said = table[table["run_key"] == parent.data.tags["eyechart.run_key"]]
        assert run.info.status == parent.info.status == "FINISHED"
        assert run.info.run_name.startswith("cnn_strided on digits")
        assert run.data.params["background"] == "True"
        assert run.history("scan/false_alarms_per_image") == [
            (round(100 * row.threshold), pytest.approx(row.false_alarms_per_image)) for row in said.itertuples()
        ]
        known = {name for name in table.columns[6:] if said[name].notna().any()}
        assert {"recall", "precision"} <= known
        assert set(run.data.metrics) == {f"scan/{name}" for name in known}
        assert set(FILES) <= set(files_below(run.artifacts))


def test_what_was_found_is_not_looked_for_again(detected):
    before = {path: path.stat().st_mtime_ns for folder in scans(detected.root) for path in folder.rglob("*.csv")}
    assert detected.program("detect", "sweep=last", *CANVASES) == detected.out
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(mlflow_runs(detected.root)) == 7  # a sweep, its runs, and a child of each


def test_runs_over_photographs_are_asked_about_the_same_canvases(detected):
    over = next(
        file.parent.parent.name
        for file in detected.root.glob(".eyechart/runs/*/artifacts/run.json")
        if json.loads(file.read_text())["dataset"] == "over"
    )
    out = detected.program("detect", f"run={over}", *CANVASES, "to=results/over", "tracking=none")
    assert "cnn_strided on over" in out
    table = pd.read_csv(detected.root / "results/over/scores.csv")
    assert set(table["run_key"]) == {over}
    folder = max(scans(detected.root), key=lambda path: path.stat().st_mtime_ns)
    found = pd.read_csv(folder / "artifacts/detections.csv", dtype={"class": str})
    assert "background" not in set(found["class"])
    detected.program("scan", f"run={over}", "background=true", "size=80", "digits=2")
    found = pd.read_csv(detected.root / "results/scan/detections.csv", dtype={"class": str})
    assert "background" not in set(found["class"])
    assert "background" in json.loads((detected.root / "results/scan/map.json").read_text())["class_names"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sweep=last", "run=last"], "run= names one run, sweep= all of a sweep: type one or the other"),
        (["name=digits"], "name=digits is for the champion of a registered model: type run=champion as well"),
        (["canvases=1"], "canvases must be 2 or more, received 1"),
        (["sweep=nowhere"], "there is no sweep 'nowhere'"),
        (["run=nowhere"], "there is no run 'nowhere'"),
        (["size=10"], "expected a canvas of 16 pixels"),
        (["digits=99"], "type a larger size= or a smaller digits="),
        (["to=data"], "what an earlier detect.py left, received a folder with prepared, raw: type to=NEW"),
    ],
)
def test_bad_choices(detected, words, message):
    assert message in error_line(run_program(detected.root, "detect", "tracking=none", *words))


def test_a_network_that_cannot_scan_says_why_and_others_go_on(detected):
    done = run_program(detected.root, "detect", f"run={detected.recurrent}", "tracking=none")
    assert "rnn on digits" in (line := error_line(done))
    assert "a recurrent layer" in line
    detected.program("train", "-m", "model=rnn,fnn", "dataset=digits", "debug=fast", "tracking=none")
    done = run_program(detected.root, "detect", "sweep=last", *CANVASES, "tracking=none")
    assert done.returncode == 0
    assert "fnn on digits" in done.stdout
    assert "rnn on digits" not in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("notice: left out: rnn on digits")


def test_interrupted_it_ends_in_one_line_and_leaves_no_half_result(trained):
    words = command("detect", f"run={trained.run_key}", "canvases=2000", "size=100", "digits=3", "to=results/long")
    before = set(scans(trained.root))
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(words, cwd=trained.root, env=environment(trained.root), **pipes)
    end = time.monotonic() + 120
    new: list[Path] = []
    while not new and time.monotonic() < end and process.poll() is None:
        time.sleep(0.1)
        new = [path for path in scans(trained.root) if path not in before and (path / "artifacts").is_dir()]
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert len(errors.strip().splitlines()) == 1, errors
    assert not (trained.root / "results/long").exists()
    (folder,) = new
    assert read_journal(folder) == []  # MLflow never hears of half a scan
