"""Fixtures that the tests of several packages share. Plain helpers and constants are in `support`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import warnings
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from support import GUARD, REPOSITORY, leaking, link_data, run_program

Program = Callable[..., subprocess.CompletedProcess[str]]


def pytest_configure() -> None:
    """Let the programs that are started hear of Ctrl-C and of a closed terminal, also from tests in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    # no test fails for being slow; what must pass tries the same examples each time, and others may find new ones
    settings.register_profile("eyechart", deadline=None, derandomize="EYECHART_NO_SKIPS" in os.environ)
    settings.load_profile("eyechart")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where tests run in several processes, one runs a whole file: its tests share what took long to make.

    Those of `training` share it over the whole folder.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            parts = nodeid.partition("::")[0].split("/")
            return "/".join(parts[:2] if parts[1] == "training" else parts)

    return ByFile(config, log)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def mirror() -> Path:
    """A folder with real data: one that EYECHART_MIRRORS names, else `shared/data` beside the checkout."""
    named = [Path(entry.strip()) for entry in os.environ.get("EYECHART_MIRRORS", "").split(",") if entry.strip()]
    for folder in (*named, REPOSITORY.parent / "shared" / "data"):
        if folder.is_dir():
            return folder
    pytest.skip("no folder with real data: set EYECHART_MIRRORS to one that holds mnist/ and cifar10/")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of the test's own as EYECHART_ROOT, and nothing else in the environment that could leak into it."""
    for name in leaking(os.environ):
        monkeypatch.delenv(name)
    folder = tmp_path / "root"
    folder.mkdir()
    monkeypatch.setenv("EYECHART_ROOT", str(folder))
    return folder


@pytest.fixture(scope="session")
def digits_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the digits fetched and prepared, for all tests: only its `data/` may be used, by a link."""
    folder = tmp_path_factory.mktemp("digits_root")
    for name in ("fetch", "preprocess"):
        done = run_program(folder, name, "dataset=digits")
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracking store without runs. Making one takes seconds, copying it does not."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own
        patch.setenv("EYECHART_ROOT", str(folder))
        from eyechart.tracking.store import Store

        Store().client.search_experiments()
    return folder / "mlflow.db"


@pytest.fixture
def digits(digits_root: Path, root: Path) -> Path:
    """A workspace of the test's own, with the digits prepared."""
    return link_data(digits_root, root)


@pytest.fixture
def program(root: Path) -> Program:
    """Run a program of `pipelines/` as a process on `root`: `program("train", "model=fnn", env={...})`."""

    def run(
        name: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = GUARD,
    ) -> subprocess.CompletedProcess[str]:
        return run_program(root, name, *arguments, env=env, cwd=cwd, timeout=timeout)

    return run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under `make test-all` a skip is a failure, but for what this machine cannot have.

    That is real data where no mirror is named, Debian's packages where they cannot be installed, a file system of its
    own where none may be mounted, and other Pythons than the one that runs the tests.
    """
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("EYECHART_NO_SKIPS"):
        no_mirror = "mirror" in getattr(item, "fixturenames", ()) and not os.environ.get("EYECHART_MIRRORS")
        no_packages = "Debian's package" in str(report.longrepr) and not (os.geteuid() == 0 and shutil.which("apt-get"))
        no_mount = "no file system of its own may be mounted" in str(report.longrepr)
        no_python = "no other Python" in str(report.longrepr)
        if not (no_mirror or no_packages or no_mount or no_python):
            report.outcome = "failed"
            report.longrepr = f"required, but skipped: {report.longrepr}"
    return report
