"""What MLflow's pages show of a sweep as a whole, and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eyechart.comparison.confirmation import by_new_seeds
from eyechart.comparison.evidence import Evidence
from eyechart.comparison.groups import Board, Ranking, best_first
from eyechart.comparison.leaderboard import Leaderboard
from eyechart.comparison.results import results_of
from eyechart.core.errors import EyechartError
from eyechart.runs.journal import RecordKind
from eyechart.runs.run import Run
from eyechart.runs.sweep import Sweep
from eyechart.tracking.config import TrackingConfig
from eyechart.tracking.description import of_sweep
from eyechart.tracking.links import PAGE, as_lines, links, links_to, links_to_scans, page_of
from eyechart.tracking.store import Store
from eyechart.tracking.views import best_name


def sweep_records(sweep: Sweep, leaderboard: Leaderboard) -> list[dict[str, Any]]:
    """What a sweep's journal is to say at its end: its description, and the views of its runs; nothing without runs."""
    if not leaderboard:
        return []
    ranking = leaderboard.ranking
    day, hour = sweep.id[:8], sweep.id[9:13]
    began = f"{day[:4]}-{day[4:6]}-{day[6:]} {hour[:2]}:{hour[2:]}"
    name = f"{sweep.journal.start['name']}, {began}"
    order = {"order_by": best_name(ranking.by), "ascending": ranking.ascending}
    views = {"name": name, "runs": ranking.run_keys, **order}
    first = [_first(board, evidence) for board, evidence in leaderboard.boards]
    text = of_sweep(sweep.command, first, leaderboard.markdown())
    return [{"kind": RecordKind.VIEWS, **views}, {"kind": RecordKind.DESCRIPTION, "text": text}]


def _first(board: Board, evidence: Evidence) -> str:
    """The first row of a board in a sentence, and what new seeds say of it."""
    row = board.rows.iloc[0]
    seeds = f" (mean of {row['seeds']} seeds)" if row["seeds"] > 1 else ""
    score = f"On {board.title}, {board.note}: **{row['run']}**, test accuracy {row['test/accuracy']:.4f}{seeds}."
    return " ".join([score, *(line if line.endswith(".") else f"{line}." for line in by_new_seeds(evidence))])


def print_links(leaderboard: Leaderboard, tracking: TrackingConfig, sweep: Sweep | None = None) -> None:
    """Say where MLflow shows the runs of a leaderboard, if it does.

    Args:
        leaderboard: of the runs.
        tracking: where they were delivered.
        sweep: that they are the runs of.
    """
    _print(_links(leaderboard.ranking, tracking, page_of(tracking) or PAGE, sweep), tracking)


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
        newest = Sweep.find("last")
    except EyechartError:  # there is none yet
        return
    results = results_of(newest.runs)
    found = {} if results.empty else _links(best_first(results), tracking, page, newest)
    if found:
        print(f"the newest sweep, {newest.id}:")
        print("\n".join(as_lines(found)))


def _links(ranking: Ranking, tracking: TrackingConfig, page: str, sweep: Sweep | None) -> dict[str, str]:
    if not ranking.run_keys:
        return {}
    return links_to(tracking, page, [Run(key).folder for key in ranking.run_keys], sweep.folder if sweep else None)
