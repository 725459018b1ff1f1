"""Keras's `.npz`: one file with the arrays x_train, y_train, x_test and y_test."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyechart.core.errors import DataError
from eyechart.data.formats.archives import MOST, TooLargeError, bound
from eyechart.data.images import Images

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
VERSION = (1, 0)  # of NumPy's format: the later ones are for headers longer than those of plain arrays


def read(files: Sequence[Path], most: int = MOST) -> Images:
    """Read the one file; an array that would have to be unpickled is refused."""
    if len(files) != 1:
        raise DataError(f"format npz takes 1 file. Received: {len(files)}")
    name = files[0].name
    try:
        with zipfile.ZipFile(files[0]) as archive:
            known = set(archive.namelist())
            missing = [array for array in ARRAYS if f"{array}.npy" not in known]
            if missing:
                raise DataError(f"{name}: expected the arrays {', '.join(ARRAYS)}. Missing: {', '.join(missing)}")
            sizes = [archive.getinfo(f"{array}.npy").file_size for array in ARRAYS]
            if sum(sizes) > (limit := bound(files[0], most)):
                raise TooLargeError(name, limit)
            arrays = [_read_array(archive, f"{array}.npy") for array in ARRAYS]
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, SyntaxError, NotImplementedError) as error:
        raise DataError(f"{name} is truncated or corrupt: {error}") from None
    return Images.of(*arrays)


def _read_array(archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    """One array, of which the header states no other size than its member has: else NumPy would make room for it."""
    info = archive.getinfo(name)
    with archive.open(info) as file:
        if (version := np.lib.format.read_magic(file)) != VERSION:
            raise ValueError(f"{name} is of version {version} of NumPy's format, expected {VERSION}")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        size = math.prod(shape) * dtype.itemsize
        if not dtype.hasobject and (min(shape, default=0) < 0 or file.tell() + size != info.file_size):
            raise ValueError(f"{name} states the shape {shape}, but has {info.file_size} bytes")
    with archive.open(info) as file:
        array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        return array
