"""Scan an image larger than the training images: what a network sees at every place of it, drawn and as numbers.

python pipelines/scan.py                                     test images on a canvas, by the run that finished last
python pipelines/scan.py run=<run key> image=page.png        an image of yours, by any finished run
python pipelines/scan.py 'places=[[0,0],[50,150]]' size=300  test images at these first rows and columns
"""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import DictConfig

from eyechart.cli import command
from eyechart.errors import ConfigError
from eyechart.schema import at_least, one_of, typed


@dataclass
class ScanConfig:
    """Which run, which image or canvas, how, and where to."""

    run: str | None = None
    image: str | None = None
    invert: bool = False
    size: int = 200
    digits: int = 5
    seed: int = 0
    places: list[list[int]] | None = None
    method: str = "one_pass"
    to: str = "results/scan"


@command("scan", texts=("run", "image", "to"))
def main(config: DictConfig) -> None:
    """Scan, and say where what came of it is."""
    settings = typed(ScanConfig, config)
    for key, least in (("size", 1), ("digits", 1), ("seed", 0)):
        at_least(key, getattr(settings, key), least)
    from pathlib import Path

    from eyechart import paths
    from eyechart.scan import METHODS, Composition, Photograph, scan

    one_of("method", settings.method, METHODS)
    if settings.image is None and settings.invert:
        raise ConfigError("invert=true is for an image of yours: type image=FILE as well")
    source = (
        Composition(settings.size, settings.digits, settings.seed, _pairs(settings.places))
        if settings.image is None
        else Photograph(Path(settings.image).expanduser(), settings.invert)
    )
    made = scan(settings.run, source, paths.workspace() / settings.to, settings.method)
    shapes = ["×".join(map(str, pair)) for pair in (made.geometry.window, made.geometry.stride, made.coarse, made.full)]
    print(made.title)
    print(f"windows of {shapes[0]} pixels: {shapes[2]} at strides of {shapes[1]}, {shapes[3]} at every pixel")
    for score in made.scores:
        precision = "" if score.precision is None else f", precision {score.precision:.2f}"
        distance = "" if score.distance is None else f", centres {score.distance:.1f} pixels off"
        print(
            f"probability {score.threshold:.2f} or more: {score.detected} detected, {score.right} of {score.known} "
            f"right{precision}, recall {score.recall:.2f}{distance}"
        )
    print(f"{', '.join(made.written)}: {made.folder}")


def _pairs(places: list[list[int]] | None) -> tuple[tuple[int, int], ...] | None:
    """The places as pairs, or ConfigError."""
    if places is None:
        return None
    if not places or any(len(place) != 2 for place in places):
        raise ConfigError(f"places must be a list of [row,column], received {places}: type 'places=[[0,0],[50,150]]'")
    return tuple((place[0], place[1]) for place in places)


if __name__ == "__main__":
    main()
