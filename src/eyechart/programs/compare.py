"""Print the leaderboard: one board per data set, best first, a row for the runs that differ only in their seed.

python pipelines/compare.py                 every finished run
python pipelines/compare.py sweep=last      the newest sweep, and write the board to its MLflow run
python pipelines/compare.py sweep=last report=report.html      and all about it on one page, which opens anywhere

Is A better than B? Name two rows, by number on the board, by words or by run key:

python pipelines/compare.py sweep=last a=1 b=2
python pipelines/compare.py a=cnn b='model=fnn optimizer.learning_rate=0.01'
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from eyechart.core.cli import command
from eyechart.core.errors import ConfigError, EyechartError
from eyechart.core.files import behind_links, check_file
from eyechart.core.schema import typed
from eyechart.tracking.config import TrackingConfig, in_force

if TYPE_CHECKING:
    import pandas as pd

    from eyechart.comparison.leaderboard import Leaderboard
    from eyechart.runs.sweep import Sweep


@dataclass
class CompareConfig:
    """What to compare: the runs of one sweep, of one MLflow experiment, or all; a picture, a report; a question."""

    sweep: str | None
    experiment_name: str | None
    picture: str | None
    report: str | None
    a: str | None
    b: str | None
    margin: float
    verify: bool
    tracking: TrackingConfig


@command("compare", texts=("sweep", "a", "b"))
def main(config: DictConfig) -> None:
    """Read the journals, print the boards or answer the question."""
    settings = typed(CompareConfig, config)
    tracking = in_force(settings.tracking)
    from eyechart.comparison.leaderboard import Leaderboard
    from eyechart.comparison.results import results_of
    from eyechart.data import verify_all
    from eyechart.runs.run import Run
    from eyechart.runs.sweep import Sweep

    for key, suffix, own in (("picture", ".svg", b"pipelines/compare.py"), ("report", ".html", b"<title>Eyechart: ")):
        if (named := getattr(settings, key)) is not None:
            check_file(Path(named), key, suffix, own)
    if not 0 <= settings.margin <= 100:
        raise ConfigError(f"margin must be from 0 to 100 percentage points, received {settings.margin:g}")
    verify_all(settings.verify)
    sweep = None if settings.sweep is None else Sweep.find(settings.sweep)  # once: `last` may soon be another
    results = results_of(Run.all() if sweep is None else sweep.finished_runs(), settings.experiment_name)
    if results.empty:
        where = f" in the MLflow experiment '{settings.experiment_name}'" if settings.experiment_name else ""
        raise EyechartError(f"there is no finished run{where} to compare: type python pipelines/train.py")
    if settings.a is not None or settings.b is not None:
        _answer(settings, results)
    else:
        _show(settings, Leaderboard.of(results, settings.margin / 100), sweep, tracking)


def _answer(settings: CompareConfig, results: pd.DataFrame) -> None:
    """Answer the question which of two rows is better."""
    from eyechart.comparison.question import compare_sides

    if settings.picture is not None:
        raise EyechartError("picture= draws the boards, a= and b= compare two rows: type one or the other")
    if settings.report is not None:
        raise EyechartError("report= is on all rows, a= and b= compare two of them: type one or the other")
    print("\n".join(compare_sides(results, settings.a, settings.b, settings.margin / 100)))


def _show(settings: CompareConfig, leaderboard: Leaderboard, sweep: Sweep | None, tracking: TrackingConfig) -> None:
    """Print the boards, write what was asked for, and bring those of a sweep to its MLflow run."""
    from eyechart.comparison import in_mlflow
    from eyechart.comparison.report import write_report
    from eyechart.sweeps.sweep import publish

    leaderboard.print(behind_links(Path(settings.picture)) if settings.picture else None)
    if settings.report is not None:
        what = "every finished run"
        if settings.experiment_name is not None:
            what = f"MLflow experiment {settings.experiment_name}"
        if sweep is not None:
            what = f"sweep {sweep.id}"
        write_report(behind_links(Path(settings.report)), leaderboard, what)
        print(f"report written to {settings.report}")
    if sweep is not None:
        files = leaderboard.write(sweep.folder)
        published = publish(sweep, files, tracking, in_mlflow.sweep_records(sweep, leaderboard))
        print(f"written to {sweep.folder}: leaderboard.csv and .md, runs.csv; {published}")
        covered = len(sweep.run_keys)
        if len(leaderboard) < covered:
            print(f"{len(leaderboard)} of the sweep's {covered} runs are finished: type its command again for the rest")
    in_mlflow.print_links(leaderboard, tracking, sweep)
