from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from eyechart.core.errors import DataError
from eyechart.data.on_disk import kind_of


def test_files_folders_and_what_is_not_there(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "above").symlink_to(tmp_path)
    for name in ("file", "link", "above/link"):
        assert kind_of(tmp_path / name) == "file"
    assert kind_of(tmp_path) == kind_of(tmp_path / "above/above") == "folder"
    for name in ("none", "none/x", "file/x", "x" * 5000):
        assert kind_of(tmp_path / name) == "nothing"


def test_what_can_be_neither_read_nor_passed_over(tmp_path):
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        before = Path.cwd()
        os.chdir(tmp_path)  # the name of a socket may be 100 characters long
        unix.bind("socket")
        os.chdir(before)
    for name, told in (
        ("broken", "broken is a link to nowhere, which is not there"),
        ("broken/x", "broken is a link to nowhere, which is not there"),
        ("loop", "loop cannot be read: Too many levels of symbolic links"),
        ("loop/x", "loop/x cannot be read: Too many levels of symbolic links"),
        ("pipe", "pipe is a pipe, expected a file or a folder"),
        ("socket", "socket is a socket, expected a file or a folder"),
        ("/dev/null", "/dev/null is a device, expected a file or a folder"),
    ):
        with pytest.raises(DataError) as caught:
            kind_of(tmp_path / name)
        assert str(caught.value).endswith(told)
