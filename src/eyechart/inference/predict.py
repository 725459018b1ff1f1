"""What a finished run's network takes images for that no data set holds: a table, and a sheet to look at."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyechart.core import terminal
from eyechart.core.cells import cell
from eyechart.core.errors import EyechartError
from eyechart.core.folders import Kind, check_folder, replacing_folder
from eyechart.core.words import counted
from eyechart.data import photographs
from eyechart.inference.network import Network

TABLE, SHEET = "predictions.csv", "contact_sheet.png"
COLUMNS = ("file", "class", "probability")  # and one for each class
ROWS = 20  # so many images are shown on a terminal
PICTURES = 56  # so many are on the sheet: 7 rows of 8
BATCH = 500  # images in memory at a time


def _earlier(folder: Path) -> tuple[str, ...]:
    try:
        with (folder / TABLE).open(encoding="utf-8", newline="") as file:
            return (TABLE, SHEET) if next(csv.reader(file), [])[:3] == [*COLUMNS] else ()
    except (OSError, ValueError, csv.Error):
        return ()


PREDICTIONS = Kind("predict", "to", _earlier)


@dataclass(frozen=True)
class Predicted:
    """What a network takes images for.

    Attributes:
        title: of the network.
        folder: where the table and the sheet lie.
        written: their names.
        files: the images that could be read.
        unreadable: how many others there were.
        probabilities: float32 (images, classes).
        class_names: of these classes.
    """

    title: str
    folder: Path
    written: tuple[str, ...]
    files: tuple[Path, ...]
    unreadable: int
    probabilities: NDArray[np.float32]
    class_names: tuple[str, ...]


def predict(network: Network, images: Sequence[str], to: Path, *, sheet: bool, invert: bool) -> Predicted:
    """Ask a network about images, and write its answers to a folder.

    An image that cannot be read is told of on stderr, and the others go on.

    Args:
        network: as `open_network` gives it.
        images: files, folders and patterns, as `photographs.find_images` takes them.
        to: a folder, replaced whole. Only what an earlier prediction left may lie in it.
        sheet: whether to draw the images with the answers.
        invert: whether dark is made bright, and bright dark, before the network sees an image.

    Raises:
        EyechartError: there is no such image, none can be read, the network cannot, or the folder holds something else.
    """
    check_folder(to, PREDICTIONS)
    files = photographs.find_images(images)
    answers = _predict_files(network, files, invert)
    if not answers.files:
        raise EyechartError(
            f"expected PNG, JPEG or WebP images, received {counted(len(files), 'file')}, and none can be read"
        )
    with replacing_folder(to, PREDICTIONS) as temporary:
        _write_table(temporary / TABLE, answers, network.class_names)
        if sheet:
            _write_sheet(temporary / SHEET, answers, network.class_names, network.title)
        written = tuple(sorted(path.name for path in temporary.iterdir()))
    unreadable = len(files) - len(answers.files)
    return Predicted(network.title, to, written, answers.files, unreadable, answers.probabilities, network.class_names)


def show_predictions(predicted: Predicted) -> None:
    """Print the first answers as a table, and what there is besides."""
    from rich.text import Text

    console, table = terminal.console(), terminal.table()
    table.add_column("file", overflow="fold")
    table.add_column("class", overflow="fold")
    table.add_column("probability", justify="right", no_wrap=True)
    table.add_column("runner-up", overflow="fold")
    for file, row in zip(predicted.files[:ROWS], predicted.probabilities, strict=False):
        first, second = np.argsort(-row, kind="stable")[:2]
        names = printable(predicted.class_names[first]), printable(predicted.class_names[second])
        cells = (printable(str(file)), names[0], f"{row[first]:.4f}", f"{names[1]} ({row[second]:.4f})")
        table.add_row(*map(Text, cells))
    console.print(Text(predicted.title, style="bold"))
    console.print(table, crop=False)
    if len(predicted.files) > ROWS:
        print(f"and {len(predicted.files) - ROWS:,} more in {TABLE}")


def printable(text: str) -> str:
    """`text`, with what a terminal or a file in UTF-8 cannot show written as an escape."""
    return text if text.isprintable() else ascii(text)[1:-1]


@dataclass(frozen=True)
class _Predictions:
    """What a network says of images.

    Attributes:
        files: that could be read.
        probabilities: of each, float32 (images, classes).
        pictures: the first `PICTURES` of them as the network sees them, uint8 (n, height, width, channels).
    """

    files: tuple[Path, ...]
    probabilities: NDArray[np.float32]
    pictures: NDArray[np.uint8]


def _predict_files(network: Network, files: Sequence[Path], invert: bool) -> _Predictions:
    """Ask a network about images; those that cannot be read are told of on stderr."""
    from eyechart.models.loading import load_model
    from eyechart.training.backend.choose import activate, module_of

    device = activate(network.backend, "cpu", "float32")  # reading takes longer, and a training may fill the GPU
    model = load_model(network.file, network.import_own)
    image_shape, classes = model.input_shape[1:], model.output_shape[-1]
    if classes != len(network.class_names):
        raise EyechartError(
            f"expected a network with {len(network.class_names)} classes in {network.file}, received one with "
            f"{classes}: move the run's folder away and train the run anew"
        )
    photographs.check_channels(image_shape[2], "a network that reads images")
    predictor = module_of(network.backend).Predictor(model, device)
    known: list[Path] = []
    probabilities = [np.empty((0, classes), np.float32)]
    pictures = [np.empty((0, *image_shape), np.uint8)]
    for batch, images in _batches(files, image_shape):
        if invert:
            images = 255 - images
        for (answers,) in predictor.predict(images):
            # of a network that answers after each time step, the last answer counts
            probabilities.append(answers if answers.ndim == 2 else answers[:, -1])
        pictures.append(images[: max(0, PICTURES - len(known))])
        known += batch
    return _Predictions(tuple(known), np.concatenate(probabilities), np.concatenate(pictures))


def _batches(
    files: Sequence[Path], image_shape: tuple[int, int, int]
) -> Iterator[tuple[list[Path], NDArray[np.uint8]]]:
    """The images that can be read, `BATCH` at a time, with a bar on a terminal; the others are told of."""
    batch: list[tuple[Path, NDArray[np.uint8]]] = []
    with terminal.bar() as bar:
        watched = bar.track(files, description="reading images")
        for file, image in photographs.read(watched, image_shape[:2], image_shape[2]):
            if isinstance(image, str):
                print(f"cannot read {printable(str(file))}: {image}", file=sys.stderr)
                continue
            batch.append((file, image))
            if len(batch) == BATCH:
                yield [file for file, _ in batch], np.stack([image for _, image in batch])
                batch = []
    if batch:
        yield [file for file, _ in batch], np.stack([image for _, image in batch])


def _write_table(path: Path, answers: _Predictions, class_names: Sequence[str]) -> None:
    """A row per image: its name, the class that it is taken for, the probability of that, and that of each class."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, *map(cell, class_names)])
        for name, row in zip(answers.files, answers.probabilities, strict=True):
            first = int(row.argmax())
            named = cell(printable(str(name))), cell(class_names[first])
            writer.writerow([*named, str(row[first]), *map(str, row)])


def _write_sheet(path: Path, answers: _Predictions, class_names: Sequence[str], title: str) -> None:
    from eyechart import figures

    shown, count = len(answers.pictures), len(answers.files)
    images = f"the first {shown} of {count:,} images" if shown < count else counted(count, "image")
    names = [file.name for file in answers.files[:shown]]
    probabilities = answers.probabilities[:shown]
    figures.save(figures.contact_sheet(answers.pictures, names, probabilities, class_names, f"{title}: {images}"), path)
