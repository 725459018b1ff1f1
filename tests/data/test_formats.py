from __future__ import annotations

import contextlib
import gzip
import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import IDX_FILES, decoded, idx_bytes, tiny_images, write_idx

from eyechart.core.errors import DataError
from eyechart.data.formats import Images
from eyechart.data.formats.cifar import TEST, TRAIN
from eyechart.data.formats.pickles import read_pickle

BATCHES = [f"cifar-10-batches-py/{name}" for name in (*TRAIN, TEST)]


def refused(format: str, files: list[Path]) -> str:
    with pytest.raises(DataError) as caught:
        decoded(format, files)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- IDX


@pytest.mark.parametrize("packed", [True, False])
def test_idx_with_and_without_gz(tmp_path, packed):
    images = tiny_images()
    write_idx(tmp_path, images, packed=packed)
    read = decoded("idx", [tmp_path / (f if packed else f.removesuffix(".gz")) for f in IDX_FILES])
    assert read.digest() == images.digest()
    assert read.train_images.shape == (30, 5, 4, 1)
    assert read.train_labels.dtype == np.int32


def test_a_validation_part_that_the_files_do_not_tell(tmp_path):
    write_idx(tmp_path, tiny_images())
    files = [tmp_path / f for f in IDX_FILES]
    assert decoded("idx", files, validation=29).validation == 29
    with pytest.raises(DataError, match=r"leaves some of 30 training images\. Received: 30"):
        decoded("idx", files, validation=30)


def test_idx_that_is_unpacked_under_its_packed_name(tmp_path):
    images = tiny_images()
    write_idx(tmp_path, images)
    for file in IDX_FILES:
        (tmp_path / file).write_bytes(gzip.decompress((tmp_path / file).read_bytes()))
    assert decoded("idx", [tmp_path / f for f in IDX_FILES]).digest() == images.digest()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data(), packed=st.booleans())
def test_a_truncated_or_longer_idx_file_is_named(tmp_path, data, packed):
    images = tiny_images()
    write_idx(tmp_path, images)
    content = idx_bytes(images.train_images[..., 0])
    content = gzip.compress(content) if packed else content
    content = data.draw(st.one_of(st.integers(0, len(content) - 1).map(lambda n: content[:n]), st.just(content + b"x")))
    (tmp_path / IDX_FILES[0]).write_bytes(content)
    assert IDX_FILES[0] in refused("idx", [tmp_path / f for f in IDX_FILES])


def test_idx_parts_that_do_not_fit_together(tmp_path):
    write_idx(tmp_path, tiny_images())
    files = [tmp_path / f for f in IDX_FILES]
    assert "30 images but 12 labels" in refused("idx", [files[0], files[3], files[2], files[1]])
    assert "4 files" in refused("idx", files[:3])
    with pytest.raises(DataError, match=r"expected labels 0 to 1 for 2 .* Received: 3 different labels, 0 to 2"):
        decoded("idx", files, classes=2)
    files[0].write_bytes(b"<html>not found</html>")
    assert "not an IDX file" in refused("idx", files)
    files[0].unlink()
    assert f"cannot read {IDX_FILES[0]}" in refused("idx", files)


# --- npz


def test_npz_equals_idx(tmp_path):
    images = tiny_images()
    np.savez_compressed(
        tmp_path / "x.npz",
        x_train=images.train_images[..., 0],
        y_train=images.train_labels.astype(np.uint8)[:, None],
        x_test=images.test_images[..., 0],
        y_test=images.test_labels.astype(np.int64),
    )
    assert decoded("npz", [tmp_path / "x.npz"]).digest() == images.digest()


def test_npz_that_is_not_right(tmp_path):
    file = tmp_path / "x.npz"
    images = tiny_images()
    np.savez(file, x_train=images.train_images)
    assert "Missing: y_train, x_test, y_test" in refused("npz", [file])
    np.savez(file, **dict.fromkeys(("x_train", "y_train", "x_test", "y_test"), np.array([print], object)))
    assert "x.npz" in refused("npz", [file])
    np.savez(file, **dict.fromkeys(("x_train", "y_train", "x_test", "y_test"), images.train_images / 255))
    assert "float64" in refused("npz", [file])
    content = file.read_bytes()
    for length in (0, 10, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:length])
        assert "x.npz" in refused("npz", [file])
    file.write_bytes(pickle.dumps([1]))
    assert "x.npz" in refused("npz", [file])


# --- CIFAR


def batch(seed: int, protocol: int = 4) -> bytes:
    data = np.random.default_rng(seed).integers(0, 256, (3, 3072), np.uint8)
    return pickle.dumps({"batch_label": "b", "labels": [0, 1, 2], "data": data, "filenames": ["x"]}, protocol=protocol)


def pack(path: Path, contents: dict[str, bytes], extra: tarfile.TarInfo | None = None) -> Path:
    with tarfile.open(path, f"w:{path.suffix[1:]}") as archive:  # type: ignore[call-overload]
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if extra:
            archive.addfile(extra)
    return path


@pytest.fixture
def contents() -> dict[str, bytes]:
    return {name: batch(number) for number, name in enumerate(BATCHES)}


def test_cifar_packed_in_any_way_or_not_at_all(tmp_path, contents):
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    folder = decoded("cifar", [tmp_path / name for name in BATCHES])
    assert folder.train_images.shape == (15, 32, 32, 3)
    backwards = dict(reversed(contents.items()))
    for suffix in ("gz", "xz", "bz2"):
        archive = pack(tmp_path / f"c.tar.{suffix}", backwards)
        assert decoded("cifar", [archive]).digest() == folder.digest()
    planes = pickle.loads(contents[BATCHES[0]])["data"][0].reshape(3, 32, 32)
    assert np.array_equal(folder.train_images[0, :, :, 2], planes[2])


