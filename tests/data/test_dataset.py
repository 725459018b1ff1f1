from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support import tiny_config, tiny_images, write_idx

from eyechart.core.errors import DataError
from eyechart.data import Dataset, names_of, open_dataset
from eyechart.data.dataset import Names
from eyechart.data.fetch import fetch
from eyechart.data.prepare import prepare


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A workspace with the tiny data set prepared: 30 training images of 3 classes, 12 test images."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EYECHART_ROOT", str(folder))
        images = tiny_images()
        write_idx(folder / "m", images)
        fetch(tiny_config(images), [str(folder / "m")])
        prepare(tiny_config(images))
    return folder


@pytest.fixture
def tiny(prepared, monkeypatch) -> Dataset:
    monkeypatch.setenv("EYECHART_ROOT", str(prepared))
    return open_dataset("tiny")


@pytest.fixture
def copy(prepared, root) -> Path:
    """The prepared folder of a workspace of the test's own."""
    shutil.copytree(prepared / "data", root / "data")
    return root / "data/prepared/tiny"


def test_what_a_data_set_says_of_itself(tiny):
    assert tiny.name == "tiny"
    assert tiny.class_names == ("a", "b", "c")
    assert tiny.image_shape == (5, 4, 1)
    assert tiny.counts == {"train": 30, "test": 12}
    assert tiny.class_counts == {"train": (10, 10, 10), "test": (4, 4, 4)}
    assert len(tiny.mean) == len(tiny.std) == 1
    assert tiny.digest == tiny_images().digest()
    assert "memmap" not in repr(tiny)


def test_slices(tiny):
    splits = tiny.split()
    assert splits.validation is not None
    original = tiny_images()
    for part, images, labels in (
        (splits.train, original.train_images, original.train_labels),
        (splits.validation, original.train_images, original.train_labels),
        (splits.test, original.test_images, original.test_labels),
    ):
        loaded = part.load()
        assert type(loaded) is np.ndarray
        assert loaded.flags.c_contiguous
        assert loaded.flags.writeable
        assert loaded.dtype == np.uint8
        assert part.labels.dtype == np.int32
        assert part.indices.dtype == np.int64
        assert (np.diff(part.indices) > 0).all()
        assert isinstance(part.images, np.memmap)
        assert np.array_equal(loaded, images[part.indices])
        assert np.array_equal(part.labels, labels[part.indices])
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (27, 3, 12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fraction=st.floats(0, 1, exclude_max=True),
    seed=st.integers(0, 50),
    limit=st.none() | st.integers(1, 40),
)
def test_train_and_validation_share_out_the_training_set(tiny, fraction, seed, limit):
    total = min(limit or 30, 30)
    size = round(fraction * total)
    assume(fraction == 0 or 1 <= size < total)
    splits = tiny.split(validation_fraction=fraction, split_seed=seed, limit=(limit, None))
    held = splits.validation.indices if splits.validation else np.array([], int)
    assert len(held) == size
    assert len(splits.train) == total - size
    everything = np.concatenate([splits.train.indices, held])
    assert len(set(everything)) == total
    whole = tiny.split(validation_fraction=0, limit=(limit, None)).train
    assert set(everything) == set(whole.indices)
    counts = np.bincount(whole.labels, minlength=3)
    assert counts.max() - counts.min() <= 1  # a small sample is stratified


def test_ten_folds(tiny):
    folds = [tiny.split(split_seed=seed).validation for seed in range(10)]
    assert sorted(np.concatenate([fold.indices for fold in folds])) == list(range(30))
    assert all(sorted(fold.labels) == [0, 1, 2] for fold in folds)
    assert np.array_equal(tiny.split(split_seed=10).validation.indices, folds[0].indices)


def test_limits(tiny):
    splits = tiny.split(limit=(20, 5))
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (18, 2, 5)
    assert np.bincount(splits.test.labels, minlength=3).tolist() == [2, 2, 1]
    assert tiny.split(limit=(20, 5), limit_order="first").test.indices.tolist() == [0, 1, 2, 3, 4]
    assert len(tiny.split(limit=(10**6, 10**6)).test) == 12
    assert tiny.split(validation_fraction=0).validation is None


