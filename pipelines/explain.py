"""Draw what a network looks at: filters, feature maps of test images, and what fixed filters do.

python pipelines/explain.py                              the run that finished last
python pipelines/explain.py run=<run key> images=10      any finished run, feature maps of ten images
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from omegaconf import DictConfig

from eyechart.cli import command
from eyechart.schema import at_least, typed
from eyechart.tracking.config import TrackingConfig, with_environment


@dataclass
class ExplainConfig:
    """Which run, where to, and the feature maps of how many images."""

    run: str | None = None
    to: str = "results/explain"
    images: int = 5
    tracking: TrackingConfig = field(default_factory=TrackingConfig)


@command("explain")
def main(config: DictConfig) -> None:
    """Draw the pictures, log them to the run, and say where they are."""
    settings = typed(ExplainConfig, config)
    at_least("images", settings.images, 1)
    settings.tracking.check()
    tracking, notices = with_environment(settings.tracking)
    for notice in notices:
        print(f"notice: {notice}", file=sys.stderr)
    from eyechart import paths
    from eyechart.explanation import explain
    from eyechart.tracking import Courier

    courier = Courier(tracking)
    try:
        made = explain(settings.run, paths.workspace() / settings.to, settings.images, courier)
    finally:
        courier.close()
    if made.note:
        print(f"notice: {made.note}", file=sys.stderr)
    logged = f"{len(made.logged)} new to run {made.run_key}" if made.logged else f"run {made.run_key} has them already"
    print(f"{', '.join(made.pictures)} ({logged}): {made.folder}")


if __name__ == "__main__":
    main()
