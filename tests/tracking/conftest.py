from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from eyechart.tracking.store import Store


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracking store without runs. Making one takes seconds, copying it does not."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EYECHART_ROOT", str(folder))
        Store().client.search_experiments()
    return folder / "mlflow.db"


@pytest.fixture
def store(root: Path, empty_database: Path) -> Store:
    """The store of the workspace `root`, without runs."""
    shutil.copyfile(empty_database, root / "mlflow.db")
    return Store()


@pytest.fixture
def folder(root: Path) -> Path:
    """Where a run's journal lies."""
    return root / ".eyechart" / "runs" / "k1"
