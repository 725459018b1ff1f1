"""Where a run's files are copied to: DVC's stage `train`, or a folder that a person named."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support import files_below

from eyechart.core.errors import EyechartError
from eyechart.core.folders import MARK
from eyechart.runner.export import FILES, OPTIONAL, export


@pytest.fixture
def run(tmp_path: Path) -> Any:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (*FILES, "mistakes.png"):
        (folder / name).write_text(name)
    (folder / "run.json").write_text(json.dumps({"run_key": "k", "result": {}}))
    return SimpleNamespace(file=lambda name: folder / name, has=lambda name: (folder / name).is_file())


def test_what_was_exported_is_replaced_also_where_an_earlier_version_did(run, root):
    export(run, root / "results/train")
    assert files_below(root / "results/train") == sorted([MARK, *FILES])
    (root / "results/train" / MARK).unlink()
    run.file(OPTIONAL).write_text("one more")
    export(run, root / "results/train")
    assert files_below(root / "results/train") == sorted([MARK, *FILES, OPTIONAL])


@pytest.mark.parametrize("name", [*FILES, "notes.txt"])
def test_a_persons_folder_stays(run, root, name):
    (root / "mine").mkdir()
    (root / "mine" / name).write_text("mine")
    with pytest.raises(EyechartError, match=f"received a folder with {name}: type export=NEW"):
        export(run, root / "mine")
    assert (root / "mine" / name).read_text() == "mine"


def test_the_disk_that_is_full_is_named(run, root, monkeypatch):
    def full(source: Path, target: Path) -> None:  # as Python raises it
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source), None, str(target))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left") as caught:
        export(run, root / "results/train")
    assert (caught.value.filename, caught.value.filename2) == (str(root / "results/train"), None)
    assert files_below(root) == []
