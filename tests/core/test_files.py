from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import files_below

from eyechart.core.errors import EyechartError
from eyechart.core.files import (
    HELD,
    REPLACED,
    check_file,
    remove_abandoned,
    remove_unfinished,
    replacing,
    write_json,
    write_text,
)

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


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_was_there_stays_where_writing_fails(tmp_path, error):
    write_text(tmp_path / "file", "old")

    def break_off() -> None:
        with replacing(tmp_path / "file") as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        break_off()
    assert (tmp_path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("there", [[], ["mine.txt"]])
def test_a_folder_is_neither_replaced_nor_made(tmp_path, there):
    (tmp_path / "folder").mkdir()
    for name in there:
        (tmp_path / "folder" / name).touch()
    with pytest.raises(IsADirectoryError, match="folder"):
        write_text(tmp_path / "folder", "a file")
    for name in ("folder", "new"):
        with pytest.raises(IsADirectoryError, match=name), replacing(tmp_path / name) as temporary:
            temporary.mkdir()
    assert os.listdir(tmp_path / "folder") == there
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
        check_file(tmp_path / name, "report", ".html", b"ours")
    check_file(tmp_path / "not/there/report.HTML", "report", ".html", b"ours")


def test_a_persons_file_is_not_replaced(tmp_path):
    file = tmp_path / "report.html"
    for content, replaceable in (("", True), ("this is ours", True), ("mine", False)):
        file.write_text(content)
        if replaceable:
            check_file(file, "report", ".html", b"ours")
    told = f"written for report= before, received {file}, which is another: type report=NEW.html"
    with pytest.raises(EyechartError, match=re.escape(told)):
        check_file(file, "report", ".html", b"ours")
    os.mkfifo(tmp_path / "pipe.html")
    with pytest.raises(EyechartError, match=r"which is another"):
        check_file(tmp_path / "pipe.html", "report", ".html", b"ours")


def test_an_error_of_a_full_disk_names_what_was_to_be_written(tmp_path):
    def fill(name: str | None) -> str:
        with pytest.raises(OSError, match="No space left") as caught, replacing(tmp_path / "a/new") as temporary:
            raise OSError(errno.ENOSPC, "No space left", None if name is None else str(temporary.with_name(name)))
        return str(caught.value.filename)

    assert fill(None) == fill("x") == str(tmp_path / "a/new")
    with pytest.raises(ConnectionError) as caught, replacing(tmp_path / "new"):
        raise ConnectionError(errno.ECONNREFUSED, "refused")
    assert caught.value.filename is None


def test_a_disk_that_is_full_is_told_from_the_one_that_is_copied_from(tmp_path):
    def fill() -> None:
        with replacing(tmp_path / "full/new") as temporary:  # as `shutil.copyfile` raises it
            raise OSError(errno.ENOSPC, "No space left", "/the/other/disk", None, str(temporary))

    with pytest.raises(OSError, match="No space left") as caught:
        fill()
    assert (caught.value.filename, caught.value.filename2) == (str(tmp_path / "full/new"), None)


def test_a_link_in_a_circle_is_told_of_before_any_work(tmp_path):
    (tmp_path / "loop.html").symlink_to(tmp_path / "loop.html")
    with pytest.raises(EyechartError, match=r"loop.html is a link that leads in a circle: remove it"):
        check_file(tmp_path / "loop.html", "report", ".html", b"ours")


# --- what a killed process leaves

HOLDS = """
import sys
from pathlib import Path
from eyechart.core.files import holding
with holding(Path(sys.argv[1])) as holder:
    (holder / "half").write_text("half")
    print(holder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holds(tmp_path: Path) -> Iterator[Callable[[str], tuple[subprocess.Popen[str], Path]]]:
    """Start a process that writes what is to be `name`: it, and the holder that it writes in."""
    with ExitStack() as stack:

        def start(name: str) -> tuple[subprocess.Popen[str], Path]:
            command = [sys.executable, "-c", HOLDS, str(tmp_path / name)]
            process = stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            assert process.stdout
            return process, Path(process.stdout.readline().strip())

        yield start


def test_who_writes_next_removes_what_no_living_process_holds(tmp_path, holds):
    killed, left = holds("table.csv")
    living, held = holds("table.csv")
    killed.kill()
    killed.wait()
    write_text(tmp_path / "other.txt", "x")
    assert not left.exists()
    assert (held / "half").exists()
    living.communicate()  # which ends it
    assert living.returncode == 0
    assert os.listdir(tmp_path) == ["other.txt"]


def test_what_a_killed_process_had_moved_away_is_put_back(tmp_path, holds):
    killed, left = holds("folder")
    killed.kill()
    killed.wait()
    (left / REPLACED).mkdir()
    (left / REPLACED / "result.txt").write_text("old")
    remove_abandoned(tmp_path)
    assert (tmp_path / "folder/result.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["folder"]


def test_what_is_not_ours_or_of_another_machine_stays(tmp_path):
    for name, content in (("mine", None), ("mine", ""), ("mine", "x"), ("far", "eyechart on another machine\n")):
        folder = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=tmp_path))
        (folder / "photo.jpg").touch()
        if content is not None:
            (folder / HELD).write_text(content)
    (tmp_path / ".a.link1234").symlink_to(tmp_path)
    (tmp_path / ".a.pipe1234").touch()
    before = files_below(tmp_path)
    remove_abandoned(tmp_path)
    assert files_below(tmp_path) == before


def test_a_state_folder_is_rid_of_what_earlier_versions_and_other_machines_left(tmp_path, holds):
    living, held = holds("new.npz")
    earlier, moment, far = (tmp_path / name for name in (".a.npz.12345678", ".b.npz.12345678", ".c.npz.12345678"))
    for folder in (earlier, moment, far):
        folder.mkdir()
    (earlier / "a.npz").touch()
    (far / HELD).write_text("eyechart on another machine\n")
    remove_unfinished(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([held, moment, far])
    os.utime(far, times=(0, 0))
    remove_unfinished(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([held, moment])
    living.communicate()
