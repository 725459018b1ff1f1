"""Images that are the same pixel by pixel: counted where they lie on two sides, and kept on one where asked."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from support import IDX_FILES, compose, tiny_images, write_idx

from eyechart.config import check
from eyechart.core.errors import ConfigError, DataError
from eyechart.data import open_dataset
from eyechart.data.alike import first_alike
from eyechart.data.config import BackgroundConfig, DatasetConfig, FormConfig, check_dataset
from eyechart.data.copies import crossings, warning
from eyechart.data.dataset import Dataset
from eyechart.data.fetch import fetch
from eyechart.data.prepare import prepare
from eyechart.data.settings import check_settings
from eyechart.runner.job import Job


def write_twins(folder: Path, *, pairs: int = 30, label_of_last: int | None = None) -> None:
    """A CSV of `pairs` images of 2x2, each of which is there twice; the last may have another label."""
    random = np.random.default_rng(0)
    pixels = np.concatenate([random.permutation(256)[:pairs, None], random.integers(0, 256, (pairs, 3))], axis=1)
    lines = [",".join(map(str, [number % 3, *image])) for number, image in enumerate(pixels)]
    twins = lines if label_of_last is None else [*lines[:-1], f"{label_of_last}{lines[-1][1:]}"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "twins.csv").write_text("\n".join(["label,a,b,c,d", *lines, *twins]))


def twins(place: Path, copies: str | None = None) -> DatasetConfig:
    return DatasetConfig("twins", [FormConfig("csv", ["twins.csv"], caches=[str(place)])], copies=copies)


def prepared(config: DatasetConfig) -> Dataset:
    fetch(config)
    return prepare(config)


@given(
    arrays.arrays(
        np.uint8, st.tuples(st.integers(1, 30), st.just(1), st.integers(1, 2), st.just(1)), elements=st.integers(0, 3)
    )
)
def test_the_first_that_is_alike(images):
    first = first_alike(images[:5], images[5:])
    for number, image in enumerate(images):
        assert first[number] == next(i for i, other in enumerate(images) if np.array_equal(other, image))


def test_copies_on_two_sides_are_counted_and_what_to_type_is_said(tmp_path):
    write_twins(tmp_path)
    dataset = prepared(twins(tmp_path))
    splits = dataset.split(validation_fraction=0.2)
    seen = {image.tobytes() for image in splits.train.load()}
    held = [image.tobytes() in seen for image in splits.validation.load()]
    seen |= {image.tobytes() for image in splits.validation.load()}
    tested = [image.tobytes() in seen for image in splits.test.load()]
    test, validation = crossings(dataset, splits)
    assert (test.part, test.copies, test.images, test.otherwise, test.cut) == ("test", sum(tested), 10, 0, True)
    assert (validation.part, validation.copies, validation.images) == ("validation", sum(held), 10)
    assert min(test.copies, validation.copies) > 0
    assert warning(dataset, splits) == (
        f"{sum(tested)} of 10 test images and {sum(held)} of 10 validation images are exact copies of training images: "
        "a score on them says nothing of images never seen; to keep copies on one side, prepare and train with "
        "++dataset.copies=together"
    )


def test_copies_with_another_label_are_counted(tmp_path):
    images = tiny_images()
    images.test_images[:3] = images.train_images[[0, 3, 7]]
    labels = images.test_labels.copy()
    labels[:3] = [0, 1, 1]  # of the second the training image has 0
    write_idx(tmp_path, dataclasses.replace(images, test_labels=labels))
    dataset = prepared(DatasetConfig("mine", [FormConfig("idx", IDX_FILES, caches=[str(tmp_path)])]))
    assert warning(dataset, dataset.split()) == (
        "3 of 12 test images are exact copies of training images, 1 of them with another label: a score on them says "
        "nothing of images never seen; the test part is the data set's own: remove them from its files"
    )


@pytest.mark.parametrize("seed", range(5))
def test_copies_stay_on_one_side_where_asked(tmp_path, seed):
    write_twins(tmp_path)
    dataset = prepared(twins(tmp_path, "together"))
    assert dataset.counts == {"train": 50, "test": 10}
    assert dataset.class_counts["test"] in [(4, 4, 2), (4, 2, 4), (2, 4, 4)]
    splits = dataset.split(validation_fraction=0.2, split_seed=seed)
    assert len(splits.validation) == 10
    assert crossings(dataset, splits) == []
    folds = [dataset.split(validation_fraction=0.2, split_seed=fold).validation.indices for fold in range(5)]
    assert sorted(np.concatenate(folds)) == list(range(50))


def test_copies_are_in_the_key_only_where_they_are_kept_together(tmp_path):
    write_twins(tmp_path)
    composed = compose("model=fnn")
    apart = prepared(twins(tmp_path))
    assert "copies" not in apart.settings
    key = check(composed).run_key(apart.digest)
    together = prepared(twins(tmp_path, "together"))
    assert check(composed).run_key(together.digest) != key
    assert prepared(twins(tmp_path)).digest == apart.digest
    # also where no part is cut differently: the validation part is
    images = tiny_images()
    images.train_images[1] = images.train_images[0]
    write_idx(tmp_path / "idx", images)
    form = FormConfig("idx", IDX_FILES, caches=[str(tmp_path / "idx")])
    assert prepared(DatasetConfig("mine", [form])).digest == images.digest()
    for sha256 in (None, images.digest(), dataclasses.replace(images, together=True).digest()):
        config = DatasetConfig("mine", [form], copies="together", sha256=sha256)
        dataset = prepared(config)
        assert dataset.digest == dataclasses.replace(images, together=True).digest()
        check_settings(config, dataset, "dataset=mine")


@pytest.mark.parametrize(("before", "now"), [(None, "together"), ("together", None)])
def test_a_training_is_refused_where_the_parts_were_cut_otherwise(tmp_path, before, now):
    write_twins(tmp_path)
    prepared(twins(tmp_path, before))
    words = {None: "null", "together": "together"}
    expected = f"prepared with copies={words[now]}, received copies={words[before]}: type"
    with pytest.raises(DataError, match=expected):
        check_settings(twins(tmp_path, now), open_dataset("twins"), "dataset=twins")


def test_what_was_prepared_before_copies_were_counted_is_counted_when_it_is_asked(tmp_path, root):
    write_twins(tmp_path)
    dataset = prepared(twins(tmp_path))
    folder = root / "data/prepared/twins"
    description = json.loads((folder / "dataset.json").read_text())
    assert description["copies"] == {"images": 30, "held_back": 10}
    del description["copies"]
    (folder / "dataset.json").write_text(json.dumps(description))
    (folder / "copies.npy").unlink()
    before = open_dataset("twins")
    assert before.digest == dataset.digest
    assert warning(before, before.split()) == warning(dataset, dataset.split())


def test_copies_that_are_damaged_are_told_of(tmp_path, root):
    write_twins(tmp_path)
    prepared(twins(tmp_path, "together"))
    np.save(root / "data/prepared/twins/copies.npy", np.arange(60))
    with pytest.raises(
        DataError, match=r"expected copies.npy as preprocess.py writes it, received other numbers; type"
    ):
        open_dataset("twins")


def test_a_part_of_which_nothing_would_be_left(tmp_path):
    """Where all images are one, no side can have some of it."""
    (tmp_path / "twins.csv").write_text("label,a\n" + "0,7\n1,7\n" * 6)
    assert prepared(twins(tmp_path)).counts == {"train": 10, "test": 2}
    with pytest.raises(
        DataError, match="expected to hold back about 2 of 12 images as test part, but copies and groups"
    ):
        prepared(twins(tmp_path, "together"))
    (tmp_path / "twins.csv").write_text("label,a\n" + "0,7\n1,7\n" * 6 + "0,8\n1,9\n")
    dataset = prepared(twins(tmp_path, "together"))
    with pytest.raises(
        DataError, match="leaves 0 images of 'twins' for training and 12 for validation, because copies"
    ):
        dataset.split(validation_fraction=0.2, split_seed=2)


def test_choices_that_cannot_be(tmp_path):
    with pytest.raises(ConfigError, match=r"dataset.copies must be together, or null. Received: 'apart'"):
        check_dataset(twins(tmp_path, "apart"))
    with pytest.raises(ConfigError, match=r"dataset.copies is of no use where images are laid over photographs"):
        check_dataset(dataclasses.replace(twins(tmp_path, "together"), background=BackgroundConfig("twins")))


def test_a_job_is_warned_of_what_it_would_hold_back(tmp_path):
    write_twins(tmp_path)
    dataset = prepared(twins(tmp_path))
    composed = compose(
        "model=fnn", "dataset=digits", "dataset.name=twins", "dataset.sha256=null", "trainer.split_seed=3"
    )
    composed.dataset.forms[0].format = "csv"
    job = Job.of(check(composed))
    assert job.warnings == (warning(dataset, dataset.split(split_seed=3)),)


def test_the_programs_say_it(tmp_path, program):
    write_twins(tmp_path)
    (tmp_path / "mine/dataset").mkdir(parents=True)
    text = f"name: twins\nforms:\n  - format: csv\n    files: [twins.csv]\n    caches: [{tmp_path}]\n"
    (tmp_path / "mine/dataset/twins.yaml").write_text(text)
    words = [f"--config-dir={tmp_path / 'mine'}", "dataset=twins"]
    assert program("fetch", *words).returncode == 0
    line = "test images are exact copies of training images: a score on them says nothing"
    assert line in program("preprocess", *words).stderr
    done = program("train", *words, "model=fnn", "plan=true")
    assert "test images and " in done.stdout
    assert "type" not in done.stdout
    assert program("preprocess", *words, "++dataset.copies=together").stderr == ""
    assert "copies" not in program("train", *words, "++dataset.copies=together", "model=fnn", "plan=true").stdout
