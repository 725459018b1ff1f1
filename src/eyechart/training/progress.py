"""What a person sees of a training: a table of epochs, and a bar within each."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from eyechart.training.backend import Engine
from eyechart.training.records import Record

COLUMNS = (
    ("train loss", "train/loss"),
    ("accuracy", "train/accuracy"),
    ("validation loss", "validation/loss"),
    ("accuracy", "validation/accuracy"),
    ("seconds", "seconds"),
)


class EpochTable:
    """A consumer that prints a row per epoch to stdout, and shows a bar on stderr where that is a terminal.

    Args:
        title: of the bar: what is trained.
        epochs: how many there will be at most.
        size: number of training images.
        done: epochs that are finished already.
        rows: whether to print the table; a sweep shows the bar alone.
    """

    def __init__(self, *, title: str, epochs: int, size: int, done: int = 0, rows: bool = True):
        self._rows = rows
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}  {task.fields[score]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(
            title, total=epochs * size, completed=done * size, epoch=done + 1, epochs=epochs, score=""
        )

    def __enter__(self) -> EpochTable:
        if self._rows:
            print("epoch  " + "  ".join(title for title, _ in COLUMNS), flush=True)
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def tick(self, images: int) -> None:
        """So many training images more have been read."""
        self._bar.advance(self._task, images)

    def __call__(self, record: Record, engine: Engine) -> bool:  # noqa: D102
        score = record.metrics.get("validation/accuracy", record.metrics["train/accuracy"])
        self._bar.update(self._task, epoch=record.epoch + 1, score=f"accuracy {score:.4f}")
        if self._rows:
            cells = []
            for title, name in COLUMNS:
                value = record.metrics.get(name)
                digits = 2 if name == "seconds" else 4
                cells.append(("-" if value is None else f"{value:.{digits}f}").rjust(len(title)))
            self._bar.console.file.flush()
            print(f"{record.epoch:>5}  " + "  ".join(cells), flush=True)
        return False

    def state(self) -> dict[str, Any]:  # noqa: D102
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: D102
        pass
