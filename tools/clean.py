"""Remove what Eyechart made in this checkout's `data/` and DVC's cache, and name what stays, because it is a person's.

python tools/clean.py
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from eyechart.core.files import remove_abandoned
from eyechart.core.folders import in_short, not_made_by
from eyechart.data.fetch import FETCHED
from eyechart.data.prepare import PREPARED

CHECKOUT = Path(__file__).resolve().parents[1]


def clean_data(data: Path) -> Iterator[str]:
    """Remove the data sets in `raw` and `prepared` below a folder, if Eyechart made all of them; what stays, and why.

    Links are not followed: what they lead to may serve other projects.
    """
    for top, kind in ((data / "raw", FETCHED), (data / "prepared", PREPARED)):
        if _is_folder(data) and _is_folder(top):
            remove_abandoned(top)
            for folder in sorted(filter(_is_folder, top.iterdir())):
                if others := not_made_by(folder, kind):
                    yield f"{folder}, with {in_short(others)}, which {kind.program}.py did not make"
                else:
                    shutil.rmtree(folder)
            yield from _rest_of(top, [path.name for path in top.iterdir() if _is_folder(path)])
    yield from _rest_of(data, ["raw", "prepared"])


def clean_cache(project: Path) -> Iterator[str]:
    """Remove DVC's cache, unless it holds what a person gave to DVC, or what a link leads to; why it stays."""
    cache = project / ".dvc" / "cache"
    for place, folders, files in os.walk(project):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(place, name) for name in (*folders, *files)):
            if path.suffix == ".dvc" or (path.is_symlink() and cache in Path(os.path.realpath(path)).parents):
                yield f"{cache}, which holds the content of {path}"
                return
    shutil.rmtree(cache, ignore_errors=True)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _rest_of(folder: Path, told: Collection[str]) -> Iterator[str]:
    """Remove a folder that is empty; what else is in it, but for what has been told, or that it is a link."""
    if not _is_folder(folder):
        if os.path.lexists(folder):
            yield f"{folder}, which is no folder"
        return
    left = sorted(folder.iterdir())
    if not left:
        folder.rmdir()
    yield from (str(path) for path in left if path.name not in told)


if __name__ == "__main__":
    for line in [*clean_data(CHECKOUT / "data"), *clean_cache(CHECKOUT)]:
        print(f"keeps {line}")
