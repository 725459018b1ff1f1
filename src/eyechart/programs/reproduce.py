"""Train a finished run once more, and say whether it comes to the same: every metric, every prediction.

python pipelines/reproduce.py                    the run that finished last
python pipelines/reproduce.py run=<run key>      any finished run, also by the id of its MLflow run

Nothing is tracked or kept. On one machine and processor the two are equal, bit for bit.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from omegaconf import DictConfig

from eyechart.core.cli import command
from eyechart.core.schema import typed


@dataclass
class ReproduceConfig:
    """Which run."""

    run: str | None
    verify: bool


@command("reproduce", texts=("run",))
def main(config: DictConfig) -> None:
    """Train and compare; exit code 1 if something differs."""
    settings = typed(ReproduceConfig, config)
    from eyechart.core.errors import EyechartError
    from eyechart.data import verify_all
    from eyechart.runner.reproduce import differences_of_code, reproduce
    from eyechart.runs.run import Run

    verify_all(settings.verify)
    run = Run.find(settings.run)
    for line in differences_of_code(run):
        print(f"notice: {line}", file=sys.stderr)
    print(f"training run {run.key} again", flush=True)
    found = reproduce(run)
    width = max(map(len, found.numbers))
    print(f"\n{'':{width}}  {'recorded':>12}  {'again':>12}")
    for metric, (recorded, again) in found.numbers.items():
        print(f"{metric:{width}}  {recorded:12.7g}  {again:12.7g}  {'equal' if recorded == again else 'differs'}")
    print(f"{'every epoch':{width}}  {'':12}  {'':12}  {'equal' if found.history else 'differs'}")
    print(f"{'predictions':{width}}  {'':12}  {'':12}  {'equal' if found.predictions else 'differ'}")
    if not found.equal:
        why = f" ({'; '.join(found.reasons)})" if found.reasons else ""
        raise EyechartError(f"run {run.key} does not come to exactly the same{why}")
    print(f"run {run.key} comes to the same, bit for bit")
