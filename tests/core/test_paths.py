from __future__ import annotations

import pytest
from support import error_line

from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.runs.lock import RunLock


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


def test_the_configurations_are_those_of_the_checkout(repository):
    assert paths.conf() == repository / "conf"


# --- the number of the format


@pytest.mark.parametrize(("number", "told"), [("2", "2"), ("one", "one"), ("", "none"), ("²", "\\xb2")])
def test_what_a_newer_program_wrote_is_refused(root, number, told):
    (root / ".eyechart").mkdir()
    (root / ".eyechart" / "format").write_text(number, encoding="utf-8")
    with pytest.raises(EyechartError) as caught:
        paths.runs()
    assert f"expected a state folder of format 1 or below, received format {told} (" in str(caught.value)


def test_a_folder_without_a_number_is_of_the_first_format(root):
    (root / ".eyechart").mkdir()
    assert paths.state() == root / ".eyechart"
    paths.note_format()
    assert (root / ".eyechart" / "format").read_text() == "1\n"
    paths.note_format()
    assert paths.state() == root / ".eyechart"


def test_whoever_locks_a_run_notes_the_format(root):
    with RunLock.take(paths.runs() / "k", "run k"):
        assert (root / ".eyechart" / "format").read_text() == "1\n"


def test_a_program_refuses_a_newer_state_folder_in_one_line(root, program):
    (root / ".eyechart").mkdir()
    (root / ".eyechart" / "format").write_text("2\n")
    for words in (["train", "dataset=digits"], ["compare"], ["predict", "images=x.png"]):
        assert "which a newer Eyechart wrote: install that version" in error_line(program(*words))
