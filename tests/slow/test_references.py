"""The experiments of the course documents land where the documents' own settings are known to land."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

pytestmark = pytest.mark.slow

# the others are for `make source`: of Fashion-MNIST, or long, or (doc002) with accuracies that swing between epochs
DATASETS = ("mnist", "cifar10")
EXPERIMENTS = (
    "doc001/fnn_mnist",
    "doc001/fnn_cifar10",
    "doc001/cnn_strided_cifar10",
    "doc003/cnn_small_mnist",
    "doc003/cnn_small_bn_mnist",
    "doc004/lenet_mnist",
)


def test_experiments_land_near_their_references(
    mirror: Path, program: Callable[..., CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for dataset in DATASETS:
        for step in ("fetch", "preprocess"):
            done = program(step, f"dataset={dataset}", env={"EYECHART_MIRRORS": str(mirror)})
            assert done.returncode == 0, done.stderr
    chosen = f"experiments=[{','.join(EXPERIMENTS)}]"
    done = program("replicate", chosen, "tracking=none", timeout=3600)
    assert done.returncode == 0, done.stderr

    _, title, table = done.stdout.partition("reference against measured")
    assert title
    for experiment in EXPERIMENTS:
        (line, *_) = [line for line in table.splitlines() if experiment in line]
        assert " within 0.0" in line, table
    assert "not within" not in table
