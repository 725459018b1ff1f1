"""Tables on stdout, and bars on stderr, as every program shows them. Rich is imported when something is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn
    from rich.table import Table
    from rich.text import Text

WIDTH = 120  # characters, where there is no terminal: a file or a log has no width to keep to


def console() -> Console:
    """What prints on stdout, as wide as the terminal."""
    from rich.console import Console

    return Console(width=None if Console().is_terminal else WIDTH)


def table(title: Text | None = None) -> Table:
    """An empty table, with a line below its head and no other."""
    from rich import box
    from rich.table import Table

    return Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )


def bar(*columns: str | ProgressColumn) -> Progress:
    """How far something is, on stderr where that is a terminal; a context manager, which leaves nothing behind.

    Args:
        columns: of the bar; none: what is done, a bar, percent and the time that is left.
    """
    from rich.console import Console
    from rich.progress import Progress

    stderr = Console(stderr=True)
    return Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal)
