"""What a run finds on canvases whose content is known: found once, kept, and told to MLflow as a child of the run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, fields
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart.core import paths
from eyechart.core.cells import cell
from eyechart.core.errors import EyechartError
from eyechart.core.files import replacing
from eyechart.inference.network import of_run
from eyechart.inference.scan import draw_detections, scanner_of
from eyechart.inference.scanning.canvas import Composition, composed
from eyechart.inference.scanning.detect import THRESHOLDS, Score, detect, right_ones, score_detections
from eyechart.inference.scanning.maps import see
from eyechart.runs.courier import Courier
from eyechart.runs.files import BrokenFile, checksums, file_of
from eyechart.runs.journal import Journal, JournalState, RecordKind, RunState
from eyechart.runs.lock import RunLock
from eyechart.runs.replaced import attempt_number
from eyechart.runs.run import Run
from eyechart.runs.tags import SCAN_KEY

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1  # part of every scan key: raise it when the same network on the same canvases no longer finds the same
METHOD = "one_pass"
DETECTIONS, SCORES, PICTURE = "detections.csv", "scores.csv", "detections.png"


class CannotScanError(EyechartError):
    """A run's network is not one that can scan."""


@dataclass(frozen=True)
class Canvases:
    """Canvases that runs are asked about.

    Attributes:
        canvases: how many.
        size: height and width of each, in pixels.
        digits: so many test images lie on each.
        seed: of the first; the next have the next numbers.
        background: whether they lie over photographs, which no data set is trained on.
    """

    canvases: int
    size: int
    digits: int
    seed: int
    background: bool

    def __str__(self) -> str:
        """`20 canvases of 200x200 with 5 images, over photographs, from seed 7 on`."""
        over = ", over photographs" if self.background else ""
        seed = f", from seed {self.seed} on" if self.seed else ""
        return f"{self.canvases} canvases of {self.size}x{self.size} with {self.digits} images{over}{seed}"


@dataclass(frozen=True)
class Found:
    """What a run finds on canvases.

    Attributes:
        run: it.
        scores: a row per canvas and threshold: `canvas`, and the fields of `Score`.
        folder: with the scores, the detections and a picture of the first canvas.
    """

    run: Run
    scores: pd.DataFrame
    folder: Path


def detect_run(run: Run, canvases: Canvases, courier: Courier, advance: Callable[[], None]) -> Found:
    """What a finished run finds. What was found before is read from its folder.

    Args:
        run: finished.
        canvases: that it is asked about.
        courier: brings what is found to MLflow, unless the run was kept from it by `tracking=none`.
        advance: called after each canvas.

    Raises:
        CannotScanError: its network cannot.
        EyechartError: the run has lost a file, its data set is gone, or the canvases cannot be composed.
    """
    import pandas as pd

    folder = paths.scans() / _key(run, canvases)
    kept = courier.passes_by(run.folder)
    if not kept:
        courier.tell(run.folder)  # of which what is found is a part in MLflow
    with RunLock.take(folder, f"the scan {folder.name}"):
        if _was_found(folder):
            for _ in range(canvases.canvases):
                advance()
        else:
            _find(run, canvases, folder, advance, private=courier.private or kept)
    if not kept:
        courier.tell(folder)
    return Found(run, pd.read_csv(file_of(folder, f"artifacts/{SCORES}")), folder / "artifacts")


def _was_found(folder: Path) -> bool:
    """Whether it was, and the scores are still there and whole."""
    with suppress(FileNotFoundError, BrokenFile):
        return JournalState.read(folder).finished and file_of(folder, f"artifacts/{SCORES}").is_file()
    return False


def numbers(scores: pd.DataFrame) -> dict[str, float | None]:
    """What scores of several canvases at one threshold come to; None where there is nothing to take a mean of."""
    detected, right = int(scores["detected"].sum()), int(scores["right"].sum())
    return {
        "false_alarms_per_image": (detected - right) / len(scores),
        "precision": right / detected if detected else None,
        "recall": right / int(scores["known"].sum()),
        "distance": float((scores["distance"] * scores["right"]).sum() / right) if right else None,
    }


def _key(run: Run, canvases: Canvases) -> str:
    """The name of this piece of work: 20 hexadecimal digits of a SHA-256."""
    what = {"run_key": run.key, "attempt": attempt_number(run), "version": VERSION, **asdict(canvases)}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:20]


def _find(run: Run, canvases: Canvases, folder: Path, advance: Callable[[], None], *, private: bool) -> None:
    """Ask, and write what is found; the journal last, so that MLflow never hears of half a scan."""
    network, dataset = of_run(run), run.images()
    try:
        scanner = scanner_of(network)
    except EyechartError as error:
        raise CannotScanError(f"{network.title}: {error}") from None
    names, artifacts = network.class_names, folder / "artifacts"
    detections, scores = [], []
    for number, wanted in enumerate(compositions(canvases)):
        canvas = composed(dataset, wanted)
        image = canvas.image
        seen = see(scanner, image, scanner.tiles(image, METHOD), scanner.shape(image, METHOD))
        detected = detect(seen.probabilities, seen.classes, canvas.size, network.background)
        right = set(chain.from_iterable(right_ones(detected, canvas.labels, canvas.places, canvas.size)))
        detections += [
            (number, cell(names[one.label]), round(one.probability, 6), one.top, one.left, each in right)
            for each, one in enumerate(detected)
        ]
        of_canvas = [
            score_detections(detected, canvas.labels, canvas.places, canvas.size, least) for least in THRESHOLDS
        ]
        scores += [(number, *astuple(one)) for one in of_canvas]
        if number == 0:
            draw_detections(artifacts / PICTURE, image, detected, canvas.size, names, canvas, network.title)
        advance()
    _write(artifacts / DETECTIONS, detections, ["canvas", "class", "probability", "top", "left", "right"])
    table = _write(artifacts / SCORES, scores, ["canvas", *(field.name for field in fields(Score))])
    about = {"name": f"{run.title}: {canvases}", "parent_run": run.key, "private": private}
    about["experiment_name"] = run.journal.start["experiment_name"]
    _report(folder, about, {"dataset": dataset.name, **asdict(canvases)}, table)


def compositions(canvases: Canvases) -> Iterator[Composition]:
    """Each canvas, as `composed` makes it."""
    for number in range(canvases.canvases):
        seed = canvases.seed + number
        yield Composition(canvases.size, canvases.digits, seed, background=canvases.background)


def _write(path: Path, rows: Sequence[tuple[object, ...]], columns: list[str]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(rows, columns=columns)
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)
    return table


def _report(folder: Path, about: dict[str, Any], parameters: dict[str, Any], scores: pd.DataFrame) -> None:
    """Say what it came to: in MLflow, curves over the probability in percent."""
    journal = Journal(folder)
    try:
        journal.append(
            RecordKind.START,
            identity=[SCAN_KEY, folder.name],
            source="pipelines/detect.py",
            **about,
        )
        journal.append(RecordKind.PARAMS, values=parameters)
        for threshold in THRESHOLDS:
            came_to = numbers(scores[scores["threshold"] == threshold])
            known = {f"scan/{name}": value for name, value in came_to.items() if value is not None}
            journal.metrics(round(100 * threshold), known)
        for file in (DETECTIONS, SCORES, PICTURE):
            journal.append(RecordKind.ARTIFACT, path=f"artifacts/{file}")
        journal.append(RecordKind.IMAGE, path=f"artifacts/{PICTURE}", key="detections")
        journal.append(RecordKind.END, status=RunState.FINISHED, result={}, files=checksums(folder, "artifacts"))
    finally:
        journal.close()
