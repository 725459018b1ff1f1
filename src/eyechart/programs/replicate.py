"""Repeat the results of the course documents: train every experiment that has a reference, and compare with it.

python pipelines/replicate.py                       all, with as many epochs as the references were measured after
python pipelines/replicate.py epochs=2              a quick look
"""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import DictConfig

from eyechart.core.cli import command
from eyechart.core.schema import typed
from eyechart.tracking.config import TrackingConfig


@dataclass
class ReplicateConfig:
    """Which experiments, how long, on what, and where they are recorded."""

    experiments: list[str] | None
    epochs: int | None
    backend: str
    seed: int
    verify: bool
    tracking: TrackingConfig


@command("replicate")
def main(config: DictConfig) -> None:
    """Train what is left of it as one sweep, and print reference against measured."""
    settings = typed(ReplicateConfig, config)
    settings.tracking.check()
    from eyechart.core import paths
    from eyechart.sweeps.replicate import replicate

    replicate(
        paths.conf() / "experiment",
        names=settings.experiments,
        epochs=settings.epochs,
        overrides=[
            f"backend={settings.backend}",
            f"seed={settings.seed}",
            f"verify={str(settings.verify).lower()}",
            f"tracking={settings.tracking.mode}",
            f"tracking.experiment_name={settings.tracking.experiment_name}",
            *([f"tracking.uri={settings.tracking.uri}"] if settings.tracking.uri else []),
        ],
    )
