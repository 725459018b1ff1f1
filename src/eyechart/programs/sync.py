"""Deliver to MLflow what the journals of runs and sweeps say, and has not been delivered yet.

python pipelines/sync.py                                          of this workspace, to its own tracking store
python pipelines/sync.py to=http://tracking:5000                  to this one
python pipelines/sync.py journals=PATH to=http://tracking:5000    of another machine, whose .eyechart is at PATH

It may be interrupted and typed again, and delivers nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import DictConfig

from eyechart.core.cli import command
from eyechart.core.schema import typed
from eyechart.tracking.config import TrackingConfig, check_address, in_force, refuse_password


@dataclass
class SyncConfig:
    """Whose journals, and where to."""

    journals: str | None
    to: str | None
    tracking: TrackingConfig


@command("sync", texts=("journals", "to"))
def main(config: DictConfig) -> None:
    """Deliver, and say what came of it; exit code 1 if something could not be delivered."""
    settings = typed(SyncConfig, config)
    if settings.to is None:
        tracking = in_force(settings.tracking)
    else:
        check_address("to", settings.to)
        refuse_password("to", settings.to)
        tracking = TrackingConfig("server", settings.to)
    from eyechart.core.errors import EyechartError
    from eyechart.core.passwords import hide_password
    from eyechart.tracking.store import Store
    from eyechart.tracking.sync import state_folder, sync

    if not tracking.delivers:
        raise EyechartError(f"with tracking={tracking.mode} nothing is delivered: type to=ADDRESS, or tracking=local")
    state, store = state_folder(settings.journals), Store(tracking.uri)
    print(f"from {state} to {hide_password(store.uri)}", flush=True)
    done = sync(state, store)
    for line in done.lines():
        print(line)
    if done.undelivered:
        raise EyechartError(
            f"{len(done.undelivered)} of {done.journals} journals could not be delivered in full, as told above: "
            f"put right what is said, and type the same again"
        )
