"""What the tests of several packages share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def mirror() -> Path:
    """A folder with real data: one that EYECHART_MIRRORS names, else `shared/data` beside the checkout."""
    named = [Path(entry.strip()) for entry in os.environ.get("EYECHART_MIRRORS", "").split(",") if entry.strip()]
    for folder in (*named, REPOSITORY.parent / "shared" / "data"):
        if folder.is_dir():
            return folder
    pytest.skip("no folder with real data: set EYECHART_MIRRORS to one that holds mnist/ and cifar10/")
