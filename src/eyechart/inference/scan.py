"""What a finished run's network sees at every place of an image larger than those it was trained on."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.core import terminal
from eyechart.core.cells import cell
from eyechart.core.errors import EyechartError
from eyechart.core.files import write_json
from eyechart.core.folders import Kind, check_folder, replacing_folder
from eyechart.data import Dataset, photographs
from eyechart.inference.network import Network
from eyechart.inference.scanning.canvas import MOST_PIXELS, Canvas, Composition, composed
from eyechart.inference.scanning.detect import THRESHOLDS, Detection, Score, detect, right_ones, score_detections
from eyechart.inference.scanning.maps import Seen, bytes_of, see

if TYPE_CHECKING:
    from eyechart.inference.scanning import Geometry, Scanner

METHODS = ("one_pass", "shift_and_stitch")
PICTURE, STEPS, BOXES = "scan.png", "stitching.png", "detections.png"
FULL, COARSE, ABOUT, PLACES, DETECTIONS = "probabilities.npy", "coarse.npy", "map.json", "places.csv", "detections.csv"
EARLIER = "map.npz"  # of versions that held the whole map in memory
DRAWN = 1000  # rows and columns of a map that is drawn


def _earlier(folder: Path) -> tuple[str, ...]:
    maps = ((folder / ABOUT).is_file() and (folder / FULL).is_file()) or (folder / EARLIER).is_file()
    names = (PICTURE, STEPS, BOXES, FULL, COARSE, ABOUT, PLACES, DETECTIONS, EARLIER)
    return names if maps and (folder / PICTURE).is_file() else ()


SCAN = Kind("scan", "to", _earlier)


@dataclass(frozen=True)
class Photograph:
    """An image of a person's own.

    Attributes:
        file: PNG, JPEG or WebP.
        invert: whether dark is made bright, and bright dark, before the network sees it.
    """

    file: Path
    invert: bool


@dataclass(frozen=True)
class Scanned:
    """What came of a scan.

    Attributes:
        title: of the network.
        geometry: where its answers lie.
        coarse: rows and columns of the answers at every stride.
        full: rows and columns of the answers at every pixel.
        scores: of the detections, at several thresholds; empty where nothing is known of the image.
        folder: where the files lie.
        written: their names.
    """

    title: str
    geometry: Geometry
    coarse: tuple[int, int]
    full: tuple[int, int]
    scores: tuple[Score, ...]
    folder: Path
    written: tuple[str, ...]


def scan(network: Network, source: Photograph | Composition, to: Path, method: str) -> Scanned:
    """Scan an image with a trained network, and write what it sees to a folder.

    In memory are the image, of each window the most probable class and its probability, and the maps of one tile.

    Args:
        network: as `open_network` gives it.
        source: the image.
        to: a folder, replaced whole. Only what an earlier scan left may lie in it.
        method: one of `METHODS`, for the map of every pixel.

    Raises:
        EyechartError: the network cannot scan, the image cannot be read or composed or is too small or too large, the
            folder holds something else, or its disk has no room.
    """
    check_folder(to, SCAN)
    canvas = composed(_dataset(network), source) if isinstance(source, Composition) else None
    scanner = scanner_of(network)
    image = canvas.image if canvas else photograph(source, scanner.channels)  # type: ignore[arg-type]
    window, names = scanner.geometry.window, network.class_names
    with replacing_folder(to, SCAN) as temporary:
        coarse, full = _maps(scanner, image, method, temporary)
        about = {"window": window, "stride": scanner.geometry.stride, "class_names": names}
        write_json(temporary / ABOUT, about)
        detections = detect(full.probabilities, full.classes, window, network.background)
        if canvas:
            _write_places(temporary / PLACES, canvas, names)
        _write_detections(temporary / DETECTIONS, detections, window, names)
        _draw(temporary, image, coarse, full, scanner.geometry, names, canvas, network.title)
        draw_detections(temporary / BOXES, image, detections, window, names, canvas, network.title)
        written = tuple(sorted(path.name for path in temporary.iterdir()))
    scores = (
        [score_detections(detections, canvas.labels, canvas.places, window, least) for least in THRESHOLDS]
        if canvas
        else []
    )
    return Scanned(network.title, scanner.geometry, coarse.shape, full.shape, tuple(scores), to, written)


def _dataset(network: Network) -> Dataset:
    """The data set of a network that was trained here, or EyechartError."""
    if network.run is None:
        raise EyechartError(
            f"expected a network that was trained here, whose test images fit on a canvas, received {network.title}, "
            f"which was trained elsewhere: type image=FILE as well"
        )
    return network.run.images()


def _maps(scanner: Scanner, image: NDArray[np.uint8], method: str, folder: Path) -> tuple[Seen, Seen]:
    """The map at every stride and that at every pixel, also as files in a folder. At a stride of 1 they are one."""
    wanted = [(method, "at every pixel", folder / FULL)]
    if scanner.geometry.stride != (1, 1):
        wanted.insert(0, ("coarse", "at strides", folder / COARSE))
    plans = [(scanner.tiles(image, name), scanner.shape(image, name)) for name, _, _ in wanted]
    size, free = sum(bytes_of(shape) for _, shape in plans), shutil.disk_usage(folder).free
    if size > free:
        raise EyechartError(
            f"expected room for maps of {size / 1e9:.1f} GB, received a disk with {free / 1e9:.1f} GB to spare: "
            f"type to= and a folder on another disk"
        )
    seen = []
    with terminal.bar() as bar:
        for (_, where, path), (tiles, shape) in zip(wanted, plans, strict=True):
            seen.append(see(scanner, image, bar.track(tiles, description=f"scanning {where}"), shape, path))
    return seen[0], seen[-1]


def scanner_of(network: Network) -> Scanner:
    """What reads larger images with a network, or EyechartError where it cannot."""
    from eyechart.inference.scanning import Scanner
    from eyechart.models.loading import load_model
    from eyechart.training.backend.choose import activate

    activate(network.backend, "cpu", "float32")  # a training may fill the GPU
    scanner = Scanner(load_model(network.file, network.import_own))
    if scanner.classes != len(network.class_names):
        raise EyechartError(
            f"expected a network with {len(network.class_names)} classes in {network.file}, received one with "
            f"{scanner.classes}: move the run's folder away and train the run anew"
        )
    return scanner


def photograph(source: Photograph, channels: int) -> NDArray[np.uint8]:
    """A person's own image, uint8 (height, width, channels), or EyechartError."""
    photographs.check_channels(channels, "a network that reads images")
    image = photographs.read_whole(source.file, channels)
    if isinstance(image, str):
        raise EyechartError(
            f"expected a PNG, JPEG or WebP image in {source.file}, received what cannot be read ({image}): "
            f"type image= and another file, or leave it out"
        )
    if image.shape[0] * image.shape[1] > MOST_PIXELS:
        raise EyechartError(
            f"expected an image of {MOST_PIXELS // 10**6} million pixels at most, received "
            f"{image.shape[0]}x{image.shape[1]}: shrink it, until what is to be found is about as large as on a "
            f"training image"
        )
    return 255 - image if source.invert else image


