"""What MLflow's page says of a run or a sweep in words, as Markdown: what came of it, and how to have it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from eyechart.runs.status import in_a_sentence
from eyechart.runs.tags import DATA_DIGEST, GIT_CHANGED, GIT_COMMIT


def of_run(
    run_key: str,
    dataset: str,
    result: Mapping[str, Any],
    tags: Mapping[str, str],
    typed: Sequence[str],
    diverged: int = 0,
) -> str:
    """The description of a finished run.

    Args:
        run_key: its name.
        dataset: the name of its data set.
        result: what it came to.
        tags: as its journal has them.
        typed: the overrides; empty where it was not started by what was typed.
        diverged: the epoch in which the network diverged; 0: in none.
    """
    share = f", its share of {result['members']} that were trained together" if "members" in result else ""
    lines = [
        f"{in_a_sentence(result, diverged).capitalize()}, {result['seconds']:.1f} s of training{share}.",
        f"To have it again, and see whether it comes to the same:\n\n    python pipelines/reproduce.py run={run_key}",
    ]
    if typed:
        lines.append(f"What was typed, for this run alone:\n\n    {command(typed)}")
    commit = tags.get(GIT_COMMIT)
    changed = ", with changes," if tags.get(GIT_CHANGED) == "true" else ""
    code = f"Commit `{commit}`{changed} on" if commit else "On"
    lines.append(f"{code} data set {dataset}, digest `{tags[DATA_DIGEST]}`.")
    return "\n\n".join(lines)


def of_sweep(typed: str, best: Sequence[str], boards: str) -> str:
    """The description of a sweep.

    Args:
        typed: the command.
        best: of each board, a sentence on its first row.
        boards: its leaderboards, as Markdown.
    """
    again = f"Typed again, this goes on or hands back what is finished:\n\n    {typed}"
    return "\n\n".join([*best, again, boards.strip()])


def command(overrides: Sequence[str]) -> str:
    """The command that trains one run, as a shell reads it."""
    return shlex.join(["python", "pipelines/train.py", *overrides])
