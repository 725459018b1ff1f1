"""Which folders are replaced, and which are a person's. Every case is one in which files were lost, or might be."""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path

import pytest
from support import files_below

from eyechart.core.errors import EyechartError
from eyechart.core.files import HELD, REPLACED
from eyechart.core.folders import MARK, Kind, check_folder, replacing_folder


def made_earlier(folder: Path) -> list[str]:
    return ["table.csv", "sheet.png"] if (folder / "table.csv").is_file() else []


TABLES = Kind("tables", "to", made_earlier)
DATA = Kind("data", "", made_earlier)


@pytest.fixture(autouse=True)
def home(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home" / "me"
    folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    return folder


def make(folder: Path, kind: Kind = TABLES, *files: str) -> None:
    with replacing_folder(folder, kind) as temporary:
        for name in files or ("table.csv",):
            (temporary / name).parent.mkdir(exist_ok=True)
            (temporary / name).write_text("new")


def refused(folder: Path, kind: Kind = TABLES) -> str:
    """What is said of a folder that is not replaced, before the work and after it."""
    before = files_below(folder.parent)
    with pytest.raises(EyechartError) as caught:
        check_folder(folder, kind)
    with pytest.raises(EyechartError, match=re.escape(str(caught.value))):
        make(folder, kind)
    assert files_below(folder.parent) == before
    return str(caught.value)


# --- what is replaced


def test_what_was_made_is_replaced_whole(tmp_path):
    make(tmp_path / "to", TABLES, "table.csv", "parts/one.csv")
    make(tmp_path / "to")
    assert files_below(tmp_path / "to") == [MARK, "table.csv"]
    assert sorted(os.listdir(tmp_path)) == ["home", "root", "to"]


def test_the_mark_holds_no_time_path_or_machine(tmp_path):
    make(tmp_path / "to", TABLES, "table.csv", "parts/one.csv")
    mark = (tmp_path / "to" / MARK).read_text()
    assert json.loads(mark) == {"made_by": "tables", "files": ["parts/one.csv", "table.csv"]}
    make(tmp_path / "other", TABLES, "table.csv", "parts/one.csv")
    assert (tmp_path / "other" / MARK).read_text() == mark


def test_what_an_earlier_version_made_is_replaced_and_marked(tmp_path):
    (tmp_path / "to").mkdir()
    for name in ("table.csv", "sheet.png"):
        (tmp_path / "to" / name).touch()
    make(tmp_path / "to")
    assert files_below(tmp_path / "to") == [MARK, "table.csv"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "to").mkdir()
    make(tmp_path / "to")
    assert files_below(tmp_path / "to") == [MARK, "table.csv"]


def test_a_link_is_followed_and_stays(tmp_path):
    make(tmp_path / "disk/tables")
    for name, place in (("to", "disk/tables"), ("new", "disk/new")):  # the second points to nothing yet
        (tmp_path / name).symlink_to(tmp_path / place)
        make(tmp_path / name, TABLES, "sheet.png")
        assert (tmp_path / name).is_symlink()
        assert files_below(tmp_path / place) == [MARK, "sheet.png"]


# --- what is not


@pytest.mark.parametrize("name", ["precious.txt", "table.csv/precious.txt", ".git/HEAD"])
def test_a_persons_folder_stays(tmp_path, name):
    (tmp_path / "to" / name).parent.mkdir(parents=True)
    (tmp_path / "to" / name).touch()
    expected = "expected no folder, or one with what an earlier tables.py left, received a folder with"
    top = name.partition("/")[0]
    assert refused(tmp_path / "to") == f"{expected} {top}: type to=NEW"
    expected = f"expected no folder, or one with what an earlier data.py left, received {tmp_path}/to with {top}"
    assert refused(tmp_path / "to", DATA) == f"{expected}: move that elsewhere, then type the same again"


@pytest.mark.parametrize("marked", [True, False])
def test_what_a_person_put_into_it_stays(tmp_path, marked):
    if marked:
        make(tmp_path / "to")
    else:
        (tmp_path / "to").mkdir()
        (tmp_path / "to/table.csv").touch()
    names = ["a.png", "b", "c.png", "d\x1b.png"]
    for number, name in enumerate(names):
        (tmp_path / "to" / name).touch()
        assert f"with {', '.join(names[: number + 1][:3])}" in refused(tmp_path / "to")
    assert "b, c.png and 1 more: type" in refused(tmp_path / "to")
    for name in names:
        (tmp_path / "to" / name).unlink()
    (tmp_path / "to/photos").symlink_to(tmp_path / "home", target_is_directory=True)
    assert "with photos:" in refused(tmp_path / "to")


def test_what_a_person_put_into_a_folder_in_it_is_named_by_its_path(tmp_path):
    make(tmp_path / "to", TABLES, "table.csv", "parts/one.csv")
    (tmp_path / "to/parts/photo.png").touch()
    assert "with parts/photo.png: type" in refused(tmp_path / "to")


def test_what_is_put_into_it_while_the_new_is_made_stays(tmp_path):
    make(tmp_path / "to")

    def meanwhile() -> None:
        with replacing_folder(tmp_path / "to", TABLES):
            (tmp_path / "to/precious.txt").write_text("mine")

    with pytest.raises(EyechartError, match=r"with precious.txt"):
        meanwhile()
    assert files_below(tmp_path / "to") == [MARK, "precious.txt", "table.csv"]


def test_what_another_program_made_stays(tmp_path):
    make(tmp_path / "to", DATA)
    assert "what an earlier tables.py left, received a folder with table.csv: type to=NEW" in refused(tmp_path / "to")


@pytest.mark.parametrize("mark", ["", "{", "[]", '{"made_by": "tables"}', '{"made_by": "tables", "files": 3}'])
def test_a_broken_mark_proves_nothing(tmp_path, mark):
    make(tmp_path / "to")
    (tmp_path / "to" / MARK).write_text(mark)
    assert "with table.csv" in refused(tmp_path / "to")


def test_a_link_to_a_persons_folder_or_in_a_circle(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/precious.txt").touch()
    (tmp_path / "to").symlink_to(tmp_path / "mine")
    assert "with precious.txt" in refused(tmp_path / "to")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert f"{tmp_path}/loop is a link that leads in a circle: remove it" in refused(tmp_path / "loop")


@pytest.mark.parametrize("name", ["root", "root/.", "root/data/..", "home/me", "home", ".", "link", "/"])
def test_the_project_the_home_and_what_is_above_stay_also_where_they_are_empty(tmp_path, root, name):
    (root / "data").mkdir()
    (tmp_path / "link").symlink_to(root)
    before = files_below(tmp_path)
    with pytest.raises(EyechartError, match=r"which is or holds (the project|your home folder): type to=NEW"):
        make(tmp_path / name)
    assert files_below(tmp_path) == before


def test_a_file_stays(tmp_path):
    (tmp_path / "to").write_text("mine")
    with pytest.raises(EyechartError, match="received a file: type to=NEW"):
        make(tmp_path / "to")
    assert (tmp_path / "to").read_text() == "mine"


def test_a_folder_that_cannot_be_looked_at_stays(tmp_path, monkeypatch):
    make(tmp_path / "to")
    (tmp_path / "to/private").mkdir()
    scandir = os.scandir

    def closed(path: str | Path) -> object:  # root may look everywhere
        if str(path).endswith("private"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(PermissionError):
        make(tmp_path / "to")
    monkeypatch.undo()
    assert (tmp_path / "to/private").is_dir()


def test_a_mounted_disk_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "is_mount", lambda path: path == tmp_path / "to")
    with pytest.raises(EyechartError, match=f"{tmp_path}/to is where a disk is mounted.*: type to={tmp_path}/to/new"):
        check_folder(tmp_path / "to", TABLES)
    with pytest.raises(EyechartError, match=r"which cannot be replaced: mount it one folder above"):
        check_folder(tmp_path / "to", DATA)


def test_a_folder_that_cannot_be_made_is_told_of_before_any_work(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(EyechartError, match="which is a file, expected a folder: type to= and another"):
        check_folder(tmp_path / "file/new", TABLES)
    check_folder(tmp_path / "not/there", TABLES)
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)  # root may write nearly everywhere
    with pytest.raises(EyechartError, match=f"to={tmp_path}/not/there lies in {tmp_path}, which may not be written"):
        check_folder(tmp_path / "not/there", TABLES)


# --- what goes wrong


def test_who_starts_next_puts_back_what_a_killed_process_had_moved_away(tmp_path):
    make(tmp_path / "to")
    left = tmp_path / ".to.abcdefgh"
    left.mkdir()
    (left / HELD).write_text(f"eyechart on {socket.gethostname()}\n")
    (tmp_path / "to").rename(left / REPLACED)
    check_folder(tmp_path / "to", TABLES)
    assert files_below(tmp_path / "to") == [MARK, "table.csv"]
    assert sorted(os.listdir(tmp_path)) == ["home", "root", "to"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_was_there_stays_where_filling_fails(tmp_path, error):
    make(tmp_path / "to")

    def break_off() -> None:
        with replacing_folder(tmp_path / "to", TABLES) as temporary:
            (temporary / "half.csv").write_text("half")
            raise error

    with pytest.raises(error):
        break_off()
    assert files_below(tmp_path / "to") == [MARK, "table.csv"]
    assert sorted(os.listdir(tmp_path)) == ["home", "root", "to"]


def test_a_folder_that_could_not_be_replaced_is_there_again(tmp_path, monkeypatch):
    make(tmp_path / "to")
    rename = os.rename

    def interrupted(source: Path, target: Path) -> None:
        if target.name != REPLACED and source.name != REPLACED:
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "to", TABLES, "sheet.png")
    monkeypatch.undo()
    assert files_below(tmp_path / "to") == [MARK, "table.csv"]
    assert sorted(os.listdir(tmp_path)) == ["home", "root", "to"]
