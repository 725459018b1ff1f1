"""Maps read tile by tile: of all classes to a file, of the most probable class to memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.inference.scanning.tiling import Tile

if TYPE_CHECKING:
    from eyechart.inference.scanning.stitch import Map, Scanner


@dataclass(frozen=True)
class Seen:
    """What a network takes each window for.

    Attributes:
        probabilities: float32 (rows, columns), of the most probable class.
        classes: that class, as the smallest unsigned integers that hold it, likewise.
    """

    probabilities: NDArray[np.float32]
    classes: NDArray[np.unsignedinteger]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.classes.shape[0], self.classes.shape[1]


def see(
    scanner: Scanner,
    image: NDArray[np.uint8],
    tiles: Iterable[Tile],
    shape: tuple[int, int, int],
    path: Path | None = None,
) -> Seen:
    """Read a map, and write it whole to a file where one is named.

    In memory are, besides the image, one tile and what is given back.

    Args:
        scanner: reads it.
        image: uint8 (height, width, channels).
        tiles: the image's `Scanner.tiles`.
        shape: the map's `Scanner.shape`.
        path: of a `.npy` file: float16 of that shape.

    Raises:
        OSError: the file cannot be written.
    """
    seen = Seen(np.empty(shape[:2], np.float32), np.empty(shape[:2], np.min_scalar_type(shape[2] - 1)))
    with _file(path, shape) if path else nullcontext() as write:
        for tile in tiles:
            answers = scanner.read(image, tile)
            seen.probabilities[tile.answers] = answers.max(axis=-1)
            seen.classes[tile.answers] = answers.argmax(axis=-1)
            if write:
                write(tile, answers)
    return seen


@contextmanager
def _file(path: Path, shape: tuple[int, int, int]) -> Iterator[Callable[[Tile, Map], None]]:
    """What writes the answers of tiles to their places in a `.npy` file.

    By plain writes: on a full disk, one to a file that is mapped to memory would end the process without a word.
    """
    with path.open("wb") as file:
        about = {"descr": np.dtype(np.float16).str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, about)
        start, answer = file.tell(), shape[2] * np.dtype(np.float16).itemsize

        def write(tile: Tile, answers: Map) -> None:
            rows, columns = tile.answers
            for row, line in enumerate(answers.astype(np.float16), rows.start):
                file.seek(start + (row * shape[1] + columns.start) * answer)
                file.write(line.tobytes())

        yield write


def bytes_of(shape: tuple[int, int, int]) -> int:
    """How large the file of a map is, but for the few bytes of its header."""
    return shape[0] * shape[1] * shape[2] * np.dtype(np.float16).itemsize
