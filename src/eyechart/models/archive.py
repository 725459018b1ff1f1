"""Checks a `.keras` file, which is a ZIP archive, from its first byte to its last. Needs Python alone.

Keras reads the weights with seeks, and a seek switches off the check of a member's CRC-32 from Python 3.12 on: damaged
weights would load as if they were whole, or bring the HDF5 library down.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from eyechart.core.errors import TO_HAVE_AGAIN, EyechartError, in_words

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MEMBERS = ("metadata.json", CONFIG, WEIGHTS)
ENCRYPTED = 0x1  # in the flags of a member


def check_archive(path: Path) -> None:
    """Read a `.keras` file whole, in pieces, and compare what it holds with what it says of itself.

    Keras stores its members as they are, so none can become larger than the file when it is read.

    Raises:
        EyechartError: it cannot be read, it is no such archive, or half of one, a member is damaged, missing, too many
            or stored in another way.
    """
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise EyechartError(
                    f"expected a Keras model in {path}, received another file, or half of one: {TO_HAVE_AGAIN}"
                )
            with zipfile.ZipFile(file) as archive:
                if broken := _what_is_wrong(archive, path.stat().st_size):
                    raise EyechartError(f"expected a Keras model in {path}, received {broken}: {TO_HAVE_AGAIN}")
    except OSError as error:
        raise EyechartError(f"the Keras model {path} cannot be read: {in_words(error)}") from None
    except EyechartError:
        raise
    except Exception as error:  # whatever Python's reader of archives raises for records that make no sense
        reason = (" ".join(str(error).split()) or type(error).__name__)[:200]
        raise EyechartError(
            f"expected a Keras model in {path}, received an archive that is broken ({reason}): {TO_HAVE_AGAIN}"
        ) from None


def _what_is_wrong(archive: zipfile.ZipFile, size: int) -> str:
    """What is wrong with an archive of so many bytes, in words; empty where nothing is."""
    members = archive.infolist()
    names = [member.filename for member in members]
    if sorted(names) != sorted(MEMBERS):
        return f"an archive with {', '.join(map(ascii, names[:5])) or 'nothing in it'} in place of {', '.join(MEMBERS)}"
    for member in members:
        stored = member.compress_type == zipfile.ZIP_STORED and member.file_size == member.compress_size
        if not stored or member.flag_bits & ENCRYPTED:
            return f"an archive whose {member.filename} is compressed or encrypted, which no model is"
    if sum(member.file_size for member in members) > size:
        return "an archive that says its members are larger than it is"
    if damaged := archive.testzip():  # reads each member to its end and compares its CRC-32
        return f"a damaged one: the content of its {damaged!a} is not what its checksum says"
    return ""
