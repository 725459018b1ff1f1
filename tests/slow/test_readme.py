"""Every command in the README works as it is written, in a fresh copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
        if command == "make ui":
            _opens_a_page(checkout, environment)
            continue
        if "images=photos" in command:  # a reader has some
            _photograph(checkout)
        command = command.replace("/data/images", str(mirror))  # a reader names a folder of their own
        done = subprocess.run(
            command, shell=True, cwd=checkout, env=environment, capture_output=True, text=True, timeout=1800
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        if command == "make demo":
            assert "fashion_mnist (best first by validation/accuracy)" in done.stdout
            assert "in MLflow (make ui starts it):" in done.stdout
            assert "What next" in done.stdout


def _photograph(checkout: Path) -> None:
    """Lay some test images of the digits in the folder `photos`."""
    images = np.load(checkout / "data" / "prepared" / "digits" / "test_images.npy")
    (checkout / "photos").mkdir()
    for number, image in enumerate(images[:5]):
        Image.fromarray(image[..., 0]).save(checkout / "photos" / f"{number}.png")


def _opens_a_page(checkout: Path, environment: dict[str, str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["make", "ui", f"PORT={port}"],
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said = ""
        for line in server.stdout:
            said += line
            if "Ctrl-C ends it" in line:
                break
        assert re.findall(r"^  (\w+) +http://", said, re.MULTILINE) == [
            *("curves", "pictures", "classes"),
            *("curves", "pictures", "classes", "compare"),
        ]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
            assert page.status == 200
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.wait(30)
        server.stdout.close()
