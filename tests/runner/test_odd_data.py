"""Data such as people have: four channels, labels that are dates, one class that is rare, a name like a formula."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from support import run_program

from eyechart.core import paths
from eyechart.runs.journal import read_journal
from eyechart.runs.run import Run

YAML = """\
name: odd
class_names: [common, =rare]
forms:
  - format: npz
    files: [odd.npz]
    caches: [{folder}]
"""


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """The workspace, and what each program said."""
    top = tmp_path_factory.mktemp("odd")
    root = top / "root"
    root.mkdir()
    random = np.random.default_rng(0)
    arrays = {}
    for part, size in (("train", 200), ("test", 100)):
        arrays[f"x_{part}"] = random.integers(0, 256, (size, 8, 8, 4), np.uint8)
        arrays[f"y_{part}"] = np.where(np.arange(size) % 20 == 0, 20231105, 1)
    np.savez(top / "odd.npz", **arrays)
    (top / "conf/dataset").mkdir(parents=True)
    (top / "conf/dataset/odd.yaml").write_text(YAML.format(folder=top))

    def program(name: str, *words: str):
        return run_program(root, name, *words)

    chosen = [f"--config-dir={top / 'conf'}", "dataset=odd"]
    small = ["model=cnn", "model.filters=[2]", "model.units=4", "trainer.epochs=1", "tracking=none"]
    said = {name: program(name, *chosen) for name in ("fetch", "preprocess")}
    said["train"] = program("train", *chosen, *small)
    said |= {name: program(name, "run=last") for name in ("evaluate", "explain")}
    return root, said


def test_every_program_comes_to_its_end(odd):
    _, said = odd
    for name, done in said.items():
        assert done.returncode == 0, f"{name}: {done.stderr}"


def test_labels_are_numbered_and_classes_of_unequal_size_are_told(odd):
    root, said = odd
    for name in ("fetch", "preprocess"):
        assert "note: 2 different labels, 1 to 20231105, with 20231103 numbers between them" in said[name].stderr
    unequal = "warning: of 200 training images 190 are of class 'common' and 10 of '=rare'"
    assert unequal in said["preprocess"].stderr
    assert unequal in said["train"].stdout
    assert (
        "all 4 channels of an image, pictures show the first three as red, green and blue" in said["preprocess"].stderr
    )
    assert (root / "data/prepared/odd/dataset.json").stat().st_size < 2000


def test_a_network_that_knows_one_class_is_told(odd, monkeypatch):
    root, said = odd
    monkeypatch.setenv("EYECHART_ROOT", str(root))
    run = Run.find("last")
    low = "warning: test accuracy 0.9500 (95% interval 0.8882-0.9785) is not above 0.9500 by more than its interval"
    assert low in said["train"].stdout
    assert "never predicted: '=rare'" in said["train"].stdout
    assert "test accuracy 0.9500, balanced accuracy 0.5000, macro F1 0.4872 (" in said["train"].stdout
    assert low in said["evaluate"].stderr
    assert run.result["test/balanced_accuracy"] == 0.5
    metrics = [record["values"] for record in read_journal(run.folder) if record["kind"] == "metrics"]
    assert {"test/macro_f1", "best_validation_balanced_accuracy"} <= set().union(*metrics)
    written = json.loads((paths.results() / "evaluate/metrics.json").read_text())
    assert (written["test/balanced_accuracy"], round(written["test/macro_f1"], 4)) == (0.5, 0.4872)


def test_a_class_is_no_formula(odd):
    root, _ = odd
    with (root / "results/evaluate/confusion.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert {row[0] for row in rows[1:]} == {"common", "'=rare"}
