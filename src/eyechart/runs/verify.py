"""Whether what lies in a state folder is what was written there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from eyechart.core import terminal
from eyechart.core.errors import TO_HAVE_AGAIN, EyechartError, in_words
from eyechart.runs.files import file_of
from eyechart.runs.journal import JournalState
from eyechart.runs.sweep import Sweep

CHECKED = ("runs", "scans", "sweeps")


@dataclass
class Verified:
    """What was found.

    Attributes:
        kinds: how many there are of each kind.
        whole: so many are finished, and all of their files are as they were written.
        unknown: so many were finished before the checksums of files were recorded.
        unfinished: so many have no result yet.
        broken: folders, and what is broken there and what to type; several entries where several files are.
    """

    kinds: dict[str, int] = field(default_factory=dict)
    whole: int = 0
    unknown: int = 0
    unfinished: int = 0
    broken: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def checked(self) -> int:
        """How many there are."""
        return sum(self.kinds.values())

    def __str__(self) -> str:
        kinds = [f"{count} {kind.removesuffix('s') if count == 1 else kind}" for kind, count in self.kinds.items()]
        parts = {
            "whole": self.whole,
            "not finished": self.unfinished,
            "from before checksums were recorded, of which the journal alone was checked": self.unknown,
            "broken": len({folder for folder, _ in self.broken}),
        }
        said = [f"{count} {what}" for what, count in parts.items() if count]
        return f"{', '.join(kinds) or 'no runs'}: {', '.join(said) or 'nothing to check'}"


def verify(state: Path) -> Verified:
    """Check every run, scan and sweep of a state folder: its journal, its manifest, and each file against its checksum.

    What was set aside by `force=true` counts no more, and is not checked.
    """
    found = Verified()
    folders = [folder for kind in CHECKED for folder in sorted((state / kind).glob("*")) if folder.is_dir()]
    with terminal.bar() as bar:
        for folder in bar.track(folders, description="checking"):
            kind = folder.parent.name
            found.kinds[kind] = found.kinds.get(kind, 0) + 1
            _check(folder, found)
    return found


def _check(folder: Path, found: Verified) -> None:
    try:
        if folder.parent.name == "sweeps":
            _ = Sweep(folder.name).run_keys
        said = JournalState.read(folder)
    except EyechartError as error:
        found.broken.append((folder, str(error)))
        return
    broken = list(_broken_files(folder, said))
    found.broken += [(folder, why) for why in broken]
    if said.begun is None and (folder / "artifacts").is_dir():
        found.broken.append((folder, f"it has files and no journal: {TO_HAVE_AGAIN}"))
    elif not broken:
        if not said.finished:
            found.unfinished += 1
        elif said.checksums or folder.parent.name == "sweeps":
            found.whole += 1
        else:
            found.unknown += 1


def _broken_files(folder: Path, said: JournalState) -> Iterator[str]:
    for name in said.checksums:
        try:
            file_of(folder, name)
        except FileNotFoundError as error:
            yield f"there is no {error.filename}: {TO_HAVE_AGAIN}"
        except (EyechartError, OSError) as error:
            yield in_words(error)
