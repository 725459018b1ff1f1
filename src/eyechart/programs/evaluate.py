"""Score a run from its predictions table: metrics, confusion matrix, curves, mistakes. No Keras, no MLflow.

python pipelines/evaluate.py                              the run of the DVC stage `train`
python pipelines/evaluate.py run=<run key> to=somewhere   any finished run
"""

from __future__ import annotations

from dataclasses import dataclass

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from eyechart.core.cli import command
from eyechart.core.schema import typed


@dataclass
class EvaluateConfig:
    """Whose predictions, and where to."""

    run: str | None = None
    to: str = "results/evaluate"


@command("evaluate", texts=("run", "to"))
def main(config: DictConfig) -> None:
    """Write the files, and say the accuracy."""
    if HydraConfig.get().job.config_name != "evaluate":  # started by DVC with the configuration of a whole training
        config = OmegaConf.create({})
    settings = typed(EvaluateConfig, config)
    from eyechart.core import paths
    from eyechart.runner.scorecard import evaluate
    from eyechart.runs.run import Run

    source = Run.find(settings.run).artifacts if settings.run else paths.results() / "train"
    scores = evaluate(source, paths.workspace() / settings.to)
    print(f"test accuracy {scores['test/accuracy']:.4f}: {paths.workspace() / settings.to}")
