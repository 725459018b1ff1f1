"""Asks runs what they find on the same canvases, one after the other, and writes what they found."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from eyechart import figures
from eyechart.comparison.results import results_of
from eyechart.core import terminal
from eyechart.core.errors import EyechartError
from eyechart.core.folders import Kind, check_folder, replacing_folder
from eyechart.inference.detection.board import BoardRow, board_rows, table
from eyechart.inference.detection.found import PICTURE, CannotScanError, Canvases, compositions, detect_run
from eyechart.inference.network import open_network
from eyechart.inference.scanning.canvas import composed
from eyechart.inference.scanning.detect import THRESHOLDS
from eyechart.runs.run import Run
from eyechart.runs.sweep import Sweep
from eyechart.tracking import MLflowCourier

TABLE, CURVES = "scores.csv", "scores.png"
SHOWN = 4  # of so many rows


def _earlier(folder: Path) -> tuple[str, ...]:
    names = (TABLE, CURVES, PICTURE)
    return names if all((folder / name).is_file() for name in names) else ()


DETECTIONS = Kind("detect", "to", _earlier)


def detect_runs(
    run: str | None, name: str | None, sweep: Sweep | None, canvases: Canvases, to: Path, courier: MLflowCourier
) -> list[BoardRow]:
    """What runs find, the rows with the fewest false alarms first.

    Args:
        run: one of the names of `Run.find`, or `champion`; not read where a sweep is given.
        name: of the registered model whose champion is meant; None: the only one.
        sweep: all finished runs of this one; what cannot scan is left out, with a notice.
        canvases: that they are asked about.
        to: the folder that `write_detections` is to write to.
        courier: brings what each finds to MLflow.

    Raises:
        EyechartError: there is no such finished run or sweep, the runs cannot be asked about the same canvases, one
            cannot scan or has lost a file, or the folder holds something else.
    """
    check_folder(to, DETECTIONS)
    runs = [_named(run, name, courier)] if sweep is None else _finished(sweep)
    _check(runs, canvases)
    with terminal.bar() as bar:
        task = bar.add_task("scanning", total=len(runs) * canvases.canvases)
        found = []
        for each in runs:
            try:
                found.append(detect_run(each, canvases, courier, lambda: bar.advance(task)))
            except CannotScanError as error:
                if len(runs) == 1:
                    raise
                bar.console.print(f"notice: left out: {error}", markup=False, highlight=False, soft_wrap=True)
    if not found:
        raise EyechartError("none of these networks can scan: type run= and another run")
    return board_rows(found, results_of(one.run for one in found))


def write_detections(made: Sequence[BoardRow], title: str, to: Path) -> tuple[str, ...]:
    """Write the scores, their picture, and what the first run of each row found on the first canvas; the names."""
    with replacing_folder(to, DETECTIONS) as temporary:
        table(made).to_csv(temporary / TABLE, index=False)
        figures.save(figures.false_alarms(_curves(made), THRESHOLDS, title), temporary / CURVES)
        _side_by_side([row.found[0].folder / PICTURE for row in made[:SHOWN]], temporary / PICTURE)
        return tuple(sorted(path.name for path in temporary.iterdir()))


def _side_by_side(pictures: Sequence[Path], target: Path) -> None:
    """Lay pictures beside each other, on white."""
    from PIL import Image

    opened = [Image.open(picture).convert("RGB") for picture in pictures]
    size = sum(each.width for each in opened), max(each.height for each in opened)
    sheet, left = Image.new("RGB", size, "white"), 0
    for each in opened:
        sheet.paste(each, (left, size[1] - each.height))
        left += each.width
    sheet.save(target)


def _curves(made: Sequence[BoardRow]) -> list[figures.Curve]:
    return [
        figures.Curve(
            row.name,
            [(one.mean, one.low, one.high) for one in row.false_alarms.values()],
            [(one.mean, one.low, one.high) for one in row.recall.values()],
        )
        for row in made
    ]


def _named(run: str | None, name: str | None, courier: MLflowCourier) -> Run:
    """The run that a person named; the champion has to be one that was trained here."""
    with open_network(run, name, courier.store) as network:
        if network.run is None:
            raise EyechartError(
                f"expected a network that was trained here, whose test images lie on the canvases, received "
                f"{network.title}, which was trained elsewhere: type run= and a run of this workspace"
            )
        return network.run


def _finished(sweep: Sweep) -> list[Run]:
    """The finished runs of a sweep; how many are not is told on stderr."""
    finished, covered = sweep.finished_runs(), len(sweep.run_keys)
    if len(finished) < covered:
        print(f"notice: {len(finished)} of the {covered} runs of sweep {sweep.id} are finished", file=sys.stderr)
    return finished


def _check(runs: Sequence[Run], canvases: Canvases) -> None:
    """Raise EyechartError where runs cannot be asked about the same canvases, or there can be no such canvas."""
    backends = sorted({run.backend for run in runs})
    if len(backends) > 1:
        raise EyechartError(
            f"expected runs of one backend, received {' and '.join(backends)}: ask them one by one, with run="
        )
    datasets = {dataset.digest: dataset for dataset in (run.images() for run in runs)}
    if len(datasets) > 1:
        names = ", ".join(dataset.name for dataset in datasets.values())
        raise EyechartError(
            f"expected runs on images that can lie on the same canvases, received runs on {names}: "
            f"ask them one by one, with run="
        )
    for dataset in datasets.values():
        composed(dataset, next(compositions(canvases)))
