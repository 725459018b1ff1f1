"""Where a run stands after an epoch, on disk: one file, replaced whole, so that the newest one is always valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from eyechart.files import replacing
from eyechart.training.backend import Engine
from eyechart.training.records import Consumer, Record


class Checkpoint:
    """Writes the state of the engine and of the other consumers after each epoch; must come after those consumers.

    Args:
        path: an `.npz` file of plain arrays.
        consumers: whose state is kept beside the engine's.
    """

    def __init__(self, path: Path, consumers: list[Consumer]):
        self.path, self._consumers = path, consumers

    def __call__(self, record: Record, engine: Engine) -> bool:  # noqa: D102
        arrays: dict[str, Any] = {"epoch": record.epoch}
        (state,) = engine.state()
        arrays |= {f"engine/{name}": array for name, array in state.items()}
        for i, consumer in enumerate(self._consumers):
            arrays |= {f"consumer/{i}/{name}": value for name, value in consumer.state().items()}
        with replacing(self.path) as temporary:
            np.savez(temporary, **arrays)
        return False

    def load(self, engine: Engine) -> int:
        """Put everything back and return the epoch that was finished last; 0 if there is no checkpoint."""
        try:
            with self.path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except (FileNotFoundError, BadZipFile, ValueError, EOFError):
            return 0
        engine.restore([_below("engine/", arrays)])
        for i, consumer in enumerate(self._consumers):
            consumer.restore(_below(f"consumer/{i}/", arrays))
        return int(arrays["epoch"])

    def state(self) -> dict[str, Any]:  # noqa: D102
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: D102
        pass


def _below(prefix: str, arrays: dict[str, Any]) -> dict[str, Any]:
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
