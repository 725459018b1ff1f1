"""Folders that a program replaces whole: only those that it can prove to have made.

Such a folder holds a mark, which names the program that made it and every file that it made. A folder without a mark,
with a file that the mark does not name, or with the mark of another program is a person's, and stays.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.core.files import REPLACED, behind_links, check_place, holding, remove_abandoned, write_json

MARK = ".made-by-eyechart"
SHOWN = 3  # so many names of what is a person's


@dataclass(frozen=True)
class Kind:
    """A kind of folder that one program makes.

    Attributes:
        program: its name, as `predict`.
        key: by which a person names the folder; empty where nobody does.
        earlier: given a folder without a mark, the files that versions which left none made there, by their paths in
            it; empty where they did not make the folder.
    """

    program: str
    key: str
    earlier: Callable[[Path], Collection[str]]


@contextmanager
def replacing_folder(folder: Path, kind: Kind) -> Iterator[Path]:
    """Give a new folder to fill; on leaving without an error it is marked, and takes the place of `folder`.

    It is removed if an error, Ctrl-C included, ends the block. A link is followed: what it points to is replaced.

    Raises:
        EyechartError: see `check_folder`.
    """
    target = check_folder(folder, kind)
    with holding(target) as holder:
        temporary, old = holder / target.name, holder / REPLACED
        temporary.mkdir()
        yield temporary
        # no time, place or machine: DVC hashes it
        write_json(temporary / MARK, {"made_by": kind.program, "files": sorted(_files_in(temporary))})
        if target.exists():
            check_folder(target, kind)  # a person may have put something there since
            os.rename(target, old)  # `holding` moves it back unless the new one comes in its place
        os.rename(temporary, target)


def check_folder(folder: Path, kind: Kind) -> Path:
    """Refuse to replace a folder that the same program did not make, before any work.

    What killed processes left beside it is removed, or put back where one was about to replace it.

    Returns:
        The folder itself, where `folder` is a link to it. It need not be there.

    Raises:
        EyechartError: it holds something else, is a file, is the project's or the home folder or above one of them, is
            where a disk is mounted, or nothing may be written beside it.
    """
    target = behind_links(folder)
    remove_abandoned(target.parent)
    expected = f"expected no folder, or one with what an earlier {kind.program}.py left, received"
    instead = f"type {kind.key}=NEW" if kind.key else "move that elsewhere, then type the same again"
    for what, kept in _kept():
        if target in (kept, *kept.parents):
            raise EyechartError(f"{expected} {target}, which is or holds {what}: {instead}")
    if target.is_mount():
        instead = f"type {kind.key}={folder / 'new'}" if kind.key else "mount it one folder above"
        raise EyechartError(f"{target} is where a disk is mounted, which cannot be replaced: {instead}")
    if target.exists() and not target.is_dir():
        raise EyechartError(f"{expected} a file: {instead}")
    if others := not_made_by(target, kind):
        raise EyechartError(f"{expected} {'a folder' if kind.key else target} with {in_short(others)}: {instead}")
    if kind.key:
        check_place(target, kind.key)
    return target


def _kept() -> Iterator[tuple[str, Path]]:
    """The folders that are never replaced, nor those above them."""
    yield "the project", paths.workspace().resolve()
    yield "the project", paths.repository().resolve()
    yield "your home folder", Path(os.path.realpath(os.path.expanduser("~")))


def not_made_by(folder: Path, kind: Kind) -> list[str]:
    """What is in a folder that a program did not make there: the paths of files, and of folders of nothing else."""
    found = set(_files_in(folder)) if folder.is_dir() else set()
    if not found:
        return []
    own = _marked(folder, kind) if MARK in found else kind.earlier(folder)
    others = sorted(found - set(own))
    shared = {name.partition("/")[0] for name in found & set(own)}
    named = [name if (top := name.partition("/")[0]) in shared else top for name in others if name != MARK]
    return list(dict.fromkeys(named)) or others


def in_short(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(ascii(name)[1:-1] for name in names[:SHOWN]) + more


def says(file: Path, *keys: str) -> bool:
    """Whether a file is a JSON object with these keys, by which a folder of an earlier version is recognised."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.keys() >= set(keys)


def _marked(folder: Path, kind: Kind) -> set[str]:
    """What the mark in a folder says that a program made, the mark included; nothing where another program did."""
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
        return {MARK, *map(str, mark["files"])} if mark["made_by"] == kind.program else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _files_in(folder: Path) -> Iterator[str]:
    """Everything below a folder that is not a folder, by its path from there; links are not followed."""

    def fail(error: OSError) -> None:
        raise error  # or what cannot be looked at would be taken for nothing

    for place, folders, files in os.walk(folder, onerror=fail):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        yield from (os.path.relpath(os.path.join(place, name), folder) for name in (*files, *links))
