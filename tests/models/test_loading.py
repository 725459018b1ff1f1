"""Loads trained networks, and files that say they are, in a process of its own: see `loading_cases.py`."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import run_cases

CASES = Path(__file__).with_name("loading_cases.py")


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_on_each_backend(tmp_path: Path, backend: str):
    done = run_cases(CASES, backend, tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "harm").exists()
