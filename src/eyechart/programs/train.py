"""Train one network, or with -m a sweep of them.

python pipelines/train.py model=lenet dataset=mnist
python pipelines/train.py -m model=fnn,cnn seed=0,1,2
"""

from __future__ import annotations

from omegaconf import DictConfig

from eyechart.core.cli import command


@command("config")
def main(config: DictConfig) -> float:
    """Train, and return the number by which a search would compare runs: the monitored metric, or the accuracy."""
    from hydra.core.hydra_config import HydraConfig

    from eyechart.sweeps.job import run_job

    return run_job(config, list(HydraConfig.get().overrides.task))
