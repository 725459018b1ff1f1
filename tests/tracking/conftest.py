from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from eyechart.tracking.store import Store


@pytest.fixture
def store(root: Path, empty_database: Path) -> Store:
    """The store of the workspace `root`, without runs."""
    shutil.copyfile(empty_database, root / "mlflow.db")
    return Store()


@pytest.fixture
def folder(root: Path) -> Path:
    """Where a run's journal lies."""
    return root / ".eyechart" / "runs" / "k1"
