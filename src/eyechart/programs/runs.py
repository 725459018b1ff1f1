"""Look after what lies on disk of the runs of this workspace.

python pipelines/runs.py verify    whether journals and files still hold what was written; exit code 1 if one does not
"""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import DictConfig

from eyechart.core.cli import command
from eyechart.core.schema import one_of, typed

ACTIONS = ("verify",)


@dataclass
class RunsConfig:
    """What to do."""

    action: str | None


@command("runs", texts=("action",), acts=True)
def main(config: DictConfig) -> None:
    """Do what was typed."""
    settings = typed(RunsConfig, config)
    from eyechart.core.errors import EyechartError

    if settings.action is None:
        raise EyechartError("expected what to do with the runs, received nothing: type python pipelines/runs.py verify")
    one_of("action", settings.action, ACTIONS)
    from eyechart.core import paths
    from eyechart.runs.verify import verify

    found = verify(paths.state())
    for folder, why in found.broken:
        print(f"broken: {folder.parent.name}/{folder.name}: {why}")
    print(found)
    if found.broken:
        broken = len({folder for folder, _ in found.broken})
        raise EyechartError(f"{broken} of {found.checked} are broken, as told above: do what is said of each")
