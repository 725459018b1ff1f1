"""The programs run from an installed package, which has the configurations in it, and write nothing there."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from support import REPOSITORY, environment, error_line, files_below


@pytest.fixture
def site(tmp_path):
    """A folder with the package as a wheel would put it there."""
    folder = tmp_path / "site"
    shutil.copytree(REPOSITORY / "src", folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copytree(REPOSITORY / "conf", folder / "eyechart" / "conf")
    return folder


def run(site, cwd, name, *words):
    env = environment(cwd, PYTHONPATH=str(site), PYTHONDONTWRITEBYTECODE="1")
    del env["EYECHART_ROOT"]
    start = f"from eyechart.programs.{name} import main; main()"
    return subprocess.run([sys.executable, "-c", start, *words], cwd=cwd, env=env, capture_output=True, text=True)


def test_in_a_project(site, tmp_path):
    before = files_below(site)
    project = tmp_path / "project"
    (project / "below").mkdir(parents=True)
    (project / "dvc.yaml").write_text("")
    for name in ("fetch", "preprocess"):
        done = run(site, project / "below", name, "dataset=digits")
        assert done.returncode == 0, done.stderr
    assert (project / "data" / "prepared" / "digits" / "dataset.json").is_file()
    done = run(site, project, "train", "dataset=digits", "model=fnn", "plan=true")
    assert "1 run: 0 finished, 1 to train" in done.stdout, done.stderr
    assert "model: birnn, cnn" in run(site, project, "train", "--help").stdout
    assert files_below(site) == before


def test_outside_of_a_project(site, tmp_path):
    before = files_below(site)
    line = error_line(run(site, tmp_path, "fetch", "dataset=digits"))
    assert line.startswith("error: expected a project, which is a folder with a dvc.yaml, in ")
    assert files_below(site) == before
