"""The callback that keeps where a run stands after each epoch, and the way back from there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eyechart.runs.checkpoints import ended_in, read_checkpoint, write_checkpoint
from eyechart.training.backend.engine import Engine
from eyechart.training.callback import Callback, EpochRecord
from eyechart.training.member import Member, weights_in


class Checkpoint:
    """Writes the state of a member and of its other callbacks after each epoch; must come after those callbacks.

    Args:
        folder: of the run; the files, `.npz` of plain arrays, are named by their epoch.
        callbacks: whose state is kept beside the member's.
    """

    def __init__(self, folder: Path, callbacks: list[Callback]):
        self.folder, self._callbacks = folder, callbacks

    def __call__(self, record: EpochRecord, member: Member) -> bool:  # noqa: D102
        ended = any(getattr(callback, "exhausted", False) for callback in self._callbacks)
        arrays: dict[str, Any] = {"epoch": record.epoch, "ended": ended}
        arrays |= {f"engine/{name}": array for name, array in member.state().items()}
        for i, callback in enumerate(self._callbacks):
            arrays |= {f"consumer/{i}/{name}": value for name, value in callback.state().items()}
        write_checkpoint(self.folder, record.epoch, arrays)
        return False

    def read(self, like: Mapping[str, Any], latest: float = math.inf) -> dict[str, Any] | None:
        """The newest checkpoint from which training can go on, of the epoch `latest` or one before it; None if none is.

        Args:
            like: the member's state as it is now: that in the checkpoint must have its names, shapes and kinds.
            latest: the last epoch that is asked for.
        """
        return read_checkpoint(self.folder, latest, lambda arrays: self._check(arrays, like))

    def put_back(self, arrays: dict[str, Any]) -> dict[str, np.ndarray]:
        """Put back the state of the other callbacks; returns the member's."""
        for i, callback in enumerate(self._callbacks):
            callback.restore(_below(f"consumer/{i}/", arrays))
        return _below("engine/", arrays)

    def _check(self, arrays: dict[str, Any], like: Mapping[str, Any]) -> None:
        """Raise any exception for arrays that could not be put back; nothing changes."""
        ended_in(arrays)
        if _forms(_below("engine/", arrays)) != _forms(like):
            raise ValueError("its arrays are not those of this network and optimizer")
        before = [callback.state() for callback in self._callbacks]
        try:
            self.put_back(arrays)
            for callback in self._callbacks:
                best = getattr(callback, "weights", {})
                if best and _forms(best) != _forms(weights_in(dict(like))):
                    raise ValueError("its best weights are not those of this network")
        finally:
            for callback, state in zip(self._callbacks, before, strict=True):
                callback.restore(state)

    def state(self) -> dict[str, Any]:  # noqa: D102
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: D102
        pass


def resume(checkpoints: Sequence[Checkpoint], engine: Engine) -> int:
    """Put the members of an engine and their callbacks back to where they stood after the same epoch, and return it.

    That is the last one of which all have a checkpoint that can be used. Of a member that has ended its training
    before the others, the last one that it has counts. Where there is none of which all have one, all begin anew: 0.
    """
    members = list(zip(checkpoints, engine.state(), strict=True))
    found = [checkpoint.read(like) for checkpoint, like in members]
    while len(epochs := {_epoch_in(arrays) for arrays in found if not ended_in(arrays)}) > 1:
        found = [
            arrays if ended_in(arrays) else checkpoint.read(like, min(epochs))
            for (checkpoint, like), arrays in zip(members, found, strict=True)
        ]
    if any(arrays is None for arrays in found):
        return 0
    states = [checkpoint.put_back(arrays) for checkpoint, arrays in zip(checkpoints, found, strict=True) if arrays]
    engine.restore(states)
    return max(map(_epoch_in, found))


def _epoch_in(arrays: dict[str, Any] | None) -> int:
    return 0 if arrays is None else int(arrays["epoch"])


def _forms(state: Mapping[str, Any]) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and kind (float, integer, ...) of each array, by its name."""
    return {name: (np.shape(array), np.asarray(array).dtype.kind) for name, array in state.items()}


def _below(prefix: str, arrays: dict[str, Any]) -> dict[str, Any]:
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
