from __future__ import annotations

import pytest

from eyechart.core import paths


@pytest.fixture
def project(root, tmp_path, monkeypatch):
    """A folder with a `dvc.yaml` and another below it, and no EYECHART_ROOT."""
    monkeypatch.delenv("EYECHART_ROOT")
    (tmp_path / "project/below/further").mkdir(parents=True)
    (tmp_path / "project/dvc.yaml").write_text("")
    return tmp_path / "project"


def test_one_folder_may_be_named_for_everything(root, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    assert paths.workspace() == paths.repository() == root
    assert paths.raw("x") == root / "data/raw/x"
    assert paths.prepared("x") == root / "data/prepared/x"
    assert paths.results() == root / "results"
    assert paths.runs() == root / ".eyechart/runs"
    assert paths.sweeps() == root / ".eyechart/sweeps"


def test_a_relative_root_is_made_absolute(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EYECHART_ROOT", "root")
    assert paths.workspace() == root


def test_from_any_folder_below_it_is_the_project(project, monkeypatch):
    for folder in (project, project / "below", project / "below/further"):
        monkeypatch.chdir(folder)
        assert paths.workspace() == paths.repository() == project


def test_outside_of_a_project_it_is_the_checkout(project, tmp_path, monkeypatch, repository):
    monkeypatch.chdir(tmp_path)
    assert paths.workspace() == repository


def test_in_a_temporary_dvc_experiment_the_state_stays_in_the_repository(project, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "dvc.yaml").write_text("")
    monkeypatch.chdir(copy)
    monkeypatch.setenv("DVC_ROOT", str(project))
    assert paths.workspace() == copy
    assert paths.prepared("x") == copy / "data/prepared/x"
    assert paths.results() == copy / "results"
    assert paths.runs() == project / ".eyechart/runs"
