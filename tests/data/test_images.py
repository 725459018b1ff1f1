"""Labels of any numbers become classes 0, 1, ..., and nothing is as large as the largest label."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import decoded, tiny_config, tiny_images

from eyechart.core.errors import DataError
from eyechart.data import open_dataset
from eyechart.data.config import DatasetConfig, FormConfig
from eyechart.data.fetch import fetch
from eyechart.data.formats.holdout import hold_back
from eyechart.data.images import Images, in_words
from eyechart.data.prepare import prepare

HUGE = [20231105, -3, 2**62, 7]


def of(train: object, test: object) -> Images:
    train, test = np.asarray(train), np.asarray(test)
    return Images.of(np.zeros((len(train), 2, 2), np.uint8), train, np.zeros((len(test), 2, 2), np.uint8), test)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1), st.lists(st.integers(-5, 5), min_size=1))
def test_labels_are_numbered_in_their_order(train, test):
    images = of(train, test)
    assert list(images.originals) == sorted({*train, *test})
    assert [images.originals[label] for label in images.train_labels] == train
    assert [images.originals[label] for label in images.test_labels] == test
    assert images.train_labels.dtype == np.int32


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_labels_without_gaps_keep_their_digest(dtype):
    images = tiny_images()
    same = Images.of(
        images.train_images, images.train_labels.astype(dtype), images.test_images, images.test_labels.astype(dtype)
    )
    assert same.digest() == images.digest() == "6a39749c60f37530b9540d36f2ab73bdf2b451a0ac35c47f9f0463e1d6392b3d"
    assert images.earlier_digest() is None
    assert images.named(None).class_names == ("0", "1", "2")


def test_a_label_that_only_the_test_part_has_is_a_class():
    assert of([0, 1], [2, 0]).named(None).class_names == ("0", "1", "2")


def test_labels_that_are_no_whole_numbers_are_refused():
    for labels in ([0.5, 1], [float("nan"), 1], [float("inf"), 1], [1e300, 1], ["a", "b"]):
        with pytest.raises(DataError, match="labels as integers"):
            of(labels, [0, 1])


def test_names_for_labels():
    assert of([1, 2, 4], [2]).named(None).class_names == ("1", "2", "4")
    in_order = of([1, 2, 4], [2]).named("abc")
    assert (in_order.class_names, in_order.train_labels.tolist()) == (("a", "b", "c"), [0, 1, 2])
    with_an_empty_class = of([0, 3], [1]).named("abcd")
    assert with_an_empty_class.train_labels.tolist() == [0, 3]
    with pytest.raises(DataError, match=r"labels 0 to 3 for 4 class names, or 4.*: 3 different labels, 1 to 4, "):
        of([1, 2, 4], [2]).named("abcd")


def test_gaps_in_words():
    assert in_words((1, 2, 4)) == "3 different labels, 1 to 4, none of them 3"
    assert in_words((5, 6)) == "2 different labels, 5 to 6"
    assert in_words((7, 20231105)).endswith("with 20231097 numbers between them that are none")


@pytest.mark.parametrize("format", ["npz", "csv"])
def test_nothing_is_as_large_as_the_largest_label(format, tmp_path, root):
    labels = np.array(HUGE * 6)
    if format == "npz":
        pixels = np.zeros((24, 2, 2), np.uint8)
        np.savez(tmp_path / "x.npz", x_train=pixels, y_train=labels, x_test=pixels, y_test=labels)
    else:
        labels = np.where(labels > 2**60, 10**17, labels)
        (tmp_path / "x.csv").write_text("label,p\n" + "".join(f"{label},0\n" for label in labels))
    config = DatasetConfig(name="mine", forms=[FormConfig(format, [f"x.{format}"], caches=[str(tmp_path)])])
    (remark,) = fetch(config).remarks
    dataset = prepare(config)
    names = sorted(set(labels.tolist()))
    assert remark.startswith(f"4 different labels, -3 to {names[-1]}, with")
    assert "classes 0 to 3 in this order" in remark
    assert dataset.class_names == tuple(map(str, names))
    assert dataset.originals == tuple(names)
    assert (root / "data/prepared/mine/dataset.json").stat().st_size < 2000


def test_a_held_back_part_of_huge_labels():
    labels = np.array(HUGE * 6)
    cut = hold_back(Images.of(np.zeros((24, 2, 2), np.uint8), labels, held_back=4))
    train, test = (np.array(cut.originals)[part] for part in (cut.train_labels, cut.test_labels))
    assert sorted([*train, *test]) == sorted(labels)
    assert len(set(test)) == 4


def test_a_configured_digest_of_labels_that_begin_at_1(tmp_path, root):
    images = tiny_images()
    arrays = {"x_train": images.train_images, "x_test": images.test_images}
    np.savez(tmp_path / "x.npz", y_train=images.train_labels + 1, y_test=images.test_labels + 1, **arrays)
    found = decoded("npz", [tmp_path / "x.npz"], classes=None)
    config = tiny_config(images, caches=[])
    config.forms = [FormConfig("npz", ["x.npz"], caches=[str(tmp_path)])]
    config.sha256, config.class_names = found.earlier_digest(), None
    with pytest.raises(DataError, match=rf"3 different labels, 1 to 3, are .*write sha256: {images.digest()}"):
        fetch(config)
    config.sha256 = images.digest()
    fetch(config)
    prepare(config)
    assert open_dataset("tiny").digest == images.digest()
    assert json.loads((root / "data/prepared/tiny/dataset.json").read_text())["labels"] == [1, 2, 3]
    config.class_names = ["a", "b", "c"]
    assert prepare(config).class_names == ("a", "b", "c")


def test_numbers_of_images_are_no_labels():
    images = of(np.arange(5001), [0]).named(None)
    with pytest.raises(DataError, match=r"expected 5,000 classes at most.* Received: 5,001; are the labels numbers"):
        images.check()
