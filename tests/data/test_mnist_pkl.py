"""`mnist.pkl`, written here as Python 2 wrote it: texts and bytes were one type then."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import IDX_FILES, decoded, error_line, tiny_images, write_idx

from eyechart.core.errors import DataError
from eyechart.data.images import Images


class Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2 did, without asking the reader for a function that makes bytes of a text."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

    def save_bytes(self, content: bytes) -> None:
        if self.bin:
            self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)
        else:
            self.write(pickle.STRING + repr(content)[1:].encode() + b"\n")
        self.memoize(content)

    dispatch[bytes] = save_bytes


def python2_pickle(value: object, protocol: int = 2) -> bytes:
    output = io.BytesIO()
    Python2Pickler(output, protocol).dump(value)
    return output.getvalue()


def parts_of(images: Images, validation: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The three parts as mnist.pkl has them."""

    def part(pixels: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (pixels.reshape(len(pixels), -1) / 256).astype(np.float32), labels.astype(np.int64)

    end = len(images.train_labels) - validation
    return [
        part(images.train_images[:end], images.train_labels[:end]),
        part(images.train_images[end:], images.train_labels[end:]),
        part(images.test_images, images.test_labels),
    ]


@pytest.fixture
def parts() -> list[tuple[np.ndarray, np.ndarray]]:
    return parts_of(tiny_images(shape=(5, 5)), 6)


def written(folder: Path, value: object, protocol: int = 2) -> Path:
    path = folder / "mnist.pkl.gz"
    path.write_bytes(gzip.compress(python2_pickle(value, protocol), 1))
    return path


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_it_equals_idx_with_a_validation_part(tmp_path, parts, protocol):
    images = tiny_images(shape=(5, 5))
    write_idx(tmp_path, images)
    file = written(tmp_path, tuple(parts), protocol)
    read = decoded("mnist_pkl", [file])
    assert read.validation == 6
    assert np.array_equal(read.train_images, images.train_images)
    assert read.digest() == decoded("idx", [tmp_path / f for f in IDX_FILES], validation=6).digest()
    assert read.digest() != images.digest()
    unpacked = tmp_path / "mnist.pkl"
    unpacked.write_bytes(gzip.decompress(file.read_bytes()))
    assert decoded("mnist_pkl", [unpacked]).digest() == read.digest()
    with pytest.raises(DataError, match="expected a validation part of 5"):
        decoded("mnist_pkl", [file], validation=5)


def test_a_newer_pickle_will_do(tmp_path, parts):
    file = tmp_path / "mnist.pkl"
    file.write_bytes(pickle.dumps(tuple(parts)))
    assert decoded("mnist_pkl", [file]).validation == 6


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.floats(-1, 2, width=32).filter(lambda pixel: not (0 <= pixel < 1 and (pixel * 256).is_integer())))
def test_a_pixel_that_is_no_256th_is_refused(tmp_path, parts, pixel):
    parts[1][0][2, 3] = pixel
    with pytest.raises(DataError, match=r"mnist\.pkl\.gz, validation part: expected (every pixel to|pixels from)"):
        decoded("mnist_pkl", [written(tmp_path, tuple(parts))])


def test_pixels_divided_by_255_and_nan_are_refused(tmp_path, parts):
    for wrong in (parts[0][0] * np.float32(256 / 255), np.full_like(parts[0][0], np.nan)):
        with pytest.raises(DataError, match=r"training part: expected (every pixel|pixels)"):
            decoded("mnist_pkl", [written(tmp_path, ((wrong, parts[0][1]), *parts[1:]))])


def test_other_content_is_named(tmp_path, parts):
    images, labels = parts[0]
    for value, expected in (
        (parts, "expected a pickled tuple. Received: list"),
        (tuple(parts[:2]), "three parts"),
        ((images, labels, labels), "training part: expected a pair"),
        (((images[:, :-1], labels), *parts[1:]), "square images"),
        (((images[:-1], labels), *parts[1:]), "as many labels as images, 23"),
        (((images.reshape(-1, 5, 5), labels), *parts[1:]), "training part: expected a pair"),
        (((images[:, :16], labels), *parts[1:]), "training images are"),
    ):
        with pytest.raises(DataError, match=expected):
            decoded("mnist_pkl", [written(tmp_path, value)])


class Evil:
    def __init__(self, proof: Path):
        self.proof = proof

    def __reduce__(self):
        return os.system, (f"touch {self.proof}",)


@pytest.mark.parametrize("protocol", [0, 2])
def test_a_pickle_that_calls_os_system_is_refused(tmp_path, parts, protocol):
    proof = tmp_path / "proof"
    value = (*parts[:2], (Evil(proof), parts[2][1]))
    pickle.loads(python2_pickle(value, protocol), encoding="latin1")
    assert proof.exists()  # it does what it should, for a free reader
    proof.unlink()
    with pytest.raises(DataError, match=r"mnist.pkl.gz is truncated or corrupt: refused, because it asks for"):
        decoded("mnist_pkl", [written(tmp_path, value, protocol)])
    assert not proof.exists()


def test_a_truncated_file_is_named(tmp_path, parts):
    file = written(tmp_path, tuple(parts))
    content = file.read_bytes()
    for length in (0, 1, 20, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"mnist\.pkl\.gz"):
            decoded("mnist_pkl", [file])


def test_mnist_whole_and_by_the_programs(program, root, tmp_path, mirror):
    """The data set of `conf/`: from the pickle and from the IDX files alike, with the validation part prepared."""
    if not (mirror / "mnist").is_dir():
        pytest.skip(f"no mnist in {mirror}")
    done = program("fetch", "dataset=mnist_pkl", env={"EYECHART_MIRRORS": str(mirror)})
    assert f"mnist_pkl fetched from {mirror} and verified" in done.stdout, done.stderr
    mnist = decoded("idx", [mirror / "mnist" / file for file in IDX_FILES], classes=10)
    (tmp_path / "pickled").mkdir()
    written(tmp_path / "pickled", tuple(parts_of(mnist, 10_000)))
    (root / "data/raw/mnist_pkl/source.json").unlink()
    done = program("fetch", "dataset=mnist_pkl", f"mirrors=[{tmp_path / 'pickled'}]")
    assert done.returncode == 0, done.stderr
    done = program("preprocess", "dataset=mnist_pkl")
    assert "60,000 training (10,000 of them its own validation part) and 10,000 test images" in done.stdout
    done = program("train", "dataset=mnist_pkl", "trainer.split_seed=1", "tracking=none")
    assert "trainer.split_seed=1 chooses among validation parts" in error_line(done)
