"""What is wrong with a `.keras` file is found before Keras reads it: on each Python, without any package."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import REPOSITORY, interpreters

from eyechart.core.errors import EyechartError
from eyechart.models.archive import MEMBERS, check_archive

CONTENTS = {
    "metadata.json": b'{"keras_version": "3.15.1"}',
    "config.json": b'{"class_name": "Functional"}' * 20,
    "model.weights.h5": b"\x89HDF\r\n\x1a\n" + random.Random(0).randbytes(4000),
}
SIZES = struct.pack("<LL", 4008, 4008)  # of the weights, as the archive says them


def packed(contents: dict[str, bytes] = CONTENTS, compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive as Keras writes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return file.getvalue()


def refusal(path: Path, content: bytes) -> str:
    """The one line with which this content is refused; empty: it is not."""
    path.write_bytes(content)
    try:
        check_archive(path)
    except EyechartError as error:
        line = str(error)
    else:
        return ""
    assert len(line.splitlines()) == 1
    assert str(path) in line
    return line


def damaged(whole: bytes, count: int) -> Iterator[bytes]:
    """Zeroed and random blocks, truncations, flipped bits, and pieces that changed places."""
    chance = random.Random(1)
    for _ in range(count):
        start, size = chance.randrange(len(whole)), chance.choice((1, 16, 512, 4096))
        end = min(len(whole), start + size)
        yield whole[:start] + bytes(end - start) + whole[end:]
        yield whole[:start] + chance.randbytes(end - start) + whole[end:]
        yield whole[:start]
        yield whole[:start] + bytes([whole[start] ^ 1 << chance.randrange(8)]) + whole[start + 1 :]
        yield whole[end:] + whole[:end]
        yield whole[:start] + whole[end:]


def test_a_whole_one_is_taken(tmp_path):
    assert refusal(tmp_path / "model.keras", packed()) == ""


def test_a_damaged_one_is_refused_or_holds_what_it_held(tmp_path):
    path, refused = tmp_path / "model.keras", 0
    for content in damaged(packed(), 300):
        if refusal(path, content):
            refused += 1
        else:  # a date, or what surrounds the archive
            with zipfile.ZipFile(path) as archive:
                assert {name: archive.read(name) for name in archive.namelist()} == CONTENTS
    assert refused > 1200


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "received another file, or half of one"),
        (b"no model", "received another file, or half of one"),
        (packed({}), "nothing in it in place of metadata.json, config.json, model.weights.h5"),
        (packed({name: b"" for name in MEMBERS[:2]}), "in place of"),
        (packed(CONTENTS | {"assets/../../x": b"x"}), "'assets/../../x' in place of"),
        (packed(CONTENTS | {"more": b"x"}), "'more' in place of"),
        (packed(CONTENTS, zipfile.ZIP_DEFLATED), "whose metadata.json is compressed"),
        (packed(CONTENTS | {"config.json": bytes(10**7)}, zipfile.ZIP_LZMA), "whose metadata.json is compressed"),
        (packed().replace(SIZES, struct.pack("<LL", 2**31, 2**31)), "says its members are larger than it is"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, content, told):
    assert told in refusal(tmp_path / "model.keras", content)


def test_a_member_that_is_there_twice(tmp_path):
    content = packed(CONTENTS | {"config.jsom": b"{}"}).replace(b"config.jsom", b"config.json")
    assert "in place of" in refusal(tmp_path / "model.keras", content)


def test_one_that_is_not_there_or_may_not_be_read(tmp_path):
    with pytest.raises(EyechartError, match=r"model\.keras cannot be read: .*No such file"):
        check_archive(tmp_path / "model.keras")
    with pytest.raises(EyechartError, match="cannot be read"):
        check_archive(tmp_path)


ALONE = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("archive", sys.argv[1])
archive = importlib.util.module_from_spec(spec)
spec.loader.exec_module(archive)
for path in map(Path, sys.argv[2:]):
    try:
        archive.check_archive(path)
        print("whole")
    except archive.EyechartError as error:
        print(error)
"""


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_damaged_weights_are_found_on_each_python(tmp_path, version):
    """In the middle, where Keras reads with seeks, and Python 3.12 and later compare nothing any more."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = sys.executable if version == here else interpreters().get(version)
    if python is None:
        pytest.skip(f"no other Python than {here} is installed that is {version}")
    whole, broken = tmp_path / "whole.keras", tmp_path / "broken.keras"
    content = packed()
    middle = len(content) - 2500
    whole.write_bytes(content)
    broken.write_bytes(content[:middle] + random.Random(2).randbytes(1024) + content[middle + 1024 :])
    module = REPOSITORY / "src" / "eyechart" / "models" / "archive.py"
    done = subprocess.run(
        [python, "-S", "-c", ALONE, str(module), str(whole), str(broken)],
        env={"PYTHONPATH": str(REPOSITORY / "src")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "whole"
    assert "received a damaged one: the content of its 'model.weights.h5' is not what its checksum says" in second
