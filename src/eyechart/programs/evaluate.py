"""Score a run from its predictions table: metrics, confusion matrix, curves, mistakes. No Keras, no MLflow.

python pipelines/evaluate.py                              the run of the DVC stage `train`
python pipelines/evaluate.py run=<run key> to=somewhere   any finished run
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from omegaconf import DictConfig

from eyechart.core.cli import command, own_part
from eyechart.core.schema import typed


@dataclass
class EvaluateConfig:
    """Whose predictions, and where to."""

    run: str | None
    to: str
    verify: bool


@command("evaluate", texts=("run", "to"))
def main(config: DictConfig) -> None:
    """Write the files, and say the accuracy."""
    settings = typed(EvaluateConfig, own_part(config, "evaluate"))
    from eyechart.core import paths
    from eyechart.data import verify_all
    from eyechart.runner.scorecard import evaluate
    from eyechart.runs.run import ExportedRun, Run
    from eyechart.runs.status import scores_in_words

    verify_all(settings.verify)
    exported = ExportedRun(paths.results() / "train", again="type dvc repro -f train")
    source = Run.find(settings.run).require() if settings.run else exported
    to = paths.named("to", settings.to)
    scores = evaluate(source, to)
    for warning in scores.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"{scores_in_words(scores.overall)}: {to}")
