"""The experiments of the course documents land where the documents' own hyperparameters land today."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from eyechart.comparison import load_results

pytestmark = pytest.mark.slow

EXPERIMENTS = ("doc001/fnn_mnist", "doc003/cnn_mnist", "doc004/lenet_mnist")


def test_experiments_land_within_a_hundredth_of_their_references(
    repository: Path, root: Path, mirror: Path, program: Callable[..., CompletedProcess[str]]
) -> None:
    for step in ("fetch", "preprocess"):
        assert program(step, "dataset=mnist", env={"EYECHART_MIRRORS": str(mirror)}).returncode == 0
    done = program("train", "-m", f"experiment={','.join(EXPERIMENTS)}", "tracking=none", timeout=3600)
    assert done.returncode == 0, done.stderr

    results = load_results(sweep="last").set_index("name")
    for experiment in EXPERIMENTS:
        text = (repository / "conf" / "experiment" / f"{experiment}.yaml").read_text()
        reference = re.search(r"reference: test accuracy (0\.\d+)", text)
        assert reference is not None
        measured = results.loc[f"experiment={experiment}", "test/accuracy"]
        assert measured == pytest.approx(float(reference[1]), abs=0.01), experiment
