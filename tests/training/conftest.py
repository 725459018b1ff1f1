from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import environment

BACKENDS = ("tensorflow", "jax")
Facts = dict[str, Any]


@pytest.fixture(scope="session")
def all_facts(tmp_path_factory: pytest.TempPathFactory, digits_root: Path) -> dict[str, Facts]:
    """What `engine_cases.py` found, per backend: the two are started once, side by side."""
    folder = tmp_path_factory.mktemp("engines")
    compiling = {  # the programs are tiny: compiling them costs more than running them does
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
    }
    # Keras, when it saves a model on TensorFlow, meets NumPy 2 with this
    warnings = ["-W", "error", "-W", "ignore:__array__ implementation:DeprecationWarning"]
    processes = {}
    for backend in BACKENDS:
        command = [sys.executable, *warnings, str(Path(__file__).parent / "engine_cases.py"), backend, str(folder)]
        with (folder / f"{backend}.err").open("w") as said:
            env = environment(digits_root, **(compiling if backend == "jax" else {}))
            processes[backend] = subprocess.Popen(command, env=env, stderr=said)
    facts = {}
    for backend, process in processes.items():
        process.wait(timeout=1500)
        file = folder / f"{backend}.json"
        facts[backend] = json.loads(file.read_text()) if file.exists() else (folder / f"{backend}.err").read_text()
    return facts


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def facts(all_facts: dict[str, Facts], backend: str) -> Callable[[str], Any]:
    """The facts of one case of `engine_cases.py` on the backend; a case that broke fails the test."""

    def of(case: str) -> Any:
        found = all_facts[backend]
        found = found if isinstance(found, str) else found[case]
        if isinstance(found, str):
            pytest.fail(found, pytrace=False)
        return found

    return of
