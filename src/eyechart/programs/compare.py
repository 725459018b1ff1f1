"""Print the leaderboard: one board per data set, best first, a row for the runs that differ only in their seed.

python pipelines/compare.py                 every finished run
python pipelines/compare.py sweep=last      the newest sweep, and write the board to its MLflow run
python pipelines/compare.py sweep=last report=report.html      and all about it on one page, which opens anywhere

Is A better than B? Name two rows, by number on the board, by words or by run key:

python pipelines/compare.py sweep=last a=1 b=2
python pipelines/compare.py a=cnn b='model=fnn optimizer.learning_rate=0.01'
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig

from eyechart.core.cli import command
from eyechart.core.schema import typed
from eyechart.tracking.config import TrackingConfig, in_force


@dataclass
class CompareConfig:
    """What to compare: the runs of one sweep, of one MLflow experiment, or all; a picture, a report; a question."""

    sweep: str | None = None
    experiment_name: str | None = None
    picture: str | None = None
    report: str | None = None
    a: str | None = None
    b: str | None = None
    tracking: TrackingConfig = field(default_factory=TrackingConfig)


@command("compare", texts=("sweep", "a", "b"))
def main(config: DictConfig) -> None:
    """Read the journals, print the boards or answer the question."""
    settings = typed(CompareConfig, config)
    tracking = in_force(settings.tracking)
    from eyechart.comparison import in_mlflow, leaderboard, report
    from eyechart.comparison.question import compare_sides
    from eyechart.core.errors import EyechartError
    from eyechart.core.files import check_file
    from eyechart.runs.manifest import find_sweep, run_keys
    from eyechart.sweeps.sweep import publish

    for key, suffix in (("picture", ".svg"), ("report", ".html")):
        if (named := getattr(settings, key)) is not None:
            check_file(Path(named), key, suffix)
    results = leaderboard.load_results(settings.sweep, settings.experiment_name)
    if results.empty:
        where = f" in the MLflow experiment '{settings.experiment_name}'" if settings.experiment_name else ""
        raise EyechartError(f"there is no finished run{where} to compare: type python pipelines/train.py")
    if settings.a is not None or settings.b is not None:
        if settings.picture is not None:
            raise EyechartError("picture= draws the boards, a= and b= compare two rows: type one or the other")
        if settings.report is not None:
            raise EyechartError("report= is on all rows, a= and b= compare two of them: type one or the other")
        print("\n".join(compare_sides(results, settings.a, settings.b)))
        return
    leaderboard.print_boards(results, Path(settings.picture) if settings.picture else None)
    if settings.report is not None:
        what = "every finished run"
        if settings.experiment_name is not None:
            what = f"MLflow experiment {settings.experiment_name}"
        if settings.sweep is not None:
            what = f"sweep {find_sweep(settings.sweep).name}"
        report.write_report(Path(settings.report), results, what)
        print(f"report written to {settings.report}")
    if settings.sweep is not None:
        folder = find_sweep(settings.sweep)
        files = leaderboard.write_boards(folder, list(results["run_key"]))
        published = publish(folder, files, tracking, in_mlflow.sweep_records(folder, results["run_key"]))
        print(f"written to {folder}: leaderboard.csv and .md, runs.csv; {published}")
        covered = len(run_keys(settings.sweep))
        if len(results) < covered:
            print(f"{len(results)} of the sweep's {covered} runs are finished: type its command again for the rest")
    in_mlflow.print_links(results["run_key"], tracking, find_sweep(settings.sweep) if settings.sweep else None)
