"""What a finished run's network looks at: pictures of its filters and feature maps, written and kept with the run."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyechart.core import terminal
from eyechart.core.errors import ConfigError, EyechartError
from eyechart.core.files import replacing
from eyechart.core.folders import Kind, check_folder, replacing_folder
from eyechart.data import Dataset, Slice
from eyechart.inference.network import import_own_code
from eyechart.runs.courier import Courier
from eyechart.runs.files import checksum
from eyechart.runs.journal import Journal, RecordKind
from eyechart.runs.lock import RunLock, owner
from eyechart.runs.run import Run

PICTURE = re.compile(r"(filters|feature_maps_\d+|fixed_filters)\.png")
FILTER_LAYERS = 2  # so many convolutions are shown
MOST_IMAGES = 100


def _earlier(folder: Path) -> list[str]:
    names = [path.name for path in folder.iterdir() if PICTURE.fullmatch(path.name)]
    return names if "fixed_filters.png" in names else []  # which is always drawn


PICTURES = Kind("explain", "to", _earlier)


@dataclass(frozen=True)
class Explanation:
    """What was drawn.

    Attributes:
        run_key: of the run.
        folder: where the pictures lie.
        pictures: their names.
        logged: those among them that the run did not have before.
        note: what cannot be shown of this network, and why; empty if nothing is missing.
    """

    run_key: str
    folder: Path
    pictures: tuple[str, ...]
    logged: tuple[str, ...]
    note: str


def explain(run: Run, to: Path, images: int, courier: Courier) -> Explanation:
    """Draw the pictures of a finished run, write them to a folder, and log to the run those that it does not have.

    A picture is a function of the run and, for `feature_maps_1.png`, `feature_maps_2.png`, ..., of one image: more
    images add pictures and change none. So what was logged once stays.

    Args:
        run: finished.
        to: a folder, replaced whole. Only pictures of an earlier run may lie in it.
        images: of so many images the feature maps are shown; see `sample`.
        courier: brings the journal to MLflow, unless the run was kept from it by `tracking=none`.

    Raises:
        EyechartError: there is no such run, it is not finished or being trained, its files or its data set are gone,
            or the folder holds something else.
        ConfigError: more than `MOST_IMAGES` images.
    """
    if images > MOST_IMAGES:
        raise ConfigError(f"images must be {MOST_IMAGES} or less, received {images}: each has a picture of its own")
    check_folder(to, PICTURES)
    with _locked(run):
        dataset = run.require("run.json", "model.keras").dataset()
        with replacing_folder(to, PICTURES) as temporary:
            note = _draw(temporary, run, dataset, images)
            pictures = tuple(sorted(path.name for path in temporary.iterdir()))
            logged = _log(run, temporary, pictures)
    if not courier.passes_by(run.folder):
        courier.tell(run.folder)
    return Explanation(run.key, to, pictures, logged, note)


def sample(test: Slice, count: int) -> NDArray[np.intp]:
    """The positions of some images of the test part: the first of each class, class by class, then the second, ...

    At most as many as there are; the first of `count + 1` are those of `count`.
    """
    by_class = np.argsort(test.labels, kind="stable")
    labels = test.labels[by_class]
    turn = np.arange(len(labels)) - np.searchsorted(labels, labels)  # how many of its class come before an image
    return by_class[np.lexsort((labels, turn))][:count]


def _locked(run: Run) -> RunLock:
    """Lock the run, or raise EyechartError where another process has it."""
    lock = RunLock.try_to_take(run.folder)
    if lock is None:
        raise EyechartError(
            f"run {run.key} is in the hands of {owner(run.folder)}, which trains or explains it: "
            f"wait until that has ended, then type this again"
        )
    return lock


def _draw(target: Path, run: Run, dataset: Dataset, images: int) -> str:
    """Write the pictures of one run to `target`; what cannot be shown, and why."""
    from eyechart import figures
    from eyechart.models import inspection
    from eyechart.models.loading import load_model
    from eyechart.training.backend.choose import activate

    activate(run.backend, "cpu", "float32")  # for a few images a GPU, which a training may fill, is not worth its start
    model = load_model(run.file("model.keras"), functools.partial(import_own_code, run))
    title = run.title
    test = dataset.split(validation_fraction=0).test
    positions = sample(test, images)
    pictures = test[positions]

    layers: Sequence[inspection.Named] = inspection.convolutions(model)[:FILTER_LAYERS]
    note = ""
    if layers:
        figures.save(figures.filters(layers, f"{title}: filters"), target / "filters.png")
    elif weights := inspection.pixel_weights(model):
        figure = figures.filters([weights], f"{title}: what each unit of the first layer weighs the pixels with")
        figures.save(figure, target / "filters.png")
        note = "no layer of this network makes maps of an image: there are no feature maps to show"
    else:
        note = "this network has neither filters nor dense weights on pixels: there are no filters and maps to show"

    maps = inspection.feature_maps(model, pictures)
    with terminal.bar() as bar:
        for image, position in enumerate(bar.track(positions if maps else (), description="drawing feature maps")):
            figure = figures.feature_maps(
                pictures[image],
                [(name, values[image]) for name, values in maps],
                [f"test image {test.indices[position]}", f"class {dataset.class_names[test.labels[position]]}"],
                f"{title}: feature maps",
            )
            figures.save(figure, target / f"feature_maps_{image + 1}.png")
    figures.save(
        figures.fixed_filters(pictures[0], f"{dataset.name}: what fixed filters do"), target / "fixed_filters.png"
    )
    return note


def _log(run: Run, source: Path, pictures: Sequence[str]) -> tuple[str, ...]:
    """Keep with the run, and say in its journal, the pictures that it does not have yet; their names."""
    said = run.journal.files
    logged = []
    journal = Journal(run.folder)
    try:
        for name in pictures:
            path = f"artifacts/{name}"
            if (RecordKind.IMAGE, path) in said:  # written last: all of the rest is there
                continue
            with replacing(run.folder / path) as temporary:
                temporary.write_bytes((source / name).read_bytes())
            journal.append(RecordKind.ARTIFACT, path=path, files={path: checksum(run.folder / path)})
            journal.append(RecordKind.IMAGE, path=path, key=Path(name).stem)
            logged.append(name)
    finally:
        journal.close()
    return tuple(logged)
