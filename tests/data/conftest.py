"""Nothing outside of a test's own folders is read or written; a web server stands in for the public addresses."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own as well, for every test here: nothing real is read or written by accident."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serve a folder on 127.0.0.1; `truncate`, `stall` and `drip` name files that end early, stop, or crawl."""
    servers: list[ThreadingHTTPServer] = []

    def start(folder: Path, *, truncate: str = "", stall: str = "", drip: str = "") -> str:
        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *arguments: object) -> None:
                super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

            def log_message(self, *_: object) -> None: ...

            def copyfile(self, source: object, outputfile: object) -> None:
                content = source.read()  # type: ignore[attr-defined]
                if truncate and self.path.endswith(truncate):
                    content = content[: len(content) // 2]
                if stall and self.path.endswith(stall):
                    outputfile.write(content[:100])  # type: ignore[attr-defined]
                    outputfile.flush()  # type: ignore[attr-defined]
                    time.sleep(3)
                    return
                if drip and self.path.endswith(drip):
                    for position in range(200):
                        outputfile.write(content[position : position + 1])  # type: ignore[attr-defined]
                        time.sleep(0.02)
                    return
                outputfile.write(content)  # type: ignore[attr-defined]

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
