"""What a finished run's network sees at every place of an image larger than those it was trained on."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eyechart.data import Dataset, photographs
from eyechart.errors import EyechartError
from eyechart.files import check_replaceable, replacing
from eyechart.recorded import backend_of, dataset_of, finished_run, read_json
from eyechart.scanning.canvas import Canvas, check_places, compose, random_places
from eyechart.scanning.detect import THRESHOLDS, Detection, Score, detect, is_right, score
from eyechart.standing import find_run

if TYPE_CHECKING:
    from eyechart.scanning import Geometry, Scanner

METHODS = ("one_pass", "shift_and_stitch")
PICTURE, STEPS, BOXES = "scan.png", "stitching.png", "detections.png"
MAP, PLACES, DETECTIONS = "map.npz", "places.csv", "detections.csv"
OWN = re.compile("|".join(map(re.escape, (PICTURE, STEPS, BOXES, MAP, PLACES, DETECTIONS))))
MOST_PIXELS = 4_000_000  # of an image: its map of ten classes takes 160 MB


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
class Composition:
    """A canvas with test images of the run's data set.

    Attributes:
        side: of the canvas, in pixels.
        count: how many test images, at random places.
        seed: decides which, and where.
        places: first rows and columns, of so many images; None: random.
    """

    side: int
    count: int
    seed: int
    places: tuple[tuple[int, int], ...] | None


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


def scan(run: str | None, source: Photograph | Composition, to: Path, method: str) -> Scanned:
    """Scan an image with the network of a finished run, and write what it sees to a folder.

    Args:
        run: one of the names of `find_run`.
        source: the image.
        to: a folder, replaced whole. Only what an earlier scan left may lie in it.
        method: one of `METHODS`, for the map of every pixel.

    Raises:
        EyechartError: there is no such run, it is not finished or has lost a file, its network cannot scan, the image
            cannot be read or composed or is too small or too large, or the folder holds something else.
    """
    run_key = find_run(run)
    check_replaceable(to, OWN, "what an earlier scan.py left")
    artifacts = finished_run(run_key, "run.json", "per_class.json", "model.keras").artifacts
    about = read_json(artifacts / "run.json", "title", "dataset")
    class_names = list(map(str, read_json(artifacts / "per_class.json", "class")["class"]))
    canvas: Canvas | None = None
    if isinstance(source, Composition):
        canvas = composed(dataset_of(run_key, about["dataset"]), source)
    scanner = _scanner(artifacts / "model.keras", backend_of(run_key))
    if scanner.classes != len(class_names):
        raise EyechartError(
            f"expected a network with {len(class_names)} classes in run {run_key}, received one with "
            f"{scanner.classes}: move the run's folder away and train the run anew"
        )
    image = canvas.image if canvas else photograph(source, scanner.channels)  # type: ignore[arg-type]
    coarse = scanner.coarse(image)
    full = scanner.one_pass(image) if method == "one_pass" else scanner.shift_and_stitch(image)
    window = scanner.geometry.window
    detections = detect(full, window)
    scores = [score(detections, canvas.labels, canvas.places, window, least) for least in THRESHOLDS] if canvas else []
    with replacing(to) as temporary:
        temporary.mkdir()
        _write_map(temporary / MAP, coarse, full, scanner.geometry, class_names)
        if canvas:
            _write_places(temporary / PLACES, canvas, class_names)
        _write_detections(temporary / DETECTIONS, detections, window, class_names)
        _draw(temporary, image, coarse, full, scanner.geometry, class_names, canvas, about["title"])
        _draw_detections(temporary / BOXES, image, detections, window, class_names, canvas, about["title"])
        written = tuple(sorted(path.name for path in temporary.iterdir()))
    sizes = (coarse.shape[0], coarse.shape[1]), (full.shape[0], full.shape[1])
    return Scanned(f"{about['title']}, run {run_key}", scanner.geometry, *sizes, tuple(scores), to, written)


def composed(dataset: Dataset, wanted: Composition) -> Canvas:
    """A canvas with test images of a data set, which ones being decided by the seed."""
    size = dataset.image_shape[0], dataset.image_shape[1]
    count = wanted.count if wanted.places is None else len(wanted.places)
    test = dataset.split(validation_fraction=0).test
    if wanted.side < max(size) or wanted.side**2 > MOST_PIXELS:
        raise EyechartError(
            f"expected a canvas of {max(size)} pixels, the size of the images of '{dataset.name}', to "
            f"{int(MOST_PIXELS**0.5)}, received size={wanted.side}: type another size="
        )
    if not 1 <= count <= len(test):
        raise EyechartError(
            f"expected 1 to {len(test):,} test images of '{dataset.name}', received {count:,}: type another digits="
        )
    if wanted.places is None:
        places = random_places(wanted.side, size, count, wanted.seed)
    else:
        places = list(wanted.places)
        check_places(places, wanted.side, size)
    # a stream of its own: the same images at given places as at random ones
    chosen = np.random.default_rng([wanted.seed, 1]).choice(len(test), count, replace=False)
    return compose(test[chosen], [int(label) for label in test.labels[chosen]], places, wanted.side)


def _scanner(file: Path, backend: str) -> Scanner:
    from eyechart.models import inspection
    from eyechart.scanning import Scanner
    from eyechart.training.backend import activate

    activate(backend, "cpu", "float32")  # a training may fill the GPU
    return Scanner(inspection.load(file))


def photograph(source: Photograph, channels: int) -> NDArray[np.uint8]:
    """A person's own image, uint8 (height, width, channels), or EyechartError."""
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