def in_class_order(dataset: Dataset, labels: np.ndarray) -> Dataset:
    """The same with a test part of these labels, in the order of their classes."""
    arrays = {
        **dataset._arrays,
        "test_images": np.zeros((len(labels), *dataset.image_shape), np.uint8),
        "test_labels": np.sort(labels).astype(np.int32),
    }
    return dataclasses.replace(dataset, counts={**dataset.counts, "test": len(labels)}, _arrays=arrays)


def test_a_limit_tests_all_classes_of_data_that_lie_in_class_order(tiny):
    dataset = in_class_order(tiny, np.repeat([0, 1], 20))
    test = dataset.split(limit=(15, 15)).test
    assert sorted(np.bincount(test.labels, minlength=2)) == [7, 8]
    assert np.array_equal(dataset.split(limit=(15, 15)).test.indices, test.indices)
    assert dataset.split(limit=(15, 15), limit_order="first").test.labels.tolist() == [0] * 15


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.data())
def test_a_limit_takes_of_each_class_its_share_of_the_test_images(tiny, sizes, data):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    limit = data.draw(st.integers(1, len(labels)))
    dataset = in_class_order(tiny, labels)
    test = dataset.split(validation_fraction=0, limit=(None, limit)).test
    assert len(set(test.indices)) == limit
    found = np.bincount(test.labels, minlength=len(sizes))
    assert (np.abs(found - limit * np.array(sizes) / len(labels)) <= max(1, len(sizes) / 2)).all()
    larger = dataset.split(validation_fraction=0, limit=(None, limit + 1)).test
    assert set(test.indices) <= set(larger.indices)  # one order, of which a limit takes the beginning


@pytest.mark.parametrize(
    "arguments",
    [
        {"validation_fraction": 1.0},
        {"validation_fraction": -0.1},
        {"validation_fraction": float("nan")},
        {"split_seed": -1},
        {"limit": (0, None)},
        {"limit": (None, -1)},
        {"limit_order": "last"},
    ],
)
def test_arguments_out_of_range(tiny, arguments):
    with pytest.raises(ValueError, match="Received"):
        tiny.split(**arguments)


@pytest.mark.parametrize(("fraction", "limit"), [(0.01, None), (0.99, 30), (0.5, 1)])
def test_no_image_left(tiny, fraction, limit):
    with pytest.raises(DataError, match="leaves"):
        tiny.split(validation_fraction=fraction, limit=(limit, None))


def test_not_prepared(copy):
    with pytest.raises(DataError, match=r"'tinny' is not prepared.*Did you mean 'tiny'.*dvc repro, or python"):
        open_dataset("tinny")


def test_damaged_folders(copy):
    def damaged(expected: str) -> None:
        with pytest.raises(DataError, match=expected) as caught:
            open_dataset("tiny")
        assert "; type: python pipelines/preprocess.py dataset=tiny, or with DVC: dvc repro -f pre" in str(caught.value)
        assert "\n" not in str(caught.value)

    file = copy / "train_images.npy"
    whole = file.read_bytes()
    for length in (0, 4, 100, 200, len(whole) - 1):
        file.write_bytes(whole[:length])
        damaged("damaged")
    np.save(file, np.load(copy / "test_images.npy"))
    damaged("train_images.npy: expected uint8")
    np.save(file, np.array([print]), allow_pickle=True)
    damaged("damaged")
    file.write_bytes(whole)
    order = (copy / "permutation.npy").read_bytes()
    (copy / "permutation.npy").unlink()
    damaged("permutation.npy is missing")
    np.save(copy / "permutation.npy", np.arange(30))
    damaged("permutation.npy as preprocess.py writes it")
    (copy / "permutation.npy").write_bytes(order)
    open_dataset("tiny")
    description = json.loads((copy / "dataset.json").read_text())
    for key in set(description) - {"settings", "copies"}:  # which an earlier version did not record
        (copy / "dataset.json").write_text(json.dumps({k: v for k, v in description.items() if k != key}))
        damaged(f"no '{key}'")
    for text in ("", "[]", "{", "null"):
        (copy / "dataset.json").write_text(text)
        damaged("damaged")


