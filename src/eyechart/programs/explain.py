"""Draw what a network looks at: filters, feature maps of test images, and what fixed filters do.

python pipelines/explain.py                              the run that finished last
python pipelines/explain.py run=<run key> images=10      any finished run, feature maps of ten images
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from omegaconf import DictConfig

from eyechart.core.cli import command
from eyechart.core.schema import at_least, typed
from eyechart.tracking.config import TrackingConfig, in_force


@dataclass
class ExplainConfig:
    """Which run, where to, and the feature maps of how many images."""

    run: str | None
    to: str
    images: int
    verify: bool
    tracking: TrackingConfig


@command("explain", texts=("run", "to"))
def main(config: DictConfig) -> None:
    """Draw the pictures, log them to the run, and say where they are."""
    settings = typed(ExplainConfig, config)
    at_least("images", settings.images, 1)
    tracking = in_force(settings.tracking)
    from eyechart.core import paths
    from eyechart.data import verify_all
    from eyechart.inference.explain import explain
    from eyechart.runs.run import Run
    from eyechart.tracking import MLflowCourier

    to = paths.named("to", settings.to)
    verify_all(settings.verify)
    with MLflowCourier(tracking) as courier:
        made = explain(Run.find(settings.run), to, settings.images, courier)
    if made.note:
        print(f"notice: {made.note}", file=sys.stderr)
    logged = f"{len(made.logged)} new to run {made.run_key}" if made.logged else f"run {made.run_key} has them already"
    print(f"{', '.join(made.pictures)} ({logged}): {made.folder}")
