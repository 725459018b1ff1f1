"""Every command in the README works as it is written, in a fresh copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# these are run by name elsewhere: `make test` calls this file's suite, the experiments are in test_references
ELSEWHERE = re.compile(r"make test$|make source$|python pipelines/train.py (-m )?experiment=")


def commands(repository: Path) -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", (repository / "README.md").read_text(), re.DOTALL)
    lines = [re.sub(r"\s+#.*", "", line) for block in blocks for line in block.replace("\\\n", "").splitlines()]
    return [line for line in lines if line]


@pytest.fixture(scope="module")
def checkout(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("clone") / "eyechart"
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for file in files:
        if (repository / file).is_file():
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / file, copy / file)
    (copy / ".venv").symlink_to(repository / ".venv")
    (copy / "dvc.lock").unlink(missing_ok=True)
    identity = ["-c", "user.name=reader", "-c", "user.email=reader@example.org"]
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
    subprocess.run(["git", "add", "-A"], cwd=copy, check=True)
    subprocess.run(["git", *identity, "commit", "-qm", "as cloned"], cwd=copy, check=True)
    return copy


@pytest.fixture(scope="module")
def environment(checkout: Path) -> dict[str, str]:
    leaking = ("EYECHART", "MLFLOW", "DVC", "KERAS", "GIT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(leaking)}
    author = {
        "GIT_AUTHOR_NAME": "r",
        "GIT_AUTHOR_EMAIL": "r@e.org",
        "GIT_COMMITTER_NAME": "r",
        "GIT_COMMITTER_EMAIL": "r@e.org",
    }
    return kept | author | {"PATH": f"{checkout}/.venv/bin:{os.environ['PATH']}"}


def test_the_readme_has_commands(repository: Path) -> None:
    assert "make demo" in commands(repository)
    assert len(commands(repository)) > 10


def test_every_command_of_the_readme_works(
    repository: Path, checkout: Path, environment: dict[str, str], mirror: Path
) -> None:
    for command in commands(repository):
        if ELSEWHERE.search(command):
            continue
        if command.startswith("mlflow ui"):
            _opens_a_page(command, checkout, environment)
            continue
        command = command.replace("/data/images", str(mirror))  # a reader names a folder of their own
        done = subprocess.run(
            command, shell=True, cwd=checkout, env=environment, capture_output=True, text=True, timeout=1800
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        if command == "make demo":
            assert "fashion_mnist (best first by validation/accuracy)" in done.stdout
            assert "What next" in done.stdout


def _opens_a_page(command: str, checkout: Path, environment: dict[str, str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quick = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    server = subprocess.Popen(
        [*command.split(), "--port", str(port), "--workers", "1"],
        cwd=checkout,
        env=environment | quick,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(240):
            assert server.poll() is None
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
                    assert page.status == 200
                    return
            except OSError:
                time.sleep(0.5)
        pytest.fail("mlflow ui did not answer in two minutes")
    finally:
        os.killpg(server.pid, 15)
        server.wait(20)
