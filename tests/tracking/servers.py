"""A real MLflow server that can be killed and started again, and one in front of it that fails half of the time."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support import environment

HOST = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class Server:
    """MLflow's server on a port that stays the same, with its files in a folder.

    Args:
        folder: of its database, files and log.
        database: SQLAlchemy's address; None: SQLite in the folder.
        artifacts: the folder of runs' files; None: one in the folder.
        workers: processes that answer.
    """

    def __init__(self, folder: Path, *, database: str | None = None, artifacts: Path | None = None, workers: int = 1):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self.workers = folder, free_port(), workers
        self.database = database or f"sqlite:///{folder}/mlflow.db"
        self.artifacts = artifacts or folder / "artifacts"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def client(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's own
            from mlflow import MlflowClient

            return MlflowClient(self.uri)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "mlflow", "server", "--backend-store-uri", self.database),
                    *("--serve-artifacts", "--artifacts-destination", str(self.artifacts)),
                    *("--host", HOST, "--port", str(self.port), "--workers", str(self.workers)),
                ],
                cwd=self.folder,
                env=environment(self.folder, MLFLOW_DISABLE_TELEMETRY="1", MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + 180
        while True:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                    return
            except OSError:
                assert self._process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < end
                time.sleep(0.1)

    def kill(self) -> None:
        """End it and its workers without warning, as a crash does."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)
            self._process = None


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, answering, for the time of the block."""
    server.start()
    try:
        yield server
    finally:
        server.kill()


class Quiet(http.server.BaseHTTPRequestHandler):
    """Answers requests, and logs none."""

    def _say(self, status: int, body: bytes, kind: str | None = None) -> None:
        self.send_response(status)
        if kind is not None:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def in_front_of(server: Server, seed: int) -> Iterator[str]:
    """An address at which the server answers half of the time, and says 500 otherwise: before or after it did the work.

    Which call fails is drawn from the seed.
    """
    chance, lock = random.Random(seed), threading.Lock()

    class Handler(Quiet):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                luck = chance.random()
            if luck < 0.25:
                self._say(500, b"{}", "application/json")
                return
            backend = http.client.HTTPConnection(HOST, server.port, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            backend.request(self.command, self.path, body, headers)
            answer = backend.getresponse()
            said = answer.read()
            backend.close()
            if luck < 0.5:
                self._say(500, b"{}", "application/json")
            else:
                self._say(answer.status, said, answer.getheader("Content-Type", "application/json"))

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    with http.server.ThreadingHTTPServer((HOST, 0), Handler) as proxy:
        serving = threading.Thread(target=proxy.serve_forever)
        serving.start()
        try:
            yield f"http://{HOST}:{proxy.server_port}"
        finally:
            proxy.shutdown()
            serving.join()


NONSENSE = {
    "nothing": b"",
    "a page": b"<!doctype html><title>Log in</title>",
    "an empty object": b"{}",
    "a list": b"[]",
    "null": b"null",
    "something else": b'{"status": "ok", "run": {"info": {}}, "experiment": []}',
    "half an answer": b'{"experiment": {"experiment_id": "1", "na',
}


class Answering:
    """A server whose answers a function gives: status and body by method, path and body of the request.

    Attributes:
        uri: its address.
        requests: the method and path of each, in their order.
    """

    def __init__(self, answer: Callable[[str, str, bytes], tuple[int, bytes]]):
        self.requests: list[str] = []
        requests = self.requests

        class Handler(Quiet):
            def _answer(self) -> None:
                said = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                requests.append(f"{self.command} {self.path.partition('?')[0].partition('/mlflow/')[2]}")
                self._say(*answer(self.command, self.path, said))

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

        self._server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))  # which ends within 10 ms
        self.uri = f"http://{HOST}:{self._server.server_port}"

    def __enter__(self) -> Answering:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def nonsense(body: bytes) -> Iterator[Answering]:
    """A server that answers this to everything."""
    with Answering(lambda method, path, said: (200, body)) as server:
        yield server


class Forgetful:
    """What MLflow answers of experiments and runs, from memory, as far as it takes to begin a run.

    Args:
        lost: the calls whose first answer is lost after the work was done: `experiments/create`, `runs/create`.
        blind: whether a search finds nothing.
    """

    def __init__(self, *lost: str, blind: bool = False):
        self.experiments: dict[str, Any] = {"Default": {"experiment_id": "0", "name": "Default"}}
        self.runs: list[dict[str, Any]] = []
        self._lost, self._blind = set(lost), blind

    def __call__(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        call = path.partition("/mlflow/")[2].partition("?")[0]
        answer = getattr(self, f"_{call.replace('/', '_').replace('-', '_')}", lambda said, path: {})(
            json.loads(body or b"{}"), path
        )
        if call in self._lost:
            self._lost.remove(call)
            return 200, b""
        return (200 if "error_code" not in answer else 404), json.dumps(answer).encode()

    def _experiments_get_by_name(self, said: Any, path: str) -> Any:
        found = self.experiments.get(parse_qs(urlsplit(path).query)["experiment_name"][0])
        return {"experiment": found} if found else {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such"}

    def _experiments_get(self, said: Any, path: str) -> Any:
        number = parse_qs(urlsplit(path).query)["experiment_id"][0]
        return {"experiment": next(e for e in self.experiments.values() if e["experiment_id"] == number)}

    def _experiments_create(self, said: Any, path: str) -> Any:
        number = str(len(self.experiments))
        self.experiments[said["name"]] = {"experiment_id": number, "name": said["name"], "lifecycle_stage": "active"}
        return {"experiment_id": number}

    def _runs_create(self, said: Any, path: str) -> Any:
        info = {"run_id": f"r{len(self.runs)}", "run_name": said["run_name"], "start_time": said["start_time"]}
        info |= {"status": "RUNNING", "lifecycle_stage": "active", "experiment_id": said["experiment_id"]}
        self.runs.append({"info": info, "data": {"tags": said["tags"]}})
        return {"run": self.runs[-1]}

    def _runs_search(self, said: Any, path: str) -> Any:
        return {"runs": [] if self._blind else self.runs}

    def _runs_get(self, said: Any, path: str) -> Any:
        return {"run": next(r for r in self.runs if r["info"]["run_id"] in path)}


@contextmanager
def silent() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server((HOST, 0)) as listening:
        yield f"http://{HOST}:{listening.getsockname()[1]}"
