from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eyechart.core.errors import EyechartError
from eyechart.core.files import check_file, check_replaceable, replacing, write_json, write_text

here = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@here
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_text_comes_back(tmp_path: Path, text: str):
    write_text(tmp_path / "a/b/text.txt", text)
    assert (tmp_path / "a/b/text.txt").read_bytes().decode("utf-8") == text
    assert os.listdir(tmp_path / "a/b") == ["text.txt"]


@here
@given(plain)
def test_json_comes_back(tmp_path: Path, value: object):
    write_json(tmp_path / "value.json", value)
    assert json.loads((tmp_path / "value.json").read_text(encoding="utf-8")) == value


def break_off(path: Path, error: type[BaseException], *, folder: bool) -> None:
    with replacing(path) as temporary:
        if folder:
            temporary.mkdir()
        (temporary / "half" if folder else temporary).write_text("half")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_was_there_stays_where_writing_fails(tmp_path, error):
    write_text(tmp_path / "file", "old")
    write_text(tmp_path / "folder/old.txt", "old")
    with pytest.raises(error):
        break_off(tmp_path / "file", error, folder=False)
    with pytest.raises(error):
        break_off(tmp_path / "folder", error, folder=True)
    assert (tmp_path / "file").read_text() == "old"
    assert os.listdir(tmp_path / "folder") == ["old.txt"]
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_a_folder_is_replaced_whole(tmp_path):
    write_text(tmp_path / "folder/old.txt", "old")
    with replacing(tmp_path / "folder") as temporary:
        temporary.mkdir()
        (temporary / "new.txt").write_text("new")
    assert os.listdir(tmp_path / "folder") == ["new.txt"]
    assert os.listdir(tmp_path) == ["folder"]


def test_a_folder_that_could_not_be_replaced_is_there_again(tmp_path, monkeypatch):
    def replace(*_):
        raise KeyboardInterrupt

    write_text(tmp_path / "folder/old.txt", "old")
    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "folder") as temporary:
        temporary.mkdir()
    assert os.listdir(tmp_path / "folder") == ["old.txt"]
    assert os.listdir(tmp_path) == ["folder"]


def test_nothing_is_seen_before_it_is_whole(tmp_path):
    path = tmp_path / "table.csv"
    with replacing(path) as temporary:
        assert temporary.suffix == ".csv"  # writers choose a format by it
        temporary.write_text("x")
        assert not path.exists()
    assert path.read_text() == "x"


def test_a_writer_that_wrote_nothing_is_an_error(tmp_path):
    write_text(tmp_path / "file", "old")
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "file"):
        pass
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "is a folder, expected a file: type report={root}/report.html"),
        (
            "report.txt",
            "expected a name that ends in .html, received report={root}/report.txt: type report={root}/report",
        ),
        ("report", "expected a name that ends in .html, received report={root}/report: type report={root}/report.html"),
        ("file/report.html", "report={root}/file/report.html lies in {root}/file, which is a file, expected a folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_told_of_before_any_work(tmp_path, name, told):
    (tmp_path / "file").touch()
    with pytest.raises(EyechartError, match=re.escape(told.format(root=tmp_path))):
        check_file(tmp_path / name, "report", ".html")
    check_file(tmp_path / "not/there/report.HTML", "report", ".html")


def test_an_error_of_a_full_disk_names_what_was_to_be_written(tmp_path):
    def fill(name: str | None) -> str:
        with pytest.raises(OSError, match="No space left") as caught, replacing(tmp_path / "a/new") as temporary:
            raise OSError(errno.ENOSPC, "No space left", None if name is None else str(temporary.with_name(name)))
        return str(caught.value.filename)

    assert fill(None) == fill("x") == str(tmp_path / "a/new")
    with pytest.raises(ConnectionError) as caught, replacing(tmp_path / "new"):
        raise ConnectionError(errno.ECONNREFUSED, "refused")
    assert caught.value.filename is None


def test_a_mounted_disk_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "is_mount", lambda path: path == tmp_path)
    with pytest.raises(EyechartError, match=f"to={tmp_path} is where a disk is mounted.*: type to={tmp_path}/new"):
        check_replaceable(tmp_path, re.compile("own"), "what is our own")


def test_a_folder_that_cannot_be_made_is_told_of_before_any_work(tmp_path, monkeypatch):
    own = re.compile("own")
    (tmp_path / "file").touch()
    with pytest.raises(EyechartError, match="which is a file, expected a folder: type to= and another"):
        check_replaceable(tmp_path / "file/new", own, "what is our own")
    check_replaceable(tmp_path / "not/there", own, "what is our own")
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)  # root may write nearly everywhere
    with pytest.raises(EyechartError, match=f"to={tmp_path}/not/there lies in {tmp_path}, which may not be written"):
        check_replaceable(tmp_path / "not/there", own, "what is our own")
