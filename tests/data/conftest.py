from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from eyechart.data.config import DatasetConfig, FormConfig
from eyechart.data.images import Images

REPOSITORY = Path(__file__).resolve().parents[2]
IDX_FILES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace, a home and an environment of the test's own, so that nothing real is read or written by accident."""
    folder = tmp_path / "root"
    folder.mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("EYECHART_ROOT", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("EYECHART_MIRRORS", raising=False)
    return folder


Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Run a program of `pipelines/` from another folder, as a person would."""

    def run(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(REPOSITORY / "pipelines" / f"{name}.py"), *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


def error_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line beginning with `error:` of a program that failed."""
    assert done.returncode == 1, done
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.stderr.rstrip().endswith(line)  # nothing after it
    return line


def tiny_images(*, shape: tuple[int, ...] = (5, 4), seed: int = 0) -> Images:
    random = np.random.default_rng(seed)
    return Images.of(
        random.integers(0, 256, (30, *shape), np.uint8),
        np.arange(30) % 3,
        random.integers(0, 256, (12, *shape), np.uint8),
        np.arange(12) % 3,
    )


def idx_bytes(array: np.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()
    )


def write_idx(folder: Path, images: Images, *, packed: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    arrays = (images.train_images[..., 0], images.train_labels, images.test_images[..., 0], images.test_labels)
    for name, array in zip(IDX_FILES, arrays, strict=True):
        if packed:
            (folder / name).write_bytes(gzip.compress(idx_bytes(array)))
        else:
            (folder / name.removesuffix(".gz")).write_bytes(idx_bytes(array))


def tiny_config(images: Images, *, urls: list[str] | None = None, caches: list[str] | None = None) -> DatasetConfig:
    return DatasetConfig(
        name="tiny",
        class_names=["a", "b", "c"],
        sha256=images.digest(),
        forms=[FormConfig(format="idx", files=IDX_FILES, urls=urls or [], caches=caches or [])],
    )


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
