"""Where MLflow's server cannot be started. That it does start is seen in `tests/slow/test_ui.py`."""

from __future__ import annotations

import http.server
import socket
import threading

import pytest
from tracking.saying import THIRD_PARTY

from eyechart.core.errors import ConfigError, EyechartError
from eyechart.tracking.server import HOST, check_port, serving
from eyechart.tracking.store import Store

pytestmark = [pytest.mark.filterwarnings(warning) for warning in THIRD_PARTY]


class Healthy(http.server.BaseHTTPRequestHandler):
    """Answers as MLflow's server does."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, *_):
        pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def test_a_free_port():
    check_port(free_port())


def test_a_port_that_another_program_has():
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EyechartError) as caught:
            check_port(port)
    assert str(caught.value).startswith(f"expected port {port} of 127.0.0.1 to be free: Address already in use; end")
    assert str(caught.value).endswith(f"type make ui PORT={port + 1}")


def test_a_port_at_which_mlflow_answers():
    with http.server.HTTPServer((HOST, 0), Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(EyechartError, match="an MLflow server answers there already"):
            check_port(server.server_port)
        server.shutdown()


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_no_port_at_all(port):
    with pytest.raises(ConfigError, match=f"port must be 1 to 65535, received {port}"):
        check_port(port)


def test_a_server_that_ends_at_once_is_quoted(store, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")  # Python itself does not start then
    with (
        pytest.raises(
            EyechartError, match=r"MLflow's server does not answer; the last it said: .*\(all: .*server.log\)"
        ),
        serving(store, free_port()),
    ):
        pass


def test_a_store_that_cannot_be_opened_starts_no_server(root):
    (root / "mlflow.db").write_text("no database at all")
    with pytest.raises(EyechartError, match="cannot be opened"), serving(Store(), free_port()):
        pass
    assert not (root / ".eyechart" / "server.log").exists()
