"""Print the leaderboard: one board per data set, best first.

python pipelines/compare.py                 every finished run
python pipelines/compare.py sweep=last      the newest sweep, and write the board to its MLflow run
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig

from eyechart.cli import command
from eyechart.schema import typed
from eyechart.tracking.config import TrackingConfig, with_environment


@dataclass
class CompareConfig:
    """What to compare: the runs of one sweep, of one MLflow experiment, or all; and a picture of the boards."""

    sweep: str | None = None
    experiment_name: str | None = None
    picture: str | None = None
    tracking: TrackingConfig = field(default_factory=TrackingConfig)


@command("compare")
def main(config: DictConfig) -> None:
    """Read the journals, print the boards."""
    settings = typed(CompareConfig, config)
    settings.tracking.check()
    tracking, notices = with_environment(settings.tracking)
    for notice in notices:
        print(f"notice: {notice}", file=sys.stderr)
    from eyechart.comparison import leaderboard
    from eyechart.errors import EyechartError
    from eyechart.sweep import find_sweep, publish

    results = leaderboard.load_results(settings.sweep, settings.experiment_name)
    if results.empty:
        where = f" in the MLflow experiment '{settings.experiment_name}'" if settings.experiment_name else ""
        raise EyechartError(f"there is no finished run{where} to compare: type python pipelines/train.py")
    leaderboard.print_boards(results, Path(settings.picture) if settings.picture else None)
    if settings.sweep is not None:
        folder = find_sweep(settings.sweep)
        publish(folder, leaderboard.write(folder, list(results["run_key"])), tracking)
        print(f"written to {folder}/leaderboard.csv and .md, and to the sweep's MLflow run")


if __name__ == "__main__":
    main()
