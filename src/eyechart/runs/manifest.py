"""The manifest of a sweep, as it lies on disk: which runs a sweep covers, and which sweep a person means."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.runs.cursor import run_ids

MANIFEST = "manifest.json"


def run_keys(sweep_id: str) -> list[str]:
    """The run keys that a sweep covers, from its manifest.

    Args:
        sweep_id: the name of its folder, its MLflow run id, or `last`.

    Raises:
        EyechartError: there is no such sweep.
    """
    return [job["run_key"] for job in read_manifest(find_sweep(sweep_id))["jobs"]]


def read_manifest(folder: Path) -> dict[str, Any]:
    """What the manifest of a sweep says, or EyechartError where it is broken."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        _ = manifest["jobs"]
    except (ValueError, LookupError, TypeError):
        raise EyechartError(
            f"{folder / MANIFEST} is broken: move {folder} away and type the sweep's command again, "
            f"which trains nothing that is finished"
        ) from None
    return manifest


def find_sweep(sweep_id: str) -> Path:
    """The state folder of a sweep, named as for `run_keys`; `last` is the one that was typed last."""
    known = _manifests()
    if not known:
        raise EyechartError("there is no sweep yet: type, for example, python pipelines/train.py -m model=fnn,cnn")
    if sweep_id == "last":
        return known[-1].parent
    for manifest in known:
        if manifest.parent.name == sweep_id or sweep_id in run_ids(manifest.parent):
            return manifest.parent
    newest = ", ".join(manifest.parent.name for manifest in known[-5:])
    raise EyechartError(f"there is no sweep '{sweep_id}': expected last, an MLflow run id, or an id such as {newest}")


def nothing_finished(sweep_id: str) -> EyechartError:
    """What to say where no run of a sweep, named as for `run_keys`, is finished."""
    name = find_sweep(sweep_id).name
    return EyechartError(f"no run of sweep {name} is finished: wait for it, or type its command again, it goes on")


def _manifests() -> list[Path]:
    """Of every sweep, in the order in which they were last typed."""
    return sorted(paths.sweeps().glob(f"*/{MANIFEST}"), key=lambda path: (path.stat().st_mtime, path.parent.name))


def sweep_of_identity(identity: str) -> Path | None:
    """The folder of the newest sweep of this identity."""
    for manifest in reversed(_manifests()):
        with suppress(EyechartError):  # another sweep's that is broken
            if read_manifest(manifest.parent).get("identity") == identity:
                return manifest.parent
    return None
