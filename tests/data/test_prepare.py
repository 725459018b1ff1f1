from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from support import error_line, tiny_config, tiny_images, write_idx

from eyechart.core.errors import DataError, EyechartError
from eyechart.core.folders import MARK
from eyechart.data import open_dataset
from eyechart.data.fetch import fetch
from eyechart.data.prepare import channel_statistics, prepare
from eyechart.data.samples import draw_samples

FILES = [
    MARK,
    "dataset.json",
    "permutation.npy",
    "samples.png",
    "test_images.npy",
    "test_labels.npy",
    "train_images.npy",
    "train_labels.npy",
]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_digits_by_the_programs_twice_with_the_same_bytes(program, root):
    assert "type: python pipelines/fetch.py dataset=digits" in error_line(program("preprocess", "dataset=digits"))
    assert program("fetch", "dataset=digits").returncode == 0
    done = program("preprocess", "dataset=digits")
    assert done.stdout.startswith(
        "digits prepared: 1,437 training and 360 test images of 16x16x1 in 10 classes: "
        f"{root}/data/prepared/digits\nnext: "
    )
    assert done.stderr == ""
    folder = root / "data/prepared/digits"
    first = contents(folder)
    assert sorted(first) == FILES
    assert program("preprocess", "dataset=digits").returncode == 0
    assert contents(folder) == first
    assert os.listdir(folder.parent) == ["digits"]
    assert "'x'" in error_line(program("preprocess", "dataset=digits", "+x=1"))


def test_what_is_written(tmp_path, root):
    images = tiny_images()
    write_idx(tmp_path / "m", images)
    config = tiny_config(images)
    with pytest.raises(DataError, match="'tiny' is not fetched"):
        prepare(config)
    fetch(config, [str(tmp_path / "m")])
    prepare(config)
    folder = root / "data/prepared/tiny"
    description = json.loads((folder / "dataset.json").read_text())
    assert description["digest"] == images.digest()
    assert description["counts"] == {"train": 30, "test": 12}
    assert description["class_counts"] == {"train": [10, 10, 10], "test": [4, 4, 4]}
    assert description["image_shape"] == [5, 4, 1]
    assert description["mean"] == pytest.approx([images.train_images.mean()])
    assert description["std"] == pytest.approx([images.train_images.std()])
    train = np.load(folder / "train_images.npy", mmap_mode="r")
    assert isinstance(train, np.memmap)
    assert train.dtype == np.uint8
    assert np.array_equal(train, images.train_images)
    assert np.load(folder / "test_labels.npy").dtype == np.int32
    assert sorted(np.load(folder / "permutation.npy")) == list(range(30))
    assert open_dataset("tiny").digest == images.digest()


def test_a_failure_keeps_the_old_and_leaves_nothing_new(tmp_path, root, monkeypatch):
    images = tiny_images()
    write_idx(tmp_path / "m", images)
    config = tiny_config(images)
    fetch(config, [str(tmp_path / "m")])
    prepare(config)
    before = contents(root / "data/prepared/tiny")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("eyechart.data.prepare.draw_samples", full)
    with pytest.raises(OSError, match="No space"):
        prepare(config)
    assert contents(root / "data/prepared/tiny") == before
    assert os.listdir(root / "data/prepared") == ["tiny"]


@pytest.mark.parametrize("marked", [True, False])
def test_what_a_person_put_into_the_prepared_folder_stays(tmp_path, root, marked):
    write_idx(tmp_path / "m", tiny_images())
    config = tiny_config(tiny_images())
    fetch(config, [str(tmp_path / "m")])
    prepare(config)
    folder = root / "data/prepared/tiny"
    before = contents(folder)
    if not marked:  # as earlier versions left it
        (folder / MARK).unlink()
    prepare(config)
    assert contents(folder) == before
    (folder / "photo.png").touch()
    with pytest.raises(EyechartError, match=f"preprocess.py left, received {folder} with photo.png: move that elsewh"):
        prepare(config)
    assert contents(folder) == before | {"photo.png": b""}


@given(arrays.arrays(np.uint8, st.tuples(*[st.integers(1, 5)] * 3, st.integers(1, 4))))
def test_statistics_equal_numpys(images):
    mean, std = channel_statistics(images)
    assert mean == pytest.approx(images.mean(axis=(0, 1, 2)))
    assert std == pytest.approx(images.std(axis=(0, 1, 2)), abs=1e-9)


def test_statistics_do_not_overflow():
    images = np.full((5000, 64, 64, 1), 255, np.uint8)
    assert channel_statistics(images) == ([255.0], [0.0])


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_samples_of_any_kind_of_image(tmp_path, channels):
    images = np.zeros((4, 3, 90, channels), np.uint8)
    draw_samples(
        tmp_path / "s.png",
        images=images,
        labels=np.array([0, 0, 0, 2]),  # no image of class 1, and few of the others
        order=np.arange(4),
        class_names=["a", "b $x$ 花", "a class with a very long name" * 20],
    )
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")


def test_samples_of_many_classes_and_of_large_images(tmp_path):
    for classes, size in ((1500, 64), (3, 600)):
        draw_samples(
            tmp_path / "s.png",
            images=np.zeros((1, size, size, 3), np.uint8),
            labels=np.array([0]),
            order=np.arange(1),
            class_names=[f"class {number}" for number in range(classes)],
        )
        with Image.open(tmp_path / "s.png") as image:
            assert max(image.size) < 5000
