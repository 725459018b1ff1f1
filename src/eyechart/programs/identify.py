"""Say by which code a training is known: what its run key has of the code that lies here now.

python pipelines/identify.py model=lenet
python pipelines/identify.py model=fnn model._target_=nets.Wide    a network of your own, and its files
"""

from __future__ import annotations

import sys

from omegaconf import DictConfig

from eyechart.core.cli import command


@command("config")
def main(config: DictConfig) -> None:
    """Print a line for each choice, and for each file of a person's own."""
    from eyechart.code.module import PACKAGE
    from eyechart.config import TRAINING_VERSION, check

    code = check(config).code
    lines = {"training": f"version {TRAINING_VERSION}"}
    for choice in code.choices:
        lines[choice] = code.tokens.get(choice, "as first recorded")
    lines |= {file: one for file, one in code.files.items() if not file.startswith(f"{PACKAGE}/")}
    width = max(map(len, lines))
    print("\n".join(f"{name:{width}}  {counts}" for name, counts in lines.items()))
    for note in code.notes:
        print(f"notice: {note}", file=sys.stderr)
