"""CIFAR-10's python version: five training batches and a test batch, pickled, in an archive or in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyechart.core.errors import DataError
from eyechart.data.formats.archives import MOST, members
from eyechart.data.formats.pickles import read_pickle
from eyechart.data.images import Images

TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST = "test_batch"
SHAPE = (3, 32, 32)  # channels first


def read(files: Sequence[Path], most: int = MOST) -> Images:
    """Read one archive, or the six batches themselves."""
    batches = {name: _batch(content, name) for name, content in _contents(files, most)}
    if missing := [name for name in (*TRAIN, TEST) if name not in batches]:
        raise DataError(f"{', '.join(file.name for file in files)}: no {', '.join(missing)} inside")
    train_images, train_labels = (np.concatenate(parts) for parts in zip(*(batches[n] for n in TRAIN), strict=True))
    return Images.of(train_images, train_labels, *batches[TEST])


def _contents(files: Sequence[Path], most: int) -> Iterator[tuple[str, bytes]]:
    wanted = (*TRAIN, TEST)
    if len(files) == 1:
        yield from members(files[0], wanted, most)
    else:
        yield from ((file.name, file.read_bytes()) for file in files if file.name in wanted)


def _batch(content: bytes, name: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any]]:
    batch = read_pickle(content, name, dict)
    data, labels = batch.get("data"), batch.get("labels")
    pixels = int(np.prod(SHAPE))
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.shape[1] != pixels:
        raise DataError(
            f"{name}: expected 'data' as a uint8 array (n, {pixels}). Received: {getattr(data, 'shape', data)}"
        )
    if not isinstance(labels, list) or len(labels) != len(data) or not all(type(label) is int for label in labels):
        raise DataError(f"{name}: expected 'labels' as a list of {len(data)} integers")
    return data.reshape(-1, *SHAPE).transpose(0, 2, 3, 1), np.array(labels)
