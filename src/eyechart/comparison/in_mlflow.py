"""What MLflow's pages show of a sweep as a whole, and where they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from eyechart.comparison.groups import Board, best_first, boards
from eyechart.comparison.results import results_of
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.runs.journal import read_journal
from eyechart.runs.manifest import find_sweep, read_manifest, run_keys
from eyechart.tracking.config import TrackingConfig
from eyechart.tracking.description import of_sweep
from eyechart.tracking.links import PAGE, as_lines, links, links_to, links_to_scans, page_of
from eyechart.tracking.store import Store
from eyechart.tracking.views import best_name


def sweep_records(sweep: Path, keys: Iterable[str]) -> list[dict[str, Any]]:
    """What a sweep's journal is to say at its end: its description, and the views of its runs; nothing without runs.

    Args:
        sweep: its folder, with `leaderboard.md`.
        keys: of its runs.
    """
    results = results_of(keys)
    if results.empty:
        return []
    best, by, ascending = best_first(results)
    typed = read_manifest(sweep)["command"]
    name = next(record["name"] for record in read_journal(sweep) if record["kind"] == "start")
    day, hour = sweep.name[:8], sweep.name[9:13]
    began = f"{day[:4]}-{day[4:6]}-{day[6:]} {hour[:2]}:{hour[2:]}"
    views = {"name": f"{name}, {began}", "runs": best, "order_by": best_name(by), "ascending": ascending}
    first = [_first(board) for board in boards(results)]
    tables = (sweep / "leaderboard.md").read_text(encoding="utf-8")
    return [{"kind": "views", **views}, {"kind": "description", "text": of_sweep(typed, first, tables)}]


def _first(board: Board) -> str:
    row = board.rows.iloc[0]
    seeds = f" (mean of {row['seeds']} seeds)" if row["seeds"] > 1 else ""
    return f"On {board.title}, {board.note}: **{row['run']}**, test accuracy {row['test/accuracy']:.4f}{seeds}."


def print_links(keys: Iterable[str], tracking: TrackingConfig, sweep: Path | None = None) -> None:
    """Say where MLflow shows these runs, if it does.

    Args:
        keys: of the runs.
        tracking: where they were delivered.
        sweep: the folder of the sweep that they are the runs of.
    """
    _print(_links(keys, tracking, page_of(tracking) or PAGE, sweep), tracking)


def print_links_to_scans(scans: Sequence[Path], tracking: TrackingConfig) -> None:
    """Say where MLflow shows what was found in these scans, if it does.

    Args:
        scans: their folders, best first; not empty.
        tracking: where they were delivered.
    """
    _print(links_to_scans(tracking, page_of(tracking) or PAGE, scans), tracking)


def _print(found: dict[str, str], tracking: TrackingConfig) -> None:
    if found:
        print("in MLflow:" if page_of(tracking) else "in MLflow (make ui starts it):")
        print("\n".join(as_lines(found)))


def print_all_links(store: Store, tracking: TrackingConfig, page: str) -> None:
    """Say where MLflow shows all runs of its experiment, and those of the newest sweep.

    Args:
        store: that has them.
        tracking: of this store.
        page: the address of the server.
    """
    experiment_id = store.experiment_id(tracking.experiment_name)
    if not store.client.search_runs([experiment_id], max_results=1):
        print(f"nothing has been delivered to the MLflow experiment '{tracking.experiment_name}' yet")
    print(f"all runs of the MLflow experiment '{tracking.experiment_name}':")
    print("\n".join(as_lines(links(page, experiment_id))))
    try:
        newest = find_sweep("last")
    except EyechartError:  # there is none yet
        return
    found = _links(run_keys(newest.name), tracking, page, newest)
    if found:
        print(f"the newest sweep, {newest.name}:")
        print("\n".join(as_lines(found)))


def _links(keys: Iterable[str], tracking: TrackingConfig, page: str, sweep: Path | None) -> dict[str, str]:
    results = results_of(keys)
    if results.empty:
        return {}
    best, _, _ = best_first(results)
    return links_to(tracking, page, [paths.runs() / key for key in best], sweep)
