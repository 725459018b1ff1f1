"""A sweep as it lies on disk: the runs that it covers, and what was typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.core.within import PathError, plain
from eyechart.runs.choice import Choice
from eyechart.runs.cursor import run_ids
from eyechart.runs.journal import JournalState, RecordKind, RunState, read_journal
from eyechart.runs.listing import passing_over
from eyechart.runs.run import Run

MANIFEST = "manifest.json"
LEADERBOARD = "leaderboard.csv"  # is written, and recorded as an artifact, each time that it is shown


# what is read of a manifest and of its jobs, and of which kinds it may be
_FORM: dict[str, Any] = {
    "identity": str,
    "command": str,
    "since": int | None,
    "search": dict | None,
    "jobs": list,
    "confirm": list,
}
_JOB: dict[str, Any] = {"run_key": str, "name": str, "overrides": list, "trial": int | None}


def _check_form(manifest: Any) -> None:
    """Raise LookupError, TypeError or PathError where a manifest is of another form."""
    for job in manifest["jobs"]:
        plain(job["run_key"])
    for part, form in [(manifest, _FORM), *((job, _JOB) for job in manifest["jobs"])]:
        if any(name in part and not isinstance(part[name], kind) for name, kind in form.items()):
            raise TypeError("expected a manifest")
    for choice in manifest.get("confirm", []):
        Choice.of(choice)


class Sweep:
    """A sweep. A command finds one once, and hands it on: `last` may be another one a moment later.

    Args:
        sweep_id: names its folder and its parent run.

    Attributes:
        id: the same.
        folder: its state folder.
    """

    def __init__(self, sweep_id: str):
        self.id = sweep_id
        self.folder = paths.sweeps() / plain(sweep_id)

    @classmethod
    def all(cls) -> list[Sweep]:
        """Every sweep of this workspace, in the order in which they were last typed."""
        known = []
        for path in paths.sweeps().glob(f"*/{MANIFEST}"):
            with passing_over():
                known.append((path.stat().st_mtime, path.parent.name))
        return [cls(name) for _, name in sorted(known)]

    @classmethod
    def find(cls, name: str) -> Sweep:
        """Find the sweep that a person named.

        Args:
            name: of its folder, its MLflow run id, or `last`: the one that was typed last.

        Raises:
            EyechartError: there is no such sweep.
        """
        known = cls.all()
        if not known:
            raise EyechartError("there is no sweep yet: type, for example, python pipelines/train.py -m model=fnn,cnn")
        if name == "last":
            return known[-1]
        for sweep in known:
            if sweep.id == name or name in run_ids(sweep.folder):
                return sweep
        newest = ", ".join(sweep.id for sweep in known[-5:])
        raise EyechartError(f"there is no sweep '{name}': expected last, an MLflow run id, or an id such as {newest}")

    @classmethod
    def of_identity(cls, identity: str) -> Sweep | None:
        """The newest sweep of this identity; None if there is none."""
        for sweep in reversed(cls.all()):
            with passing_over():
                if sweep.manifest.get("identity") == identity:
                    return sweep
        return None

    @property
    def manifest(self) -> dict[str, Any]:
        """What its manifest says now, or EyechartError where it is broken."""
        path: Path = self.folder / MANIFEST
        try:
            manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            _check_form(manifest)
        except (OSError, ValueError, LookupError, TypeError, RecursionError, PathError):
            raise EyechartError(
                f"{path} is broken: move {self.folder} away and type the sweep's command again, "
                f"which trains nothing that is finished"
            ) from None
        return manifest

    @property
    def run_keys(self) -> list[str]:
        """The run keys that it covers by now."""
        return [job["run_key"] for job in self.manifest["jobs"]]

    @property
    def runs(self) -> list[Run]:
        """The runs that it covers by now, begun or not."""
        return [Run(key) for key in self.run_keys]

    @property
    def command(self) -> str:
        """What was typed."""
        return str(self.manifest["command"])

    @property
    def since(self) -> int | None:
        """With `force=true` when it was typed first, in milliseconds since 1970; else None."""
        since: int | None = self.manifest.get("since")
        return since

    @property
    def search(self) -> dict[str, Any] | None:
        """What a job must know of the search that it is a trial of; None outside of one."""
        search: dict[str, Any] | None = self.manifest.get("search")
        return search

    @property
    def choices(self) -> list[Choice]:
        """The choices that runs of this sweep confirm, one per board; none where it was not asked to confirm."""
        return [Choice.of(said) for said in self.manifest.get("confirm", [])]

    @property
    def shown(self) -> list[int]:
        """When its leaderboard was shown, each time with what was finished by then, in milliseconds since 1970.

        A sweep whose journal does not say it, as those of early versions, has shown it once, at its end.
        """
        records = read_journal(self.folder)
        shown = [one["t"] for one in records if (one["kind"], one.get("path")) == (RecordKind.ARTIFACT, LEADERBOARD)]
        ends = [one["t"] for one in records if one["kind"] == RecordKind.END and one["status"] != RunState.KILLED]
        return shown or ends[-1:]

    @property
    def journal(self) -> JournalState:
        """What its journal says."""
        return JournalState.read(self.folder)

    def finished_runs(self) -> list[Run]:
        """The finished ones among its runs.

        Raises:
            EyechartError: there is none.
        """
        finished = []
        for run in self.runs:
            with passing_over():
                if run.finished:
                    finished.append(run)
        if not finished:
            raise EyechartError(
                f"no run of sweep {self.id} is finished: wait for it, or type its command again, it goes on"
            )
        return finished
