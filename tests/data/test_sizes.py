"""Small files that hold or state great sizes are refused in one line, and take little memory."""

from __future__ import annotations

import gzip
import io
import resource
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from support import IDX_FILES, decoded, tiny_images, write_idx

from eyechart.core.errors import ConfigError, DataError
from eyechart.data.config import DatasetConfig, FormConfig, PrepareConfig, read_config
from eyechart.data.fetch import fetch
from eyechart.data.formats import READERS, decode
from eyechart.data.formats.pickles import read_pickle

SIZE = 3 * 10**9
LITTLE = 2 * 10**8  # bytes that refusing a file may take: NumPy and Python alone take half of it


def bomb(pieces: int, begin: bytes = b"") -> bytes:
    """So many times 100 MB of zeros, and what comes before them, in gzip's format: a thousandth of that."""
    return gzip.compress(begin) + gzip.compress(bytes(10**8), 9) * pieces


def test_three_gigabytes_in_three_megabytes_are_refused_with_little_memory(tmp_path):
    """In a process of its own, of which the highest use of memory is known."""
    for name in IDX_FILES:
        (tmp_path / name).write_bytes(bomb(SIZE // 10**8))
    code = (
        "import re, sys; from pathlib import Path\n"
        "from eyechart.core.errors import DataError; from eyechart.data.config import *\n"
        "from eyechart.data.fetch import fetch\n"
        "form = FormConfig('idx', sys.argv[2:], caches=[sys.argv[1]])\n"
        "try: fetch(DatasetConfig('x', [form]))\n"
        "except DataError as error: print(error)\n"
        # what getrusage tells includes the memory of the process that started this one
        "print(1024 * int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path), *IDX_FILES]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    message, memory = done.stdout.splitlines()
    assert f"{IDX_FILES[0]} unpacks to more than 2 GB: where that is meant, type ++dataset.max_gigabytes=4" in message
    assert int(memory) < LITTLE


@pytest.fixture(scope="module")
def bombs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bombs")
    (folder / "x.gz").write_bytes(bomb(1))
    header = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
    header.size = 10**8
    (folder / "wanted.tar.gz").write_bytes(bomb(1, header.tobuf()))
    header.name = "another"
    (folder / "other.tar.gz").write_bytes(bomb(1, header.tobuf()))
    header.name, header.type = "long name", tarfile.GNUTYPE_LONGNAME
    (folder / "name.tar.gz").write_bytes(bomb(1, header.tobuf(tarfile.GNU_FORMAT)))
    arrays = dict.fromkeys(("x_train", "y_train", "x_test", "y_test"), np.zeros((10**5, 10, 10), np.uint8))
    np.savez_compressed(folder / "x.npz", **arrays)
    return folder


@pytest.mark.parametrize(
    ("format", "file", "copies"),
    [
        ("idx", "x.gz", 4),
        ("csv", "x.gz", 1),
        ("digits", "x.gz", 1),
        ("mnist_pkl", "x.gz", 1),
        ("cifar", "wanted.tar.gz", 1),
        ("cifar", "other.tar.gz", 1),
        ("cifar", "name.tar.gz", 1),
        ("npz", "x.npz", 1),
    ],
)
def test_every_format_has_its_bound(bombs, format, file, copies):
    with pytest.raises(DataError, match=rf"{file} (unpacks to more than 0\.0[12] GB|is refused: a header .* 100,000)"):
        READERS[format]([bombs / file] * copies, 2 * 10**7)


def test_the_setting_raises_the_bound(tmp_path):
    images = tiny_images(shape=(20, 20))
    write_idx(tmp_path, images)
    form = FormConfig("idx", IDX_FILES, caches=[str(tmp_path)])
    config = DatasetConfig(name="tiny", forms=[form], max_gigabytes=0.00001)
    expected = r"train-images.*\.gz unpacks to more than 1e-05 GB: .* type \+\+dataset\.max_gigabytes=2e-05"
    (tmp_path / IDX_FILES[0]).write_bytes(gzip.compress(bytes(10**6)))
    with pytest.raises(DataError, match=expected):
        fetch(config)
    write_idx(tmp_path, images)
    config.max_gigabytes = 0.0001
    assert fetch(config).place == str(tmp_path)


def test_a_download_is_bounded(tmp_path, root, serve):
    write_idx(tmp_path / "web", tiny_images(shape=(20, 20)))
    form = FormConfig("idx", IDX_FILES, urls=[serve(tmp_path / "web")])
    with pytest.raises(DataError, match=r"train-images.*\.gz is larger than 1e-05 GB"):
        fetch(DatasetConfig("tiny", [form], max_gigabytes=0.00001))
    assert list((root / "data/raw").iterdir()) == []


def test_a_file_that_is_not_compressed_is_no_surprise(tmp_path):
    images = tiny_images(shape=(20, 20))
    write_idx(tmp_path, images, packed=False)
    files = [tmp_path / file.removesuffix(".gz") for file in IDX_FILES]
    assert decode(FormConfig("idx", IDX_FILES), files, None, most=100).digest() == images.digest()


@pytest.mark.parametrize("value", ["0", "-1", ".nan", ".inf"])
def test_the_setting_is_a_size(value):
    node = {"name": "x", "forms": [{"format": "npz", "files": ["x.npz"]}]}
    text = OmegaConf.create(f"max_gigabytes: {value}")
    with pytest.raises(ConfigError, match="max_gigabytes must be"):
        read_config(PrepareConfig, OmegaConf.create({"dataset": OmegaConf.merge(node, text)}))


def npz(path: Path, **shapes: tuple[int, ...]) -> Path:
    """An archive of arrays of 4 bytes whose headers state other shapes."""
    with zipfile.ZipFile(path, "w") as archive:
        for array in ("x_train", "y_train", "x_test", "y_test"):
            content = io.BytesIO()
            shape = shapes.get(array, (4,))
            np.lib.format.write_array_header_1_0(content, {"descr": "|u1", "fortran_order": False, "shape": shape})
            archive.writestr(f"{array}.npy", content.getvalue() + bytes(4))
    return path


@pytest.mark.parametrize("shape", [(10**12,), (2**40, 2**40), (-4,), (5,), (3,)])
def test_an_array_that_states_another_size_than_it_has(tmp_path, shape):
    with pytest.raises(DataError, match=r"x\.npz is truncated or corrupt: x_train\.npy states the shape"):
        decoded("npz", [npz(tmp_path / "x.npz", x_train=shape)])


def test_an_array_whose_header_is_longer_than_plain_ones(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        for array in ("x_train", "y_train", "x_test", "y_test"):
            archive.writestr(f"{array}.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1))
    with pytest.raises(DataError, match="version"):
        decoded("npz", [tmp_path / "x.npz"])


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x05\x96" + struct.pack("<Q", 2 * SIZE) + b".",  # a bytearray of so many zeros
        b"\x80\x04K\x01r" + struct.pack("<I", 3 * 10**8) + b".",  # something remembered under so high a number
        b"\x80\x04\x8e" + struct.pack("<Q", 2 * SIZE) + b".",  # bytes
    ],
)
def test_a_pickle_that_states_sizes(content):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError):
        read_pickle(content, "batch", dict)
    assert 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < LITTLE


def test_a_sparse_member_of_a_tar(tmp_path):
    info = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 0
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[386:410] = b"%011o\0%011o\0" % (SIZE, 0)  # one piece of data at its end, of no byte
    block[483:495] = b"%011o\0" % SIZE  # its size as it unpacks to
    block[148:156] = b"%06o\0 " % (sum(block) - sum(block[148:156]) + 8 * 32)
    (tmp_path / "x.tar").write_bytes(bytes(block) + bytes(10240))
    with pytest.raises(DataError, match=r"x\.tar unpacks to more than 2 GB"):
        decoded("cifar", [tmp_path / "x.tar"])


def test_a_folder_whose_images_would_take_too_much(tmp_path):
    from data.pictures import flowers

    top = flowers(tmp_path / "flowers", {"daisy": 2, "rose": 2})
    with pytest.raises(DataError, match="flowers unpacks to more than 2 GB"):
        decoded("folder", [top], classes=None, image_size=[50_000, 50_000], channels=3)


def test_a_table_with_an_endless_line_or_number(tmp_path):
    for text, expected in (
        ("label," + "p" * 10**7, "line 1: expected 10,000,000 characters"),
        ("p\n" + "9" * 5000, "line 2"),
    ):
        (tmp_path / "x.csv").write_text(text)
        with pytest.raises(DataError, match=expected):
            decoded("csv", [tmp_path / "x.csv"], classes=None)