def test_data_are_found_by_their_content_whatever_they_are_called_now(copy):
    digest = tiny_images().digest()
    assert names_of(digest) == names_of(digest, "tiny") == names_of(digest, "x") == Names("tiny", ("a", "b", "c"))
    description = json.loads((copy / "dataset.json").read_text())
    (copy / "dataset.json").write_text(json.dumps(description | {"class_names": ["a", "x", "c"]}))
    assert open_dataset("tiny", digest).class_names == names_of(digest).class_names == ("a", "x", "c")

    for name, text in (("another", json.dumps(description)), ("broken", "{"), ("odd", "[]"), ("old", "{}")):
        shutil.copytree(copy, copy.parent / name)
        (copy.parent / name / "dataset.json").write_text(text)
    assert names_of(digest, "tiny").name == "tiny"  # of several that it is called by now, its own
    assert names_of(digest).name == names_of(digest, "gone").name == "another"
    shutil.rmtree(copy)
    assert open_dataset("tiny", digest).class_names == ("a", "b", "c")

    assert names_of("0" * 64, "tiny") is names_of(None, "another") is None
    assert open_dataset("another", "0" * 64).digest == digest  # whoever asks for others looks at what it is
    with pytest.raises(DataError, match="'tiny' is not prepared"):
        open_dataset("tiny", "0" * 64)


# --- a data set with a validation part of its own


@pytest.fixture(scope="module")
def prepared_with_its_own(tmp_path_factory) -> Path:
    """A workspace with the tiny data set prepared, whose last 6 of 30 training images are its own validation part."""
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EYECHART_ROOT", str(folder))
        images = dataclasses.replace(tiny_images(), validation=6)
        config = tiny_config(images)
        config.forms[0].validation = 6
        write_idx(folder / "m", images)
        fetch(config, [str(folder / "m")])
        prepare(config)
    return folder


@pytest.fixture
def own(prepared_with_its_own, monkeypatch) -> Dataset:
    monkeypatch.setenv("EYECHART_ROOT", str(prepared_with_its_own))
    return open_dataset("tiny")


def test_its_own_part_is_taken_where_nothing_is_said(own):
    assert own.own_validation == 6
    assert own.counts == {"train": 30, "test": 12}
    splits = own.split()
    assert splits.train.indices.tolist() == list(range(24))
    assert splits.validation.indices.tolist() == list(range(24, 30))
    assert len(splits.test) == 12


@given(st.integers(1, 40), st.integers(1, 40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_limit_leaves_its_own_part_whole(own, train, test):
    splits = own.split(limit=(train, test))
    assert splits.validation.indices.tolist() == list(range(24, 30))
    assert len(splits.train) == min(train, 24)
    assert splits.train.indices.max() < 24
    assert len(splits.test) == min(test, 12)
    counts = np.bincount(splits.train.labels, minlength=3)
    assert counts.max() - counts.min() <= 2


@pytest.mark.parametrize("fraction", [0, 0.1, 0.5])
def test_a_fraction_is_of_all_its_training_images(own, tiny, fraction):
    for split_seed in (0, 1):
        splits = own.split(validation_fraction=fraction, split_seed=split_seed)
        pooled = tiny.split(validation_fraction=fraction, split_seed=split_seed)
        assert np.array_equal(splits.train.indices, pooled.train.indices)


def test_there_is_one_own_part_to_choose(own):
    with pytest.raises(DataError, match=r"split_seed=1.*'tiny'.*type trainer\.split_seed=0, or.*n=0\.1"):
        own.split(split_seed=1)


def test_none_is_a_tenth_without_an_own_part(tiny):
    assert tiny.own_validation == 0
    assert np.array_equal(tiny.split().train.indices, tiny.split(validation_fraction=0.1).train.indices)


def test_the_own_part_belongs_to_the_digest_where_there_is_one(own, tiny):
    assert own.digest != tiny.digest
    assert tiny.digest == tiny_images().digest() == dataclasses.replace(tiny_images(), class_names=("x",)).digest()
