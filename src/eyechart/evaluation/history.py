"""The tables of numbers by epoch, and by time step, that a run leaves as CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.core.errors import TO_HAVE_AGAIN, EyechartError

if TYPE_CHECKING:
    import pandas as pd


def read_history(path: Path) -> pd.DataFrame:
    """A row per epoch: `epoch`, `train/accuracy`, and whatever else the file holds.

    Raises:
        EyechartError: it cannot be read, or is no such table.
    """
    return read_numbers(path, ("epoch", "train/accuracy"))


def read_numbers(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A CSV file that has rows, and numbers in these columns, of which the first has no gaps.

    Raises:
        EyechartError: it cannot be read, or has not.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:  # what pandas raises on a file that is no table
        reason = " ".join(str(error).split())
    else:
        missing = [name for name in columns if name not in table]
        texts = [name for name in columns if name in table and not pd.api.types.is_numeric_dtype(table[name])]
        reason = f"it has no column '{missing[0]}'" if missing else f"'{texts[0]}' is no number" if texts else ""
        reason = reason or ("it has no rows" if table.empty else "")
        if not reason and table[columns[0]].isna().any():
            reason = f"'{columns[0]}' has gaps"
        if not reason:
            return table
    raise EyechartError(f"{path} is not a readable table ({reason}): {TO_HAVE_AGAIN}")
