"""Scan an image larger than the training images: what a network sees at every place of it, drawn and as numbers.

python pipelines/scan.py                                     test images on a canvas, by the run that finished last
python pipelines/scan.py run=<run key> image=page.png        an image of yours, by any finished run
python pipelines/scan.py run=champion image=page.png         by the champion
python pipelines/scan.py 'places=[[0,0],[50,150]]' size=300  test images at these first rows and columns
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig

from eyechart.core.cli import command, typed_keys
from eyechart.core.errors import ConfigError
from eyechart.core.schema import at_least, one_of, typed
from eyechart.tracking.config import TrackingConfig, in_force

CANVAS = ("size", "digits", "seed", "places", "background")  # what says nothing of an image of a person's own


@dataclass
class ScanConfig:
    """Which run, which image or canvas, how, and where to."""

    run: str | None
    name: str | None
    image: str | None
    invert: bool
    size: int
    digits: int
    seed: int
    places: list[Any] | None
    background: bool
    method: str
    to: str
    verify: bool
    tracking: TrackingConfig


@command("scan", texts=("run", "name", "image", "to"))
def main(config: DictConfig) -> None:
    """Scan, and say where what came of it is."""
    settings = typed(ScanConfig, config)
    for key, least in (("size", 1), ("digits", 1), ("seed", 0)):
        at_least(key, getattr(settings, key), least)
    tracking = in_force(settings.tracking)
    from pathlib import Path

    from eyechart.core import paths
    from eyechart.data import verify_all
    from eyechart.inference.network import open_network
    from eyechart.inference.scan import METHODS, Photograph, scan
    from eyechart.inference.scanning.canvas import Composition
    from eyechart.tracking.store import Store

    one_of("method", settings.method, METHODS)
    said = typed_keys()
    if settings.image is None and settings.invert and "invert" in said:
        raise ConfigError("invert=true is for an image of yours: type image=FILE as well")
    for key in CANVAS:
        if settings.image is not None and key in said:
            raise ConfigError(f"{key}= is for a canvas: type it without image=, or image= without it")
    source = (
        Composition(settings.size, settings.digits, settings.seed, _pairs(settings.places), settings.background)
        if settings.image is None
        else Photograph(Path(settings.image).expanduser(), settings.invert)
    )
    to = paths.named("to", settings.to)
    verify_all(settings.verify)
    store = Store(tracking.uri) if tracking.delivers else None
    with open_network(settings.run, settings.name, store) as network:
        made = scan(network, source, to, settings.method)
    shapes = ["×".join(map(str, pair)) for pair in (made.geometry.window, made.geometry.stride, made.coarse, made.full)]
    print(made.title)
    strides = "" if made.geometry.stride == (1, 1) else f"{shapes[2]} at strides of {shapes[1]}, "
    print(f"windows of {shapes[0]} pixels: {strides}{shapes[3]} at every pixel")
    for score in made.scores:
        precision = "" if score.precision is None else f", precision {score.precision:.2f}"
        distance = "" if score.distance is None else f", centres {score.distance:.1f} pixels off"
        print(
            f"probability {score.threshold:.2f} or more: {score.detected} detected, {score.right} of {score.known} "
            f"right{precision}, recall {score.recall:.2f}{distance}"
        )
    print(f"{', '.join(made.written)}: {made.folder}")


def _pairs(places: list[Any] | None) -> tuple[tuple[int, int], ...] | None:
    """The places as pairs, or ConfigError."""
    if places is None:
        return None
    if not places or not all(
        isinstance(place, list) and [type(number) for number in place] == [int, int] for place in places
    ):
        raise ConfigError(f"places must be a list of [row,column], received {places}: type 'places=[[0,0],[50,150]]'")
    return tuple((place[0], place[1]) for place in places)
