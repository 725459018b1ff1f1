from __future__ import annotations

import importlib.metadata
import math
import platform
import subprocess

import pytest

from eyechart.runs.machine import git_tags, machine_tags, model_requirements, system_metrics

pytestmark = pytest.mark.usefixtures("root")  # GIT_DIR and its like would lead elsewhere


def test_outside_of_git_there_is_nothing_to_say(tmp_path):
    assert git_tags(tmp_path) == {}
    assert git_tags(tmp_path / "none") == {}


def test_without_git_there_is_nothing_to_say(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git_tags(repository) == {}


def test_the_commit_and_whether_files_differ(tmp_path):
    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        done = subprocess.run(
            ["git", "-C", tmp_path, *identity, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    git("init")
    assert git_tags(tmp_path) == {}  # nothing is committed yet
    (tmp_path / "file").write_text("a")
    git("add", "file")
    git("commit", "-m", "first")
    (tmp_path / "untracked").write_text("")
    commit = git("rev-parse", "HEAD")
    assert git_tags(tmp_path) == {"mlflow.source.git.commit": commit, "eyechart.git_changed": "false"}
    (tmp_path / "file").write_text("b")
    assert git_tags(tmp_path)["eyechart.git_changed"] == "true"


def test_the_load_of_the_machine():
    load = system_metrics()
    assert all(name.startswith("system/") and math.isfinite(value) and value >= 0 for name, value in load.items())
    assert load["system/process_memory_megabytes"] > 1
    assert load["system/process_memory_megabytes"] < load["system/system_memory_usage_megabytes"] * 10


def test_versions():
    assert machine_tags()["eyechart.python"] == platform.python_version()
    assert model_requirements("jax")[0] == f"keras=={importlib.metadata.version('keras')}"
    assert [line.partition("==")[0] for line in model_requirements("jax")] == ["keras", "numpy", "jax"]
    assert [line.partition("==")[0] for line in model_requirements("tensorflow")] == ["keras", "numpy", "tensorflow"]
