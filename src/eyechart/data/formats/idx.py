"""IDX, the format of MNIST and Fashion-MNIST: four files of unsigned bytes, each compressed with gzip or not."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyechart.core.errors import DataError
from eyechart.data.formats.archives import MOST, unpacked
from eyechart.data.images import Images

UNSIGNED_BYTE = 0x08


def read(files: Sequence[Path], most: int = MOST) -> Images:
    """Read training images, training labels, test images and test labels, in this order."""
    if len(files) != 4:
        raise DataError(f"format idx takes 4 files: images and labels to train, then to test. Received: {len(files)}")
    return Images.of(*(read_idx(file, most) for file in files))


def read_idx(path: Path, most: int = MOST) -> npt.NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes.

    Raises:
        DataError: the file is not IDX, has another element type, is shorter or longer than its header says, or unpacks
            to more than `most` bytes.
    """
    content = unpacked(path, most)
    if len(content) < 4 or content[:2] != b"\0\0":
        raise DataError(f"{path.name} is not an IDX file: expected it to begin with 00 00. Received: {_begin(content)}")
    kind, dimensions = content[2], content[3]
    if kind != UNSIGNED_BYTE or dimensions == 0:
        raise DataError(f"{path.name}: expected IDX elements of type 08 (unsigned byte). Received: {_begin(content)}")
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataError(f"{path.name} is truncated: it ends within its header")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != math.prod(shape):
        size = len(content) - start
        raise DataError(f"{path.name} is truncated or corrupt: its header promises {shape}, but it holds {size} bytes")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _begin(content: bytes) -> str:
    return content[:4].hex(" ") or "an empty file"
