"""Where a run stands after an epoch, on disk: a file per epoch, written whole, of which the newest two are kept."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from eyechart.files import replacing
from eyechart.training.backend import Engine
from eyechart.training.member import Member
from eyechart.training.records import Consumer, Record

PATTERN = "checkpoint-*.npz"
DAMAGED = (BadZipFile, ValueError, EOFError, OSError)  # what NumPy raises for a file that was not written whole
KEPT = 2  # a disk may lose what was written last; the one before is then a safe place to go on from


class Checkpoint:
    """Writes the state of a member and of its other consumers after each epoch; must come after those consumers.

    Args:
        folder: of the run; the files, `.npz` of plain arrays, are named by their epoch.
        consumers: whose state is kept beside the member's.
    """

    def __init__(self, folder: Path, consumers: list[Consumer]):
        self.folder, self._consumers = folder, consumers

    def __call__(self, record: Record, member: Member) -> bool:  # noqa: D102
        ended = any(getattr(consumer, "exhausted", False) for consumer in self._consumers)
        arrays: dict[str, Any] = {"epoch": record.epoch, "ended": ended}
        arrays |= {f"engine/{name}": array for name, array in member.state().items()}
        for i, consumer in enumerate(self._consumers):
            arrays |= {f"consumer/{i}/{name}": value for name, value in consumer.state().items()}
        with replacing(self.folder / f"checkpoint-{record.epoch:06d}.npz") as temporary:
            np.savez(temporary, **arrays)
        for path in self._newest_first()[KEPT:]:
            path.unlink()
        return False

    def read(self, latest: float = math.inf) -> dict[str, Any] | None:
        """The newest whole checkpoint, of the epoch `latest` or one before it; None if there is none."""
        for path in self._newest_first():
            if _epoch(path) > latest:
                continue
            try:
                with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                    return {name: file[name] for name in file.files}
            except DAMAGED:
                print(f"warning: {path} is damaged: going on from before it", file=sys.stderr)
                path.unlink()  # or it would be taken for a newer one than those that are written next
        return None

    def put_back(self, arrays: dict[str, Any]) -> dict[str, np.ndarray]:
        """Put back the state of the other consumers; returns the member's."""
        for i, consumer in enumerate(self._consumers):
            consumer.restore(_below(f"consumer/{i}/", arrays))
        return _below("engine/", arrays)

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob(PATTERN), reverse=True)

    def state(self) -> dict[str, Any]:  # noqa: D102
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: D102
        pass


def go_on(checkpoints: Sequence[Checkpoint], engine: Engine) -> int:
    """Put the members of an engine and their consumers back to where they stood after the same epoch, and return it.

    That is the last one of which all have a whole checkpoint. Of a member that has ended its training before the
    others, the last one that it has counts. Where there is none of which all have one, all begin anew: 0.
    """
    found = [checkpoint.read() for checkpoint in checkpoints]
    while len(epochs := {_epoch_in(arrays) for arrays in found if not _ended(arrays)}) > 1:
        found = [
            arrays if _ended(arrays) else checkpoint.read(min(epochs))
            for checkpoint, arrays in zip(checkpoints, found, strict=True)
        ]
    if any(arrays is None for arrays in found):
        return 0
    states = [checkpoint.put_back(arrays) for checkpoint, arrays in zip(checkpoints, found, strict=True) if arrays]
    engine.restore(states)
    return max(map(_epoch_in, found))


def epochs_done(folder: Path) -> int:
    """The epoch of the newest checkpoint of a run, from its name alone; 0 if there is none."""
    return max(map(_epoch, folder.glob(PATTERN)), default=0)


def has_ended(folder: Path) -> bool:
    """Whether a run, as its newest checkpoint says, stopped early; False if there is none, or it is damaged."""
    newest = max(folder.glob(PATTERN), default=None)
    with suppress(*DAMAGED):
        if newest is not None:
            with newest.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                return _ended(file)
    return False


def remove_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of a run that is finished."""
    for path in folder.glob(PATTERN):
        path.unlink()


def _epoch(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _epoch_in(arrays: dict[str, Any] | None) -> int:
    return 0 if arrays is None else int(arrays["epoch"])


def _ended(arrays: Mapping[str, Any] | None) -> bool:
    return arrays is not None and bool(arrays.get("ended", False))


def _below(prefix: str, arrays: dict[str, Any]) -> dict[str, Any]:
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
