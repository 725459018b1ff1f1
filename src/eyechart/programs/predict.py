"""Say what a trained network takes images for: a table on the terminal and as CSV, and a sheet of the images.

python pipelines/predict.py images='photos/*.png'              by the run that finished last
python pipelines/predict.py run=champion images=photos         by the champion; all images in the folder and below it
python pipelines/predict.py images=digit.jpg invert=true       written in black on white, where the data set is white on
                                                               black
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig

from eyechart.core.cli import command
from eyechart.core.schema import typed
from eyechart.tracking.config import TrackingConfig, in_force


@dataclass
class PredictConfig:
    """Which images, by which run or champion, where to, and whether they are drawn and inverted."""

    images: Any
    run: str | None
    name: str | None
    to: str
    sheet: bool
    invert: bool
    tracking: TrackingConfig


@command("predict", texts=("images", "run", "name", "to"))
def main(config: DictConfig) -> None:
    """Ask the network, print the table, and say where all of it is."""
    settings = typed(PredictConfig, config)
    tracking = in_force(settings.tracking)
    from eyechart.core import paths
    from eyechart.core.words import counted
    from eyechart.inference.network import open_network
    from eyechart.inference.predict import predict, show_predictions
    from eyechart.tracking.store import Store

    words = settings.images if isinstance(settings.images, list) else [settings.images]
    store = Store(tracking.uri) if tracking.delivers else None
    to = paths.named("to", settings.to)
    with open_network(settings.run, settings.name, store) as network:
        made = predict(network, list(map(str, words)), to, sheet=settings.sheet, invert=settings.invert)
    show_predictions(made)
    if made.unreadable:
        print(
            f"{made.unreadable:,} of {counted(len(made.files) + made.unreadable, 'file')} could not be read",
            file=sys.stderr,
        )
    print(f"{', '.join(made.written)}: {made.folder}")
