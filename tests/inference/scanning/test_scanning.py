"""Converts networks and scans with them in a process of its own, without the other backend: `scanning_cases.py`."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import run_cases

CASES = Path(__file__).with_name("scanning_cases.py")


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_on_each_backend(tmp_path: Path, backend: str):
    done = run_cases(CASES, backend, tmp_path)
    assert done.returncode == 0, done.stderr
