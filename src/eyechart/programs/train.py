"""Train one network, or with -m a sweep of them.

python pipelines/train.py model=lenet dataset=mnist
python pipelines/train.py -m model=fnn,cnn seed=0,1,2
"""

from __future__ import annotations

import os

from omegaconf import DictConfig

from eyechart.core.cli import command, number_job, resolve, typed_words


@command("config")
def main(config: DictConfig) -> float:
    """Train, and return the number by which a search would compare runs: the monitored metric, or the accuracy."""
    from hydra.core.hydra_config import HydraConfig

    from eyechart.sweeps.job import run_job
    from eyechart.sweeps.sweep import JOB

    if (number := os.environ.get(JOB)) is not None:
        number_job(HydraConfig.get(), int(number))
    resolve(config)
    return run_job(config, typed_words())
