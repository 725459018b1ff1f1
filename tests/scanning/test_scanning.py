"""Converts networks and scans with them in a process of its own, without the other backend: `scanning_cases.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import REPOSITORY, environment

CASES = Path(__file__).with_name("scanning_cases.py")


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_on_each_backend(tmp_path: Path, backend: str):
    other = "tensorflow" if backend == "jax" else "jax"
    (tmp_path / f"{other}.py").write_text("raise ModuleNotFoundError('as if it were not installed')\n")
    done = subprocess.run(
        [sys.executable, str(CASES), backend, str(tmp_path)],
        env=environment(tmp_path, PYTHONPATH=os.pathsep.join([str(tmp_path), str(REPOSITORY / "tests")])),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
