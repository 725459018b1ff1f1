"""Addresses in MLflow's pages, as people want them opened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

from eyechart.runs.cursor import delivered_experiment_id, delivered_run_id
from eyechart.tracking.config import TrackingConfig
from eyechart.tracking.store import Store
from eyechart.tracking.views import ALL, CURVES, PICTURES

PAGE = "http://127.0.0.1:5000"  # where `make ui` serves
TRAINING = "workflowType=machine_learning"  # without it the page is one for language models
COMPARED = 5  # runs on the page that lays them side by side


def links(page: str, experiment_id: str, key: str = ALL, best: Sequence[str] = ()) -> dict[str, str]:
    """The addresses of the views of some runs, each by what it shows.

    Args:
        page: the address of the MLflow server.
        experiment_id: of the MLflow experiment.
        key: of the views, as `keep_views` was told.
        best: the ids of the MLflow runs that a page compares, best first; with less than two there is no such page.
    """
    runs = f"{page.rstrip('/')}/#/experiments/{experiment_id}/runs?{TRAINING}"
    found = {
        "curves": f"{runs}&compareRunsMode=CHART&viewStateShareKey={key}-{CURVES}",
        "pictures": f"{runs}&compareRunsMode=CHART&viewStateShareKey={key}-{PICTURES}",
        "classes": f"{runs}&compareRunsMode=ARTIFACT&viewStateShareKey={key}-{CURVES}",
    }
    if len(best) > 1:
        found["compare"] = comparison(page, experiment_id, best)
    return found


def comparison(page: str, experiment_id: str, run_ids: Sequence[str]) -> str:
    """The address of the page that lays the first of these runs side by side."""
    chosen, experiments = (
        quote(json.dumps(value, separators=(",", ":"))) for value in (run_ids[:COMPARED], [experiment_id])
    )
    return f"{page.rstrip('/')}/#/compare-runs?runs={chosen}&experiments={experiments}&{TRAINING}"


def links_to_scans(tracking: TrackingConfig, page: str, scans: Sequence[Path]) -> dict[str, str]:
    """The address of what MLflow shows of one scan, or of several side by side; none where nothing was delivered.

    Args:
        tracking: where to.
        page: the address of the server.
        scans: their folders, best first; not empty.
    """
    experiment_id, run_ids = _delivered(tracking, scans[0], scans)
    if experiment_id is None or not run_ids:
        return {}
    if len(run_ids) == 1:
        return {"scan": f"{page.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_ids[0]}"}
    return {"compare": comparison(page, experiment_id, run_ids)}


def page_of(tracking: TrackingConfig) -> str | None:
    """The address of the tracking server; None where the store is a database, which has no page of its own."""
    served = urlsplit(tracking.uri or "")
    if tracking.mode != "server" or served.scheme not in ("http", "https"):
        return None
    return f"{served.scheme}://{served.netloc.rpartition('@')[2]}{served.path}"


def links_to(tracking: TrackingConfig, page: str, best: Sequence[Path], sweep: Path | None = None) -> dict[str, str]:
    """The addresses of what MLflow shows of some runs; none where nothing was delivered.

    Args:
        tracking: where to.
        page: the address of the server.
        best: the folders of the runs, best first; not empty.
        sweep: the folder of the sweep that they are the runs of; None: the addresses are of all runs.
    """
    experiment_id, run_ids = _delivered(tracking, sweep or best[0], best)
    if experiment_id is None:
        return {}
    return links(page, experiment_id, sweep.name if sweep else ALL, run_ids)


def _delivered(tracking: TrackingConfig, whole: Path, best: Sequence[Path]) -> tuple[str | None, list[str]]:
    """The MLflow experiment that `whole` was delivered to, None if it was not; the ids of the first runs of `best`."""
    if not tracking.delivers:
        return None, []
    uri = Store(tracking.uri).uri
    run_ids = [run_id for folder in best[:COMPARED] if (run_id := delivered_run_id(folder, uri))]
    return delivered_experiment_id(whole, uri), run_ids


def as_lines(found: dict[str, str]) -> list[str]:
    """Addresses as they are printed, one a line."""
    return [f"  {what:8}  {address}" for what, address in found.items()]
