"""Looks into networks in a process of its own, without the other backend: see `inspection_cases.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import environment

CASES = Path(__file__).with_name("inspection_cases.py")


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_on_each_backend(tmp_path: Path, backend: str):
    other = "tensorflow" if backend == "jax" else "jax"
    (tmp_path / f"{other}.py").write_text("raise ModuleNotFoundError('as if it were not installed')\n")
    done = subprocess.run(
        [sys.executable, str(CASES), backend, str(tmp_path)],
        env=environment(tmp_path, PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
