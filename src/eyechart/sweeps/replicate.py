"""The experiments of the course documents as one sweep, and what came of it against what is known."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose
from rich.text import Text

from eyechart.comparison.references import Reference, read_references, reference_rows
from eyechart.config import Config, check
from eyechart.core import terminal
from eyechart.core.errors import ConfigError, EyechartError, in_words, nearest
from eyechart.runner.job import Job
from eyechart.sweeps.drive import run_sweep
from eyechart.sweeps.job import run_job
from eyechart.sweeps.plan import make_plan


def replicate(
    experiments: Path, *, names: Sequence[str] | None, epochs: int | None, overrides: Sequence[str]
) -> list[tuple[str, str, str, str, str, str]]:
    """Train experiments as their references were measured, and print reference against measured.

    Args:
        experiments: the folder of their files; Hydra has been started on the folder above it.
        names: which of them; None: all that have a reference.
        epochs: at most so many; None: as many as the reference was measured after.
        overrides: for all of them, as `key=value`.

    Returns:
        The rows of the table, as `references.rows` gives them.

    Raises:
        EyechartError: a name or value is wrong, a data set is not prepared, or a run failed.
    """
    if epochs is not None and epochs < 1:
        raise ConfigError(f"epochs must be 1 or more, or null, received {epochs}")
    references = _chosen(read_references(experiments), names)
    wanted = {reference.experiment: _epochs(reference) for reference in references}
    jobs = []
    for reference in references:
        own = [f"experiment={reference.experiment}"]
        own.append(f"trainer.epochs={min(wanted[reference.experiment], epochs or sys.maxsize)}")
        if reference.images is not None:
            own.append(f"limit=[{reference.images},null]")
        jobs.append([*own, *overrides])
    plan = make_plan(jobs, _configure)
    run_sweep(plan, " ".join(["python pipelines/replicate.py", *sys.argv[1:]]), _configure, _train)
    results: dict[str, dict[str, Any]] = {}
    for job in plan.jobs:
        name = job.overrides[0].removeprefix("experiment=")
        results[name] = job.run.result | {"wanted": wanted[name]}
    table = reference_rows(references, results)
    _print(table)
    off = {row[0].partition(" ")[0] for row in table if row[-1].startswith("not")}
    for reference in references:
        if reference.experiment in off and reference.note:
            print(f"{reference.experiment}: {reference.note}")
    return table


def _configure(overrides: Sequence[str], _: int) -> Config:
    return check(compose("config", list(overrides)))


def _chosen(references: list[Reference], names: Sequence[str] | None) -> list[Reference]:
    if names is None:
        return references
    known = {reference.experiment: reference for reference in references}
    for name in names:
        if name not in known:
            raise ConfigError(
                f"no experiment '{name}' has a reference.{nearest(name, list(known))} Known: {', '.join(known)}"
            )
    return [known[name] for name in dict.fromkeys(names)]


def _epochs(reference: Reference) -> int:
    """How many epochs it was measured after."""
    if reference.epochs is not None:
        return reference.epochs
    return int(compose("config", [f"experiment={reference.experiment}"]).trainer.epochs)


def _train(jobs: Sequence[Job]) -> list[str]:
    """Train one job after the other in this process; a line for each that failed."""
    failures = []
    for job in jobs:
        try:
            run_job(compose("config", list(job.overrides)), list(job.overrides))
        except (EyechartError, OSError) as error:
            failures.append(f"{job.name}: {in_words(error)}")
        except Exception as error:  # one that fails does not stop the others
            traceback.print_exception(error)
            failures.append(f"{job.name}: {type(error).__name__}: {error}")
    return failures


def _print(table: Sequence[tuple[str, str, str, str, str, str]]) -> None:
    shown = terminal.table(Text("reference against measured, test accuracy", style="bold"))
    titles = ("experiment", "epochs", "reference", "measured", "difference", "")
    for title in titles:
        shown.add_column(title, justify="left" if title in ("experiment", "") else "right", overflow="fold")
    for row in table:
        shown.add_row(*row)
    terminal.console().print(shown)
