"""Statistics of simulated boards, drawn once and kept in a folder: a method is then measured within seconds.

Examples:
    boards = load(Path("/tmp/cells"), cell)  # arrays, the repetitions first, named as by comparison_draws.statistics
    board = one(boards, cell, 17)  # what is known of one board
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
from comparison_draws import Cell, draw
from numpy.typing import NDArray

from eyechart.core.files import replacing

CHUNKS = 10


def repetitions(cell: Cell) -> int:
    return 4000 if cell.rows > 2 else 10_000


def place(folder: Path, cell: Cell) -> Path:
    """The folder of a cell; a cell that is defined otherwise has another one."""
    name = "".join(letter if letter.isalnum() else "-" for letter in cell.name)
    return folder / f"{name}-{zlib.crc32(repr(cell).encode()):08x}"


def missing(folder: Path, cell: Cell) -> list[int]:
    return [chunk for chunk in range(CHUNKS) if not (place(folder, cell) / f"{chunk}.npz").is_file()]


def generate(folder: Path, cell: Cell, chunk: int) -> None:
    """Draw one tenth of the repetitions; the same numbers whenever it is done."""
    boards = list(draw(cell, repetitions(cell) // CHUNKS, chunk))
    save(folder, cell, chunk, {name: np.stack([board[name] for board in boards]) for name in boards[0]})


def save(folder: Path, cell: Cell, chunk: int, boards: dict[str, NDArray[Any]]) -> None:
    with replacing(place(folder, cell) / f"{chunk}.npz") as temporary:
        np.savez(temporary, **boards)


def load(folder: Path, cell: Cell) -> dict[str, NDArray[Any]]:
    """All repetitions of a cell: arrays (repetitions, ...), named as by `statistics`."""
    parts = []
    for chunk in range(CHUNKS):
        with np.load(place(folder, cell) / f"{chunk}.npz") as stored:
            parts.append(dict(stored))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def one(boards: dict[str, NDArray[Any]], cell: Cell, number: int) -> dict[str, Any]:
    """What is known of one board of those that were loaded; see `known`."""
    return known({name: values[number] for name, values in boards.items()}, cell, number)


def known(board: dict[str, NDArray[Any]], cell: Cell, number: int) -> dict[str, Any]:
    """What is known of one board: its statistics, and what holds for all boards of the cell.

    first      the row with the highest mean on validation images, or on test images if there are none; 0 of a pair
    seeds      (k,) how many each row has
    images, val_images    how many
    group_sizes, val_group_sizes (groups,), class_sizes (classes,)    where there are any: the images of each
    number     of the repetition, for methods that draw
    """
    chosen = board.get("val_means", board["means"]).argmax()
    return board | {
        "first": chosen if cell.rows > 2 else 0,
        "seeds": cell.each_seeds,
        "images": cell.images,
        "val_images": cell.validation,
        "number": number,
        **cell.sizes,
    }
