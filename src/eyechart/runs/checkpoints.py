"""The checkpoints of a run on disk: a file per epoch, `.npz` of plain arrays, of which the newest two are kept."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from eyechart.core.files import replacing

PATTERN = "checkpoint-*.npz"
DAMAGED = (BadZipFile, ValueError, EOFError, OSError)  # what NumPy raises for a file that was not written whole

KEPT = 2  # a disk may lose what was written last; the one before is then a safe place to go on from


def write_checkpoint(folder: Path, epoch: int, arrays: Mapping[str, Any]) -> None:
    """Write the checkpoint of an epoch, whole or not at all, and delete those that are older than the one before it."""
    with replacing(folder / f"checkpoint-{epoch:06d}.npz") as temporary:
        np.savez(temporary, **arrays)
    for path in _newest_first(folder)[KEPT:]:
        path.unlink()


def read_checkpoint(folder: Path, latest: float = math.inf) -> dict[str, Any] | None:
    """The newest whole checkpoint, of the epoch `latest` or one before it; None if there is none."""
    for path in _newest_first(folder):
        if _epoch(path) > latest:
            continue
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except DAMAGED:
            print(f"warning: {path} is damaged: going on from before it", file=sys.stderr)
            path.unlink()  # or it would be taken for a newer one than those that are written next
    return None


def epochs_done(folder: Path) -> int:
    """The epoch of the newest checkpoint of a run, from its name alone; 0 if there is none."""
    return max(map(_epoch, folder.glob(PATTERN)), default=0)


def has_ended(folder: Path) -> bool:
    """Whether a run, as its newest checkpoint says, stopped early; False if there is none, or it is damaged."""
    newest = max(folder.glob(PATTERN), default=None)
    with suppress(*DAMAGED):
        if newest is not None:
            with newest.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                return ended_in(file)
    return False


def remove_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of a run that is finished."""
    for path in folder.glob(PATTERN):
        path.unlink()


def ended_in(arrays: Mapping[str, Any] | None) -> bool:
    """Whether a checkpoint, as `read_checkpoint` gives it, is of a run that was to stop there."""
    return arrays is not None and bool(arrays.get("ended", False))


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob(PATTERN), reverse=True)


def _epoch(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])
