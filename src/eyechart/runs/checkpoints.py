"""The checkpoints of a run on disk: a file per epoch, `.npz` of plain arrays, of which the newest two are kept."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from eyechart.core.files import replacing

NAMES = "names"  # the entry with the names of all others; the first, since damage can hide what comes behind it

KEPT = 2  # a disk may lose what was written last; the one before is then a safe place to go on from


def write_checkpoint(folder: Path, epoch: int, arrays: Mapping[str, Any]) -> None:
    """Write the checkpoint of an epoch, whole or not at all, and delete those that are older than the one before it."""
    entries: dict[str, Any] = {NAMES: list(arrays), **arrays}
    with replacing(folder / f"checkpoint-{epoch:06d}.npz") as temporary:
        np.savez(temporary, **entries)
    for path in _newest_first(folder)[KEPT:]:
        path.unlink()


def read_checkpoint(
    folder: Path, latest: float = math.inf, check: Callable[[dict[str, Any]], None] = lambda arrays: None
) -> dict[str, Any] | None:
    """Read the newest checkpoint that can be used; those that cannot are named on stderr and deleted.

    Args:
        folder: of the run.
        latest: the last epoch that is asked for.
        check: raises any exception for arrays that cannot be used.

    Returns:
        The arrays by their names; None if there is no such checkpoint.
    """
    for path in _newest_first(folder):
        if _epoch(path) > latest:
            continue
        try:
            arrays = _read(path)
            check(arrays)
        except MemoryError:  # this says nothing about the file
            raise
        except Exception as error:  # a broken archive raises whatever the code raises that first meets the damage
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            print(f"warning: {path} is damaged ({reason}): going on from before it", file=sys.stderr)
            path.unlink()  # or it would be taken for a newer one than those that are written next
        else:
            return arrays
    return None


def epochs_done(folder: Path) -> int:
    """The epoch of the newest checkpoint of a run, from its name alone; 0 if there is none."""
    return max(map(_epoch, _newest_first(folder)), default=0)


def has_ended(folder: Path) -> bool:
    """Whether a run, as its newest checkpoint says, stopped early; False if there is none, or it is damaged."""
    for newest in _newest_first(folder)[:1]:
        with suppress(Exception), newest.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return ended_in(file)
    return False


def remove_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of a run that is finished."""
    for path in _newest_first(folder):
        path.unlink()


def ended_in(arrays: Mapping[str, Any] | None) -> bool:
    """Whether a checkpoint, as `read_checkpoint` gives it, is of a run that was to stop there."""
    return arrays is not None and bool(arrays.get("ended", False))


def _read(path: Path) -> dict[str, Any]:
    """The arrays of a checkpoint by their names; any exception where they are not all there, byte for byte."""
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        # an array whose header is damaged may end before its entry does, and only the end of that is checked in reading
        if damaged := file.zip.testzip():
            raise BadZipFile(f"the entry {damaged} has another checksum")
        arrays = {name: file[name] for name in file.files}
    names = arrays.pop(NAMES, None)
    if names is not None and set(names.tolist()) != set(arrays):  # earlier versions wrote no names
        raise ValueError("not all of its entries are there")
    if int(arrays["epoch"]) != _epoch(path):
        raise ValueError(f"it is of epoch {arrays['epoch']}")
    return arrays


def _newest_first(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("checkpoint-*.npz") if path.stem.rpartition("-")[2].isdecimal()]
    return sorted(found, key=_epoch, reverse=True)


def _epoch(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])
