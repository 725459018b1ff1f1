from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from support import IDX_FILES, decoded, error_line

from eyechart.core.errors import DataError
from eyechart.data.formats.csv import read_csv


def csv(images: np.ndarray, labels: np.ndarray | None) -> str:
    """The images as Kaggle writes them."""
    pixels = images.reshape(len(images), -1)
    names = [f"pixel{number}" for number in range(pixels.shape[1])]
    rows = pixels if labels is None else np.column_stack([labels, pixels])
    lines = [",".join(names if labels is None else ["label", *names]), *(",".join(map(str, row)) for row in rows)]
    return "\n".join(lines) + "\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(data=st.data(), side=st.integers(1, 5), count=st.integers(1, 6), labelled=st.booleans(), packed=st.booleans())
def test_what_was_written_is_read(tmp_path, data, side, count, labelled, packed):
    images = data.draw(arrays.arrays(np.uint8, (count, side, side, 1)))
    labels = data.draw(arrays.arrays(np.uint8, count)) if labelled else None
    content = csv(images, labels).encode()
    (tmp_path / "x.csv").write_bytes(gzip.compress(content) if packed else content)
    read_images, read_labels = read_csv(tmp_path / "x.csv")
    assert read_images.dtype == np.uint8
    assert np.array_equal(read_images, images)
    assert np.array_equal(read_labels, labels) if labelled else read_labels is None


def test_as_windows_writes_it(tmp_path):
    images = np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1)
    text = csv(images, np.array([1, 0])).replace("label,", '"label",').replace("\n", "\r\n")
    (tmp_path / "x.csv").write_bytes(b"\xef\xbb\xbf" + text.encode() + b"\r\n")
    read_images, labels = read_csv(tmp_path / "x.csv")
    assert np.array_equal(read_images, images)
    assert labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "line 1: expected the names|line 2: expected an image"),
        ("1,2\n3,4\n", "line 1: expected the names of the columns"),
        ("label,p\n", "line 2: expected an image. Received: the end"),
        ("label,p\n1,2\n1,256\n", "line 3: expected whole numbers from 0 to 255. Received: '256'"),
        ("label,p\n1,-2\n", "line 2: expected whole numbers from 0 to 255. Received: '-2'"),
        ("label,p\n1,2.5\n", "line 2: expected whole numbers.*'2.5'"),
        ("label,p\n1,\n", "line 2: expected whole numbers.*''"),
        ("label,p\n1,2\n\n1\n", "line 4: expected 2 values, as many as names in line 1. Received: 1"),
        ("label,p\n1,2,3\n4,5,6\n", "line 2: expected 2 values, as many as names in line 1. Received: 3"),
        ("label,p,q\n1,2,3\n", "square images.*2 pixels"),
        ("label\n1\n", "square images.*0 pixels"),
    ],
)
def test_what_is_no_such_table_is_named_by_its_line(tmp_path, text, expected):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(DataError, match=expected) as caught:
        read_csv(tmp_path / "x.csv")
    assert str(caught.value).startswith("x.csv")


def test_bytes_of_another_kind(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(DataError, match=r"x\.csv, line 1"):
        read_csv(tmp_path / "x.csv")


@pytest.fixture
def digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    original = load_digits()
    return (original.data.astype(np.uint8) * 15).reshape(-1, 8, 8, 1), original.target.astype(np.int32)


def test_a_file_alone_gives_its_stratified_sixth_as_test_part(tmp_path, digits):
    images, labels = digits
    (tmp_path / "train.csv").write_text(csv(images, labels))
    read = decoded("csv", [tmp_path / "train.csv"], classes=None)
    assert read.class_names == tuple("0123456789")
    assert (len(read.train_labels), len(read.test_labels)) == (1497, 300)
    assert np.abs(np.bincount(read.test_labels) - np.bincount(labels) / 6).max() <= 1
    found = np.column_stack(
        [
            np.concatenate([read.train_labels, read.test_labels]),
            np.concatenate([read.train_images, read.test_images]).reshape(len(labels), -1),
        ]
    )
    expected = np.column_stack([labels, images.reshape(len(labels), -1)])
    assert np.array_equal(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])
    assert decoded("csv", [tmp_path / "train.csv"], classes=None).digest() == read.digest()


def test_two_files_are_the_two_parts(tmp_path, digits):
    images, labels = digits
    for name, part in (("train.csv", slice(1000)), ("test.csv", slice(1000, None))):
        (tmp_path / name).write_text(csv(images[part], labels[part]))
    read = decoded("csv", [tmp_path / "train.csv", tmp_path / "test.csv"], classes=10)
    assert np.array_equal(read.train_images, images[:1000])
    assert np.array_equal(read.test_labels, labels[1000:])


def test_images_without_labels_are_no_part(tmp_path, digits):
    images, labels = digits
    (tmp_path / "train.csv").write_text(csv(images[:50], labels[:50]))
    (tmp_path / "test.csv").write_text(csv(images[50:], None))
    expected = "test.csv has no column 'label'.*leave it out of the data set's files: a sixth"
    with pytest.raises(DataError, match=expected):
        decoded("csv", [tmp_path / "train.csv", tmp_path / "test.csv"], classes=10)
    with pytest.raises(DataError, match="1 or 2 files"):
        decoded("csv", [tmp_path / "train.csv"] * 3)
    (tmp_path / "one.csv").write_text("label,p\n1,2\n")
    with pytest.raises(DataError, match="two or more images"):
        decoded("csv", [tmp_path / "one.csv"])


def test_kaggles_digits_by_the_programs(program, root, home, digits):
    message = error_line(program("fetch", "dataset=kaggle_digits"))
    assert "get its files from https://www.kaggle.com/competitions/digit-recognizer/data (needs an account)" in message
    assert "(train.csv)" in message
    folder = home / "Downloads/digit-recognizer"
    folder.mkdir(parents=True)
    (folder / "train.csv").write_text(csv(*digits))
    assert "fetched from ~/Downloads/digit-recognizer" in program("fetch", "dataset=kaggle_digits").stdout
    done = program("preprocess", "dataset=kaggle_digits")
    assert "1,497 training and 300 test images of 8x8x1 in 10 classes" in done.stdout, done.stderr


def test_mnist_as_csv_equals_mnist(tmp_path, mirror):
    if not (mirror / "mnist").is_dir():
        pytest.skip(f"no mnist in {mirror}")
    mnist = decoded("idx", [mirror / "mnist" / file for file in IDX_FILES], classes=10)
    (tmp_path / "test.csv").write_text(csv(mnist.test_images[:2000], mnist.test_labels[:2000]))
    images, labels = read_csv(tmp_path / "test.csv")
    assert np.array_equal(images, mnist.test_images[:2000])
    assert np.array_equal(labels, mnist.test_labels[:2000])
