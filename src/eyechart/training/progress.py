"""What a person sees of a training: a table of epochs, and a bar within each."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rich.progress import BarColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from eyechart.core import terminal
from eyechart.training.callback import EpochRecord
from eyechart.training.member import Member

COLUMNS = (
    ("train loss", "train/loss"),
    ("accuracy", "train/accuracy"),
    ("validation loss", "validation/loss"),
    ("accuracy", "validation/accuracy"),
    ("seconds", "seconds"),
)


class ImagesPerSecond(ProgressColumn):
    """How fast the members learn, all together."""

    def render(self, task: Task) -> Text:  # noqa: D102
        return Text("" if task.speed is None else f"{task.speed:,.0f} images/s")


class EpochTable:
    """A callback that prints a row per epoch to stdout, and shows a bar on stderr where that is a terminal.

    Of members that are trained together, all have the same one: a bar with the best of them so far.

    Args:
        title: of the bar: what is trained.
        epochs: how many there will be at most.
        size: number of training images.
        done: epochs that are finished already.
        rows: whether to print the table; a sweep shows the bar alone.
        members: how many networks are trained together.
    """

    def __init__(self, *, title: str, epochs: int, size: int, done: int = 0, rows: bool = True, members: int = 1):
        self._rows, self._members, self._best = rows, members, 0.0
        self._bar = terminal.bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}  {task.fields[score]}"),
            *([ImagesPerSecond()] if members > 1 else []),
            TimeRemainingColumn(),
        )
        whole = size * members
        self._task = self._bar.add_task(
            title if members == 1 else f"{title}, {members} members",
            total=epochs * whole,
            completed=done * whole,
            epoch=done + 1,
            epochs=epochs,
            score="",
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

    def __call__(self, record: EpochRecord, member: Member) -> bool:  # noqa: D102
        score = record.metrics.get("validation/accuracy", record.metrics["train/accuracy"])
        self._best = max(self._best, score)
        told = f"accuracy {score:.4f}" if self._members == 1 else f"best accuracy {self._best:.4f}"
        self._bar.update(self._task, epoch=record.epoch + 1, score=told)
        if self._rows:
            cells = []
            for title, name in COLUMNS:
                value = record.metrics.get(name)
                digits = 2 if name == "seconds" else 4
                cells.append(("-" if value is None else f"{value:.{digits}f}").rjust(len(title)))
            self._bar.console.file.flush()
            print(f"{record.epoch:>5}  " + "  ".join(cells) + ("  diverged" if record.diverged else ""), flush=True)
        return False

    def state(self) -> dict[str, Any]:  # noqa: D102
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: D102
        pass
