from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eyechart.files import replacing, write_json, write_text

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
