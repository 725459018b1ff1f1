"""Make the best run champion, if the test images show that it is no worse than the one there is, and write down why.

python pipelines/promote.py                     the best of all finished runs on validation data stands for election
python pipelines/promote.py sweep=last          the best of the newest sweep
python pipelines/promote.py run=<run key>       this one
python pipelines/promote.py margin=1            it may be worse by 1 percentage point of test accuracy at most
"""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import DictConfig

from eyechart.core.cli import command
from eyechart.core.schema import typed
from eyechart.tracking.config import TrackingConfig, in_force


@dataclass
class PromoteConfig:
    """Among which runs, or which run, of which registered model, and how much worse it may be."""

    sweep: str | None
    experiment_name: str | None
    run: str | None
    name: str | None
    margin: float
    tracking: TrackingConfig


@command("promote", texts=("sweep", "run", "name"))
def main(config: DictConfig) -> None:
    """Hold the election, and say its outcome; exit code 1 if the champion stays."""
    settings = typed(PromoteConfig, config)
    tracking = in_force(settings.tracking)
    from eyechart.comparison import load_results
    from eyechart.comparison.exchange import rows_beside
    from eyechart.comparison.promotion import candidate_of, promote
    from eyechart.core.errors import EyechartError
    from eyechart.runs.run import Run
    from eyechart.tracking.store import Store

    if not tracking.delivers:
        raise EyechartError(f"champions are known to MLflow only, received tracking={tracking.mode}: leave it out")
    if settings.run is not None and (settings.sweep is not None or settings.experiment_name is not None):
        raise EyechartError("run= names the run, sweep= and experiment_name= choose the best of several: type one")
    results = load_results(settings.sweep, settings.experiment_name)
    if results.empty:
        raise EyechartError("there is no finished run to promote: type python pipelines/train.py")
    candidate = candidate_of(results, Run.find(settings.run) if settings.run else None)
    decision = promote(Store(tracking.uri), candidate, settings.name, settings.margin)
    version = f"version {decision.candidate.number} of '{decision.candidate.name}' (run {decision.candidate.run_key})"
    former = decision.champion
    if former and (beside := rows_beside(load_results(), decision.candidate.run_key, former.run_key, settings.margin)):
        print(beside)
    if not decision.promoted:
        raise EyechartError(f"{version} is not promoted, and stays challenger. {decision.why}")
    print(f"{version} is champion now. {decision.why}")
    print("use it: python pipelines/predict.py run=champion images=FOLDER, or see docs/serving.md")
