"""Every model on every small data set: on TensorFlow, and on JAX where TensorFlow is not installed.

`models/harness.py` trains and saves them in one process and loads them in another; `models/cases.py` lists them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from models.cases import MODELS, PARAMETERS, SHAPES
from support import REPOSITORY, command, environment, mlflow_runs

pytestmark = pytest.mark.slow

HARNESS = REPOSITORY / "tests" / "models" / "harness.py"
JAX_ALONE = REPOSITORY / ".venv-jax"
Facts = dict[str, Any]


@pytest.fixture(scope="session")
def jax_alone() -> str:
    """A Python that has JAX and not TensorFlow."""
    if not (JAX_ALONE / ".ready").exists():
        pytest.skip("no environment without TensorFlow: type `make .venv-jax/.ready`")
    return str(JAX_ALONE / "bin" / "python")


@pytest.fixture(scope="session")
def train_and_load(tmp_path_factory: pytest.TempPathFactory, digits_root: Path) -> Callable[..., dict[str, Facts]]:
    """Run the harness on a backend with a Python: what came of training and of loading."""

    def run(backend: str, python: str) -> dict[str, Facts]:
        folder = tmp_path_factory.mktemp(backend)
        caching = {  # loading compiles what training has compiled; and the programs are too small to optimize
            "XLA_FLAGS": "--xla_backend_optimization_level=0",
            "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
        }
        paths = {"PYTHONPATH": str(HARNESS.parents[1])}
        facts = {}
        for step in ("train", "load"):
            done = subprocess.run(
                [python, str(HARNESS), step, backend, str(folder)],
                env=environment(digits_root, **paths, **(caching if backend == "jax" else {})),
                capture_output=True,
                text=True,
                timeout=3000,
            )
            assert done.returncode == 0, done.stderr
            facts[step] = json.loads((folder / f"{step}.json").read_text())
        return facts

    return run


@pytest.fixture(scope="session")
def on_tensorflow(train_and_load: Callable[..., dict[str, Facts]]) -> dict[str, Facts]:
    return train_and_load("tensorflow", sys.executable)


@pytest.fixture(scope="session")
def on_jax(train_and_load: Callable[..., dict[str, Facts]], jax_alone: str) -> dict[str, Facts]:
    return train_and_load("jax", jax_alone)


@pytest.fixture(params=["tensorflow", "jax"])
def facts(request: pytest.FixtureRequest) -> Callable[[str, str, tuple[int, ...]], Facts]:
    """What came of a step with one model on images of one shape; a case that broke fails the test."""
    found = request.getfixturevalue(f"on_{request.param}")

    def of(step: str, model: str, shape: tuple[int, ...]) -> Facts:
        case = found[step][f"{model}-{'x'.join(map(str, shape))}"]
        if isinstance(case, str):
            pytest.fail(case, pytrace=False)
        return case

    return of


every_model = pytest.mark.parametrize("model", MODELS)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))


@every_model
@every_shape
def test_a_model_has_as_many_parameters_as_listed(facts, model, shape):
    listed = sum(PARAMETERS[model][SHAPES.index(shape)])
    assert facts("train", model, shape)["parameters"] == listed
    assert facts("load", model, shape)["parameters"] == listed


@every_model
@every_shape
def test_a_few_steps_lower_the_loss_of_their_batch(facts, model, shape):
    found = facts("train", model, shape)
    assert found["after"] < found["before"]


@every_model
@every_shape
def test_a_model_says_the_same_in_another_process(facts, model, shape):
    assert facts("load", model, shape)["difference"] < 1e-5


# --- where TensorFlow is not installed


def test_the_environment_for_jax_has_no_tensorflow(jax_alone):
    done = subprocess.run([jax_alone, "-c", "import tensorflow"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "ModuleNotFoundError: No module named 'tensorflow'" in done.stderr


def test_a_run_on_jax_needs_no_tensorflow(digits, jax_alone):
    chosen = ["dataset=digits", "model=rnn_per_step", "backend=jax", "debug=fast", "tracking=local"]
    done = subprocess.run(
        [jax_alone, *command("train", *chosen)[1:]],
        cwd=digits,
        env=environment(digits),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (run,) = mlflow_runs(digits)
    assert run.info.status == "FINISHED"
    assert run.models == 1
    assert list(run.model.rglob("*.keras"))
