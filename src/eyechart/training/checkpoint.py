"""Where a run stands after an epoch, on disk: a file per epoch, written whole, of which the newest two are kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from eyechart.files import replacing
from eyechart.training.backend import Engine
from eyechart.training.records import Consumer, Record

PATTERN = "checkpoint-*.npz"
KEPT = 2  # a disk may lose what was written last; the one before is then a safe place to go on from


class Checkpoint:
    """Writes the state of the engine and of the other consumers after each epoch; must come after those consumers.

    Args:
        folder: of the run; the files, `.npz` of plain arrays, are named by their epoch.
        consumers: whose state is kept beside the engine's.
    """

    def __init__(self, folder: Path, consumers: list[Consumer]):
        self.folder, self._consumers = folder, consumers

    def __call__(self, record: Record, engine: Engine) -> bool:  # noqa: D102
        arrays: dict[str, Any] = {"epoch": record.epoch}
        (state,) = engine.state()
        arrays |= {f"engine/{name}": array for name, array in state.items()}
        for i, consumer in enumerate(self._consumers):
            arrays |= {f"consumer/{i}/{name}": value for name, value in consumer.state().items()}
        with replacing(self.folder / f"checkpoint-{record.epoch:06d}.npz") as temporary:
            np.savez(temporary, **arrays)
        for path in self._newest_first()[KEPT:]:
            path.unlink()
        return False

    def load(self, engine: Engine) -> int:
        """Put everything back and return the epoch that was finished last; 0 if there is no whole checkpoint."""
        for path in self._newest_first():
            try:
                with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                    arrays = {name: file[name] for name in file.files}
            except (BadZipFile, ValueError, EOFError, OSError):
                print(f"warning: {path} is damaged: going on from before it", file=sys.stderr)
                path.unlink()  # or it would be taken for a newer one than those that are written next
                continue
            engine.restore([_below("engine/", arrays)])
            for i, consumer in enumerate(self._consumers):
                consumer.restore(_below(f"consumer/{i}/", arrays))
            return int(arrays["epoch"])
        return 0

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob(PATTERN), reverse=True)

    def state(self) -> dict[str, Any]:  # noqa: D102
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: D102
        pass


def epochs_done(folder: Path) -> int:
    """The epoch of the newest checkpoint of a run, from its name alone; 0 if there is none."""
    return max((int(path.stem.rpartition("-")[2]) for path in folder.glob(PATTERN)), default=0)


def remove_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of a run that is finished."""
    for path in folder.glob(PATTERN):
        path.unlink()


def _below(prefix: str, arrays: dict[str, Any]) -> dict[str, Any]:
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
