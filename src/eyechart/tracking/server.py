"""MLflow's server on this machine: started quickly, and ended with what started it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError

from eyechart.core import paths
from eyechart.core.errors import ConfigError, EyechartError
from eyechart.tracking.store import QUIET, Store
from eyechart.tracking.waiting import tries

HOST = "127.0.0.1"
# one worker, and no processes for jobs that nothing here asks for: half a minute less on two cores
QUICK = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
PATIENCE = 120.0  # seconds until it has to answer
LOG = "server.log"


@contextmanager
def serving(store: Store, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The server, answering, for the time of the block.

    Args:
        store: that it shows.
        port: on this machine.

    Raises:
        EyechartError: the port is taken, the store cannot be opened, or the server ends by itself.
    """
    check_port(port)
    _ = store.client  # which makes it where there is none, and says what is wrong with it
    log = paths.state() / LOG
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "mlflow", "server"),
                *("--backend-store-uri", store.uri),
                *("--host", HOST, "--port", str(port), "--workers", "1"),
            ],
            env=os.environ | QUIET | QUICK,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for this process, which ends it with all its children
        )
        try:
            _wait(server, port, log)
            yield server
        finally:
            _end(server)


def check_port(port: int) -> None:
    """Raise an error unless a server can answer on this port of this machine."""
    if not 1 <= port < 65536:
        raise ConfigError(f"port must be 1 to 65535, received {port}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # that of a server which has just ended is free
        try:
            probe.bind((HOST, port))
        except OSError as error:
            whose = "an MLflow server answers there already" if _answers(port) else error.strerror
            raise EyechartError(
                f"expected port {port} of {HOST} to be free: {whose}; end what runs there, or type "
                f"make ui PORT={port + 1}"
            ) from None


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=2) as answer:
            return bool(answer.read() == b"OK")
    except (HTTPError, URLError, OSError):
        return False


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for last in tries(PATIENCE, 0.1):
        if _answers(port):
            return
        if last or server.poll() is not None:
            lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] or ["nothing"]
            raise EyechartError(f"MLflow's server does not answer; the last it said: {lines[-1].strip()} (all: {log})")


def _end(server: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
