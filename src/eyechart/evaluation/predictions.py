"""The one table per run that scores, mistakes, significance and comparison read: never the model again.

| column       | dtype   | meaning                                                                        |
|--------------|---------|--------------------------------------------------------------------------------|
| `part`       | str     | `validation` or `test`                                                         |
| `index`      | int64   | position of the image in the official array that the part is a slice of        |
| `label`      | int32   | true class, 0..K-1                                                             |
| `prediction` | int32   | most probable class, 0..K-1; the lowest of them where several are most probable |
| `p0`..`pK-1` | float32 | probability of each class                                                      |
| `group`      | int64   | group of the image, as of its patient; only where the data set has groups      |

Where a network gave no numbers for an image, as one does that diverged, it guesses: `prediction` is drawn at random,
and each probability is 1/K.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eyechart.core.errors import TO_HAVE_AGAIN, EyechartError
from eyechart.core.files import replacing

if TYPE_CHECKING:  # pandas takes most of a second to import, and finished runs are recognised without it
    import pandas as pd

_DTYPES = {"index": np.dtype("int64"), "label": np.dtype("int32"), "prediction": np.dtype("int32")}
_PROBABILITY = np.dtype("float32")
GROUP = "group"  # the name of a column that only data in groups have


def make_table(
    parts: Mapping[str, tuple[NDArray[Any], NDArray[Any], NDArray[np.float32]]],
    seed: int = 0,
    groups: Mapping[str, NDArray[np.int64]] | None = None,
) -> pd.DataFrame:
    """The predictions table of one run.

    Args:
        parts: for each part its `(indices (n,), labels (n,), probabilities (n, K))`, in the order of the rows.
            K is the same in all parts.
        seed: of the guesses.
        groups: for each part the group of each row, (n,); None: the data set has none.

    Raises:
        ValueError: there is no part, or the arrays of a part do not fit together.
    """
    import pandas as pd

    if not parts:
        raise ValueError("A predictions table needs at least one part. Received: none")
    classes = {values[2].shape[-1] for values in parts.values()}
    for part, (indices, labels, probabilities) in parts.items():
        rows = len(probabilities)
        if groups is not None and groups[part].shape != (rows,):
            raise ValueError(f"Groups must be ({rows},) for '{part}'. Received: {groups[part].shape}")
        if probabilities.ndim != 2 or indices.shape != (rows,) or labels.shape != (rows,) or len(classes) > 1:
            raise ValueError(
                "Every part needs indices (n,), labels (n,) and probabilities (n, K) with the same K. "
                f"Received for '{part}': {indices.shape}, {labels.shape}, {probabilities.shape}; K: {sorted(classes)}"
            )
    indices, labels, probabilities = (np.concatenate(arrays) for arrays in zip(*parts.values(), strict=True))
    silent, count = ~np.isfinite(probabilities).all(axis=1), probabilities.shape[1]
    probabilities[silent] = 1 / count
    names = np.repeat(np.array(list(parts), dtype=object), [len(values[0]) for values in parts.values()])
    predictions = probabilities.argmax(axis=1)
    predictions[silent] = np.random.default_rng(seed).integers(count, size=np.count_nonzero(silent))
    columns = {"part": pd.Series(names, dtype=str)}
    for name, values in zip(_DTYPES, (indices, labels, predictions), strict=True):
        columns[name] = pd.Series(values.astype(_DTYPES[name]))
    values = probabilities.astype(_PROBABILITY)
    table = pd.DataFrame(columns | {f"p{i}": values[:, i] for i in range(values.shape[1])})
    if groups is not None:
        table[GROUP] = np.concatenate([groups[part] for part in parts]).astype(np.int64)
    return table


def part_of(table: pd.DataFrame, part: str) -> pd.DataFrame:
    """The rows of one part.

    Raises:
        EyechartError: the table has no such rows.
    """
    rows = table[table["part"] == part]
    if rows.empty:
        known = ", ".join(f"'{name}'" for name in table["part"].unique())
        raise EyechartError(f"The predictions table has no rows of the part '{part}', only of: {known or 'none'}.")
    return rows


def class_count(table: pd.DataFrame) -> int:
    """K, the number of classes: also those that no image of the table has."""
    return sum(_class_of(name) is not None for name in table.columns)


def probabilities(table: pd.DataFrame) -> NDArray[np.float32]:
    """The probability of every class for every row: float32 (n, K)."""
    names = [f"p{i}" for i in range(class_count(table))]
    return table[names].to_numpy(dtype=_PROBABILITY)


def write(table: pd.DataFrame, path: Path) -> None:
    """Write `table` to `path` as Parquet, whole or not at all."""
    with replacing(path) as temporary:
        table.to_parquet(temporary, engine="pyarrow", index=False)


def read(path: Path) -> pd.DataFrame:
    """Read the table that `write` wrote.

    Raises:
        EyechartError: there is no such file, it is not Parquet, or it is not a predictions table.
    """
    import pandas as pd
    import pyarrow

    try:
        table = pd.read_parquet(path, engine="pyarrow")
    except FileNotFoundError:
        raise EyechartError(f"there is no {path}: {TO_HAVE_AGAIN}") from None
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise EyechartError(f"{path} is not a readable Parquet file ({reason}): {TO_HAVE_AGAIN}") from None
    if wrong := _what_is_wrong(table):
        raise EyechartError(f"{path} is not a predictions table ({wrong}): {TO_HAVE_AGAIN}")
    return table


def _what_is_wrong(table: pd.DataFrame) -> str:
    """What `table` lacks, in words; empty if nothing."""
    numbers = [number for name in table.columns if (number := _class_of(name)) is not None]
    # two classes are the fewest there can be, and there may be no gap below the highest
    expected = _DTYPES | {f"p{i}": _PROBABILITY for i in range(max([1, *numbers]) + 1)}
    missing = [name for name in ("part", *expected) if name not in table.columns]
    if missing:
        more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
        return f"missing columns {', '.join(missing[:8])}{more}"
    if GROUP in table:
        expected |= {GROUP: np.dtype("int64")}
    for name, dtype in expected.items():
        if table[name].dtype != dtype:
            return f"expected {dtype} in column '{name}', received {table[name].dtype}"
    classes = table[["label", "prediction"]].to_numpy()
    highest = class_count(table) - 1
    if classes.size and (classes.min() < 0 or classes.max() > highest):
        return f"expected classes 0 to {highest}, received {classes.min()} to {classes.max()}"
    return ""


def _class_of(column: object) -> int | None:
    """The class whose probability a column holds: 3 for `p3`, None for any other column."""
    name = str(column)
    return int(name[1:]) if name[:1] == "p" and name[1:].isdecimal() and name[1:].isascii() else None