def _write_map(
    path: Path,
    coarse: NDArray[np.float32],
    full: NDArray[np.float32],
    geometry: Geometry,
    class_names: Sequence[str],
) -> None:
    """Probabilities at every pixel and at every stride, each with the first rows and columns of the windows."""
    down, across = geometry.stride
    np.savez_compressed(
        path,
        probabilities=full.astype(np.float16),
        rows=np.arange(full.shape[0]),
        columns=np.arange(full.shape[1]),
        coarse=coarse.astype(np.float16),
        coarse_rows=np.arange(coarse.shape[0]) * down,
        coarse_columns=np.arange(coarse.shape[1]) * across,
        window=np.array(geometry.window),
        class_names=np.array(class_names),
    )


def _write_places(path: Path, canvas: Canvas, class_names: Sequence[str]) -> None:
    """A row per small image: its class, first row and first column."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["class", "top", "left"])
        for label, (top, left) in zip(canvas.labels, canvas.places, strict=True):
            writer.writerow([class_names[label], top, left])


def _write_detections(
    path: Path, detections: Sequence[Detection], window: tuple[int, int], class_names: Sequence[str]
) -> None:
    """A row per detection: its class, the probability of that, and its box."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["class", "probability", "top", "left", "height", "width"])
        for found in detections:
            writer.writerow([class_names[found.label], f"{found.probability:.6g}", found.top, found.left, *window])


def _draw(
    target: Path,
    image: NDArray[np.uint8],
    coarse: NDArray[np.float32],
    full: NDArray[np.float32],
    geometry: Geometry,
    class_names: Sequence[str],
    canvas: Canvas | None,
    title: str,
) -> None:
    from eyechart import figures
    from eyechart.scanning.frames import coarse_frame, full_frame

    size = image.shape[0], image.shape[1]
    window = "×".join(map(str, geometry.window))
    shown = [("every pixel", full, full_frame, (1, 1))]
    if geometry.stride != (1, 1):
        shown.insert(0, (f"every {_strides(geometry.stride)}", coarse, coarse_frame, geometry.stride))
    maps = []
    for name, answers, frame, cell in shown:
        classes = frame(answers.argmax(axis=-1), size, geometry)
        probabilities = frame(answers.max(axis=-1), size, geometry)
        name = f"{name}, {answers.shape[0]}×{answers.shape[1]}"
        maps.append(figures.Panel(name, classes, probabilities, cell))
    places = canvas.places if canvas else ()
    heading = f"{title}: what it sees in each window of {window} pixels"
    figures.save(figures.scan(image, maps, class_names, places, geometry.window, heading), target / PICTURE)
    figures.save(figures.stitching(geometry.stride, geometry.window), target / STEPS)


def _draw_detections(
    path: Path,
    image: NDArray[np.uint8],
    detections: Sequence[Detection],
    window: tuple[int, int],
    class_names: Sequence[str],
    canvas: Canvas | None,
    title: str,
) -> None:
    from eyechart import figures

    boxes = []
    for found in detections:
        right = is_right(found, canvas.labels, canvas.places, window) if canvas else None
        boxes.append(figures.Box(found.top, found.left, class_names[found.label], found.probability, right))
    missed = []
    for label, place in zip(canvas.labels, canvas.places, strict=True) if canvas else ():
        if not any(is_right(found, [label], [place], window) for found in detections):
            missed.append(place)
    figures.save(figures.detections(image, boxes, missed, window, f"{title}: what it detects"), path)


def _strides(stride: tuple[int, int]) -> str:
    """`4 pixels`, or `2×1 pixels`."""
    return f"{stride[0]} pixels" if stride[0] == stride[1] else f"{stride[0]}×{stride[1]} pixels"