def link(kind: bytes, name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


@pytest.mark.parametrize(
    "member",
    [
        tarfile.TarInfo("/tmp/absolute"),
        tarfile.TarInfo("cifar-10-batches-py/../../outside"),
        tarfile.TarInfo("..\\outside"),
        tarfile.TarInfo("C:\\outside"),
        link(tarfile.SYMTYPE, "cifar-10-batches-py/data_batch_1"),
        link(tarfile.LNKTYPE, "a"),
        link(tarfile.CHRTYPE, "a"),
        link(tarfile.FIFOTYPE, "a"),
    ],
    ids=lambda member: repr(member.name) + repr(member.type),
)
def test_an_archive_that_reaches_outside_is_refused(tmp_path, contents, member):
    message = refused("cifar", [pack(tmp_path / "c.tar.gz", contents, member)])
    assert "c.tar.gz is refused" in message
    assert repr(member.name) in message
    assert {path.name for path in tmp_path.iterdir()} == {"c.tar.gz", "home", "root"}


@pytest.mark.parametrize("suffix", ["gz", "xz"])
def test_a_truncated_archive_is_named(tmp_path, contents, suffix):
    archive = pack(tmp_path / f"c.tar.{suffix}", contents)
    content = archive.read_bytes()
    for length in (0, 5, 1000, len(content) // 2, len(content) - 2000):
        archive.write_bytes(content[:length])
        assert archive.name in refused("cifar", [archive])


def test_an_archive_without_all_batches(tmp_path, contents):
    del contents[BATCHES[2]]
    assert "c.tar.gz: no data_batch_3 inside" in refused("cifar", [pack(tmp_path / "c.tar.gz", contents)])


# --- pickles


class Evil:
    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced

    def __repr__(self):
        return f"Evil({self.reduced[0].__name__})"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_calls_os_system_is_refused(tmp_path, contents, protocol):
    proof = tmp_path / "proof"
    content = pickle.dumps({"labels": [0], "data": Evil(os.system, f"touch {proof}")}, protocol=protocol)
    pickle.loads(content)
    assert proof.exists()  # it does what it should, for a free reader
    proof.unlink()
    contents[BATCHES[1]] = content
    assert "data_batch_2 is truncated or corrupt: refused" in refused("cifar", [pack(tmp_path / "c.tar.gz", contents)])
    assert not proof.exists()


@pytest.mark.parametrize(
    "value",
    [
        Evil(eval, "1"),
        Evil(getattr, 1, "real"),
        Evil(np.fromfile, "/etc/passwd"),
        np.array([1.5]),
        np.array([1.5], ">f4"),
        np.asfortranarray(np.ones((2, 3), np.uint8)),
        np.array([print], object),
    ],
    ids=repr,
)
def test_nothing_but_containers_and_arrays_of_plain_numbers_is_read(value):
    for protocol in (2, 4, 5):
        with pytest.raises(DataError):
            read_pickle(pickle.dumps({"data": value}, protocol=protocol), "batch", dict)


@pytest.mark.parametrize("dtype", ["u1", "<f4", "<i8"])
@pytest.mark.parametrize("protocol", [3, 4])  # before 3, Python 3 asks for a function that makes bytes of a text
def test_arrays_of_plain_numbers_are_read(dtype, protocol):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    (inner, number), other = read_pickle(pickle.dumps(((array, 1), array), protocol=protocol), "x", tuple)
    assert number == 1
    for read in (inner, other):
        assert read.dtype == array.dtype
        assert np.array_equal(read, array)


def test_a_pickle_that_holds_itself_comes_to_an_end():
    endless: dict[str, object] = {}
    endless["self"] = endless
    assert set(read_pickle(pickle.dumps(endless), "x", dict)) == {"self"}


@pytest.mark.parametrize(
    "content", [b"", b"cnumpy\nndarray\n)R.", b"cnumpy.core.multiarray\n_reconstruct\n)R.", b"Pid\n."]
)
def test_other_programs_in_a_pickle_are_refused(content):
    with pytest.raises(DataError, match="batch"):
        read_pickle(content, "batch", dict)


@settings(deadline=None)
@given(st.integers(0, 3000), st.binary(min_size=1, max_size=4))
def test_a_corrupt_pickle_ends_in_a_data_error_or_is_read(position, patch):
    content = batch(0)
    with_patch = content[:position] + patch + content[position + len(patch) :]
    with contextlib.suppress(DataError):
        assert isinstance(read_pickle(with_patch, "batch", dict), dict)


# --- digits


def test_digits_equal_scikit_learns(tmp_path):
    from sklearn.datasets import load_digits

    from eyechart.data.sources import get

    file = get("package:sklearn/datasets/data", "digits.csv.gz", tmp_path, timeout=1)
    digits = decoded("digits", [file], classes=10)
    assert isinstance(digits, Images)
    assert digits.train_images.shape == (1437, 16, 16, 1)
    assert digits.test_images.shape == (360, 16, 16, 1)
    assert digits.train_images.max() == 255
    original = load_digits()
    pixels = np.concatenate([digits.train_images, digits.test_images])[:, ::2, ::2, 0]
    labels = np.concatenate([digits.train_labels, digits.test_labels])
    table = np.column_stack([np.rint(pixels / 255 * 16).reshape(-1, 64), labels])
    expected = np.column_stack([original.data, original.target])
    assert np.array_equal(table[np.lexsort(table.T)], expected[np.lexsort(expected.T)])
    assert np.abs(np.bincount(digits.test_labels) - np.bincount(labels) * 360 / 1797).max() < 1
    file.write_bytes(file.read_bytes()[:-100])
    assert "digits.csv.gz" in refused("digits", [file])
