"""Where things lie. Absolute, and the same from whichever folder a program is started.

Two places matter, and they differ only inside a temporary DVC experiment, which runs in a throw-away copy:

- the *workspace* holds `data/` and `results/`, which DVC writes and restores;
- the *repository* holds what must outlive such a copy: `.eyechart/` (the state of every run) and the tracking store.

The environment variable `EYECHART_ROOT` names one folder for both, for example on a cluster's scratch disk.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

from eyechart.core.errors import ConfigError, EyechartError
from eyechart.core.files import write_text
from eyechart.core.within import plain

PACKAGE = Path(__file__).resolve().parents[1]
FORMAT = 1  # of a state folder: raised when earlier programs cannot read what this one writes
SOURCE = PACKAGE.parents[1]  # the checkout that this code runs from, if it does: see `workspace`


def workspace() -> Path:
    """The folder that holds `data/`.

    EYECHART_ROOT, else the nearest folder upwards of the working directory with a `dvc.yaml`, else the checkout.

    Raises:
        EyechartError: there is none of these. Nothing is ever written beside installed code.
    """
    if named := os.environ.get("EYECHART_ROOT"):
        return Path(named).resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file():
            return folder
    if (SOURCE / "dvc.yaml").is_file():
        return SOURCE
    raise EyechartError(
        f"expected a project, which is a folder with a dvc.yaml, in {here} or above it, received none: "
        f"work in one, or set EYECHART_ROOT to the folder that is to hold data and runs"
    )


def conf() -> Path:
    """The folder of the configurations: within the package where that was installed, else that of the checkout."""
    inside = PACKAGE / "conf"
    return inside if inside.is_dir() else SOURCE / "conf"


def repository() -> Path:
    """The folder that holds `.eyechart/`: EYECHART_ROOT, else DVC_ROOT (set by DVC), else the workspace."""
    if not os.environ.get("EYECHART_ROOT") and (root := os.environ.get("DVC_ROOT")):
        return Path(root).resolve()
    return workspace()


def raw(dataset: str) -> Path:
    """The files of a data set as they were fetched."""
    return workspace() / "data" / "raw" / plain(dataset)


def prepared(dataset: str) -> Path:
    """The arrays of a data set, written by `pipelines/preprocess.py`."""
    return all_prepared() / plain(dataset)


def all_prepared() -> Path:
    """The folder with one folder of arrays per data set."""
    return workspace() / "data" / "prepared"


def named(key: str, typed: str) -> Path:
    """The folder or file that a person named, absolute or seen from the workspace.

    Raises:
        ConfigError: the name is empty, as `export=$UNSET` leaves it, which would mean the workspace itself.
    """
    if not typed.strip():
        raise ConfigError(f"expected a name, received an empty one: type {key}=results/NAME, or leave {key}= out")
    return workspace() / typed


def results() -> Path:
    """What the DVC stages `train` and `evaluate` leave."""
    return workspace() / "results"


def state() -> Path:
    """The folder `.eyechart`, which holds the state of every run, sweep and scan.

    Raises:
        EyechartError: a newer program wrote it.
    """
    folder = repository() / ".eyechart"
    check_format(folder)
    return folder


@functools.cache
def check_format(state: Path) -> None:
    """Raise EyechartError where a newer program wrote a state folder. One without a number is of format 1."""
    file = state / "format"
    try:
        number = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return
    if not number.isdecimal() or int(number) > FORMAT:
        raise EyechartError(
            f"expected a state folder of format {FORMAT} or below, received format {ascii(number)[1:-1] or 'none'} "
            f"({file}), which a newer Eyechart wrote: install that version, or set EYECHART_ROOT to another folder"
        )


def note_format() -> None:
    """Write the number of its format into the state folder, where there is none yet."""
    file = state() / "format"
    if not file.exists():
        write_text(file, f"{FORMAT}\n")


def own_notes() -> Path:
    """Where a person's processes note what they have to remember of a workspace: its state folder, if that is writable.

    Else a folder of their own for this one: what others have finished is handed back, and delivered, from there.
    """
    folder = state()
    above = next(place for place in (folder, *folder.parents) if place.exists())
    if os.access(above, os.W_OK):
        return folder
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "eyechart" / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:20]


def runs() -> Path:
    """The folder with one state folder per run key."""
    return state() / "runs"


def replaced() -> Path:
    """The folder with the state of runs that were trained anew with `force=true`, and count no more."""
    return state() / "replaced"


def sweeps() -> Path:
    """The folder with one state folder per sweep."""
    return state() / "sweeps"


def scans() -> Path:
    """The folder with one state folder for each run and the canvases that it was asked about."""
    return state() / "scans"
