"""Arrays that are no longer those of their digest, and how seldom they are hashed to find that out."""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from support import compose, error_line, tiny_config, tiny_images, write_idx

from eyechart.config import check
from eyechart.core.errors import DataError
from eyechart.data import integrity, open_dataset
from eyechart.data.fetch import fetch
from eyechart.data.images import Images
from eyechart.data.prepare import prepare
from eyechart.runner.job import Job


@pytest.fixture
def tiny(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The prepared folder of the tiny data set, as a process finds it that has looked at none."""
    write_idx(tmp_path / "m", tiny_images())
    fetch(tiny_config(tiny_images()), [str(tmp_path / "m")])
    prepare(tiny_config(tiny_images()))
    new_process(monkeypatch)
    (root / ".eyechart").mkdir()
    return root / "data/prepared/tiny"


def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integrity, "_found_right", {})
    monkeypatch.setattr(integrity, "_by_all_means", False)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A word for each time that arrays are hashed; what was written is old enough to be noted."""
    times: list[str] = []
    digest = Images.digest
    monkeypatch.setattr(Images, "digest", lambda images: times.append("hashed") or digest(images))
    monkeypatch.setattr(integrity, "SETTLED", -1.0)
    return times


def flip(file: Path, *, keep_time: bool = False) -> None:
    """Change the last byte of a file."""
    before, content = file.stat(), file.read_bytes()
    with file.open("r+b") as opened:
        opened.seek(len(content) - 1)
        opened.write(bytes([content[-1] ^ 1]))
    if keep_time:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("name", ["train_images", "train_labels", "test_images", "test_labels", "permutation"])
@pytest.mark.parametrize("keep_time", [False, True])
def test_a_changed_byte_is_refused(tiny, name, keep_time):
    open_dataset("tiny")
    flip(tiny / f"{name}.npy", keep_time=keep_time)
    expected = "permutation.npy as" if name == "permutation" else r"digest \w{12}, received others \(\w{12}\)"
    with pytest.raises(DataError, match=rf"{tiny} is damaged: .*{expected}.*; type: python pipelines/preprocess.py"):
        open_dataset("tiny")


def test_arrays_are_hashed_when_their_files_have_changed_and_not_again(tiny, hashed, monkeypatch):
    for _ in range(3):
        new_process(monkeypatch)
        open_dataset("tiny")
        open_dataset("tiny")
    assert hashed == ["hashed"]
    os.utime(tiny / "test_labels.npy")
    new_process(monkeypatch)
    open_dataset("tiny")
    open_dataset("tiny")
    assert len(hashed) == 2
    description = json.loads((tiny / "dataset.json").read_text())
    (tiny / "dataset.json").write_text(json.dumps(description | {"own_validation": 3}))
    with pytest.raises(DataError, match="received others"):
        open_dataset("tiny")


def test_what_was_written_just_now_is_not_taken_on_trust(tiny, hashed, monkeypatch):
    monkeypatch.setattr(integrity, "SETTLED", 1000.0)
    open_dataset("tiny")
    open_dataset("tiny")
    assert len(hashed) == 2


def test_who_asks_has_them_hashed_once_by_a_process(tiny, hashed, monkeypatch):
    open_dataset("tiny")
    new_process(monkeypatch)
    integrity.verify_all(True)
    integrity.verify_all(False)
    open_dataset("tiny")
    open_dataset("tiny")
    assert len(hashed) == 2


@pytest.mark.parametrize("state", ["none", "a file", "of a newer version", "broken"])
def test_where_nothing_can_be_noted_they_are_hashed_by_each_process(tiny, root, hashed, monkeypatch, state):
    if state == "none":
        (root / ".eyechart").rmdir()
    elif state == "a file":  # as a folder that may not be written; root may write to any
        (root / ".eyechart").rmdir()
        (root / ".eyechart").write_text("x")
    elif state == "of a newer version":
        (root / ".eyechart/format").write_text("999")
    else:
        (root / ".eyechart/verified").mkdir(parents=True)
        (root / ".eyechart/verified/tiny.json").write_text("[")
    open_dataset("tiny")
    open_dataset("tiny")
    new_process(monkeypatch)
    flip(tiny / "train_images.npy")
    with pytest.raises(DataError, match="is damaged"):
        open_dataset("tiny")
    assert (root / ".eyechart").exists() == (state != "none")


def test_another_folder_of_the_name_is_hashed(tiny, hashed, tmp_path, monkeypatch):
    open_dataset("tiny")
    shutil.copytree(tiny.parents[2], tmp_path / "other")  # with what was noted
    monkeypatch.setenv("EYECHART_ROOT", str(tmp_path / "other"))
    open_dataset("tiny")
    assert len(hashed) == 2


def test_labels_without_a_class_are_refused(tiny, monkeypatch):
    file = tiny / "dataset.json"
    description = json.loads(file.read_text())
    file.write_text(json.dumps(description | {"class_names": ["a", "b"]}))
    with pytest.raises(DataError, match=r"train_labels.npy: expected labels from 0 to 1. Received: 0 to 2; type"):
        open_dataset("tiny")
    images = tiny_images()
    labels = images.test_labels.copy()
    labels[3] = -1
    np.save(tiny / "test_labels.npy", labels)
    spoilt = Images(images.train_images, images.train_labels, images.test_images, labels)
    file.write_text(json.dumps(description | {"digest": spoilt.digest()}))
    with pytest.raises(DataError, match=r"test_labels.npy: expected labels from 0 to 2. Received: -1 to 2; type"):
        open_dataset("tiny")


def test_a_training_on_damaged_data_is_refused_in_one_line(program, digits_root, root):
    shutil.copytree(digits_root / "data", root / "data")
    flip(root / "data/prepared/digits/train_labels.npy", keep_time=True)
    line = error_line(program("train", "dataset=digits", "plan=true"))
    assert re.search(r"prepared/digits is damaged: expected .* received .*; type: .*dvc repro -f preprocess$", line)


def test_verify_hashes_what_was_noted_as_right(digits_root, root, monkeypatch):
    """As where a disk gives other bytes than were written: neither size nor times tell."""
    shutil.copytree(digits_root / "data", root / "data")
    new_process(monkeypatch)
    flip(root / "data/prepared/digits/train_images.npy")
    monkeypatch.setattr(integrity, "SETTLED", -1.0)
    (root / ".eyechart").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(integrity, "_hash", lambda *_: None)
        open_dataset("digits")
    for words, damaged in (((), False), (("verify=true",), True)):
        new_process(monkeypatch)
        config = check(compose("dataset=digits", *words))
        with pytest.raises(DataError, match="is damaged") if damaged else nullcontext():
            Job.of(config)
