"""A logged model behind HTTP: `mlflow models serve` answers with what the run's table of predictions says."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf
from support import MlflowRun, environment, link_data, mlflow_runs, run_program

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")]

Answer = tuple[int, Any]


@pytest.fixture(scope="module", params=["tensorflow-cnn", "tensorflow-rnn_per_step", "jax-cnn"])
def trained(request: pytest.FixtureRequest, digits_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which one network has been trained."""
    backend, _, model = request.param.partition("-")
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    root = link_data(digits_root, tmp_path_factory.mktemp("serving") / "root")
    chosen = ["dataset=digits", f"model={model}", f"backend={backend}", "trainer.epochs=1", "limit=[200,60]"]
    done = run_program(root, "train", *chosen, "tracking=local")
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="module")
def run(trained: Path) -> MlflowRun:
    (found,) = mlflow_runs(trained)
    return found


@pytest.fixture(scope="module")
def post(trained: Path, run: MlflowRun) -> Iterator[Callable[..., Answer]]:
    """Sends something to the served model, and gives the status and the text or value of its answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scripts = Path(sys.executable).parent
    server = subprocess.Popen(
        [scripts / "mlflow", "models", "serve", "-m", f"models:/{run.model_id}", "--env-manager", "local",
         "--host", "127.0.0.1", "--port", str(port)],
        cwd=trained,
        env=environment(
            trained,
            MLFLOW_TRACKING_URI=f"sqlite:///{trained}/mlflow.db",
            MLFLOW_DISABLE_TELEMETRY="true",
            KERAS_BACKEND=str(OmegaConf.load(run.model / "MLmodel").flavors.keras.keras_backend),  # else TensorFlow
            PATH=f"{scripts}:{os.environ['PATH']}",
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        _wait(server, port)
        yield lambda body, kind="application/json": _post(port, body, kind)
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # the server is a child of what was started
        server.wait(30)
        _wait_until_free(port)


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(240):
        assert server.poll() is None
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail("mlflow models serve did not answer in two minutes")


def _wait_until_free(port: int) -> None:
    for _ in range(300):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.1)
    pytest.fail("the server is still there")


def _post(port: int, body: Any, kind: str) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", data, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("count", [1, 60])
def test_the_answers_over_http_are_those_of_the_run(trained, run, post, count):
    table = pd.read_parquet(run.artifacts / "predictions.parquet")
    test = table[table["part"] == "test"][:count]
    images = np.load(trained / "data" / "prepared" / "digits" / "test_images.npy")[test["index"]]
    status, answer = post({"inputs": images.tolist()})
    assert status == 200
    probabilities = np.array(answer["predictions"])
    if probabilities.ndim == 3:  # answers after each time step, of which the last counts
        probabilities = probabilities[:, -1]
    assert np.allclose(probabilities, test[[f"p{digit}" for digit in range(10)]], rtol=0, atol=1e-5)


def square(side: int, channels: int = 1, pixel: Any = 0) -> list[Any]:
    """An image."""
    return [[[pixel] * channels] * side] * side


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"inputs": [square(8)]}, "(1, 8, 8, 1)"),
        ({"inputs": [square(16, channels=3)]}, "(1, 16, 16, 3)"),
        ({"inputs": square(16)}, "(16, 16, 1)"),
        ({"inputs": [square(16), square(8)]}, "inhomogeneous shape"),
        ({"inputs": [square(16, pixel=256)]}, "256 out of bounds"),
        ({"inputs": [square(16, pixel=-1)]}, "-1 out of bounds"),
        ({"inputs": [square(16, pixel="white")]}, "'white'"),
        ({"inputs": "a photograph"}, "a photograph"),
        ({"inputs": []}, "schema"),
        ({"inputs": None}, "NoneType"),
        ({}, "exactly one of the input fields"),
        (b"no JSON", "JSON"),
    ],
)
def test_a_wrong_question_is_answered_by_a_sentence(post, body, said):
    status, text = post(body)
    assert status == 400
    assert said in json.loads(text)["message"]


def test_a_picture_as_it_lies_on_disk_is_refused(post):
    status, text = post(b"\x89PNG", "image/png")
    assert status == 415
    assert "application/json" in text


def test_the_model_says_what_its_answers_stand_for(run):
    about = OmegaConf.load(run.model / "MLmodel")
    assert about.metadata == {"class_names": [str(digit) for digit in range(10)], "dataset": "digits"}
