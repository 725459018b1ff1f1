"""Keras's `.npz`: one file with the arrays x_train, y_train, x_test and y_test."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eyechart.core.errors import DataError
from eyechart.data.images import Images

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def read(files: Sequence[Path]) -> Images:
    """Read the one file; an array that would have to be unpickled is refused."""
    if len(files) != 1:
        raise DataError(f"format npz takes 1 file. Received: {len(files)}")
    name = files[0].name
    try:
        # numpy.load takes any of several formats for a file; a zip archive is the only one meant here
        with zipfile.ZipFile(files[0]):
            pass
        with np.load(files[0], allow_pickle=False) as archive:
            missing = [array for array in ARRAYS if array not in archive.files]
            if missing:
                raise DataError(f"{name}: expected the arrays {', '.join(ARRAYS)}. Missing: {', '.join(missing)}")
            arrays = [archive[array] for array in ARRAYS]
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, SyntaxError, NotImplementedError) as error:
        raise DataError(f"{name} is truncated or corrupt: {error}") from None
    return Images.of(*arrays)