def _write_places(path: Path, canvas: Canvas, class_names: Sequence[str]) -> None:
    """A row per small image: its class, first row and first column."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["class", "top", "left"])
        for label, (top, left) in zip(canvas.labels, canvas.places, strict=True):
            writer.writerow([cell(class_names[label]), top, left])


def _write_detections(
    path: Path, detections: Sequence[Detection], window: tuple[int, int], class_names: Sequence[str]
) -> None:
    """A row per detection: its class, the probability of that, and its box."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["class", "probability", "top", "left", "height", "width"])
        for found in detections:
            writer.writerow(
                [cell(class_names[found.label]), f"{found.probability:.6g}", found.top, found.left, *window]
            )


def _draw(
    target: Path,
    image: NDArray[np.uint8],
    coarse: Seen,
    full: Seen,
    geometry: Geometry,
    class_names: Sequence[str],
    canvas: Canvas | None,
    title: str,
) -> None:
    from eyechart import figures
    from eyechart.inference.scanning.frames import coarse_frame, full_frame

    size = image.shape[0], image.shape[1]
    window = "×".join(map(str, geometry.window))
    shown = [("every pixel", full, full_frame)]
    if geometry.stride != (1, 1):
        shown.insert(0, (f"every {_strides(geometry.stride)}", coarse, coarse_frame))
    maps = []
    for name, seen, framed in shown:
        frame = framed(seen, size, geometry, DRAWN)
        name = f"{name}, {'×'.join(map(str, seen.shape))}"
        maps.append(figures.Panel(name, frame.classes, frame.probabilities, frame.cell))
    places = canvas.places if canvas else ()
    heading = f"{title}: what it sees in each window of {window} pixels"
    figures.save(figures.scan(image, maps, class_names, places, geometry.window, heading), target / PICTURE)
    if geometry.stride != (1, 1):
        figures.save(figures.stitching(geometry.stride, geometry.window), target / STEPS)


def draw_detections(
    path: Path,
    image: NDArray[np.uint8],
    detections: Sequence[Detection],
    window: tuple[int, int],
    class_names: Sequence[str],
    canvas: Canvas | None,
    title: str,
) -> None:
    """Draw an image with the boxes of what was detected on it, right or wrong where that is known."""
    from eyechart import figures

    found = right_ones(detections, canvas.labels, canvas.places, window) if canvas else []
    right = {number for numbers in found for number in numbers}
    boxes = [
        figures.Box(each.top, each.left, class_names[each.label], each.probability, number in right if canvas else None)
        for number, each in enumerate(detections)
    ]
    missed = [place for place, numbers in zip(canvas.places, found, strict=True) if not numbers] if canvas else []
    figures.save(figures.detections(image, boxes, missed, window, f"{title}: what it detects"), path)


def _strides(stride: tuple[int, int]) -> str:
    """`4 pixels`, or `2×1 pixels`."""
    return f"{stride[0]} pixels" if stride[0] == stride[1] else f"{stride[0]}×{stride[1]} pixels"
