"""Count what networks detect on canvases whose content is known: false alarms, recall, precision, with error bars.

python pipelines/detect.py                                     the run that finished last
python pipelines/detect.py sweep=last background=true          every run of the newest sweep, on the same canvases
"""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import DictConfig

from eyechart.core.cli import command
from eyechart.core.errors import ConfigError
from eyechart.core.schema import at_least, typed
from eyechart.tracking.config import TrackingConfig, in_force


@dataclass
class DetectConfig:
    """Which runs, on which canvases, and where to."""

    run: str | None
    name: str | None
    sweep: str | None
    canvases: int
    size: int
    digits: int
    background: bool
    seed: int
    to: str
    verify: bool
    tracking: TrackingConfig


@command("detect", texts=("run", "name", "sweep", "to"))
def main(config: DictConfig) -> None:
    """Ask every run, print the table, and say where all of it is."""
    settings = typed(DetectConfig, config)
    for key, least in (("canvases", 2), ("size", 1), ("digits", 1), ("seed", 0)):
        at_least(key, getattr(settings, key), least)
    if settings.run is not None and settings.sweep is not None:
        raise ConfigError("run= names one run, sweep= all of a sweep: type one or the other")
    tracking = in_force(settings.tracking)
    from eyechart.comparison.in_mlflow import print_links_to_scans
    from eyechart.core import paths
    from eyechart.data import verify_all
    from eyechart.inference.detection import board
    from eyechart.inference.detection.detect import detect_runs, write_detections
    from eyechart.inference.detection.found import Canvases
    from eyechart.runs.sweep import Sweep
    from eyechart.tracking import MLflowCourier

    canvases = Canvases(settings.canvases, settings.size, settings.digits, settings.seed, settings.background)
    to = paths.named("to", settings.to)
    verify_all(settings.verify)
    with MLflowCourier(tracking) as courier:
        sweep = None if settings.sweep is None else Sweep.find(settings.sweep)
        made = detect_runs(settings.run, settings.name, sweep, canvases, to, courier)
    board.show_board(made, str(canvases))
    print(f"{', '.join(write_detections(made, str(canvases), to))}: {to}")
    print_links_to_scans([one.folder.parent for row in made for one in row.found], tracking)
