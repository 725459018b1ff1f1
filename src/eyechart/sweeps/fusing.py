"""Which runs of a sweep can be trained together, as the members of one program."""

from __future__ import annotations

import json
from collections.abc import Sequence

from eyechart.config import Config
from eyechart.runner.job import Job

VARIES = ("seed", "optimizer.learning_rate", "callbacks")  # what members may differ in
NEARBY = 1  # epochs: a run keeps its two newest checkpoints, so one that is an epoch ahead can go back


def fused_groups(jobs: Sequence[Job], max_members: int | None = None) -> list[list[Job]]:
    """Cut jobs into fused groups, which can be trained as one program, in the order of their first jobs.

    Jobs that resume are put together only where their epochs differ by at most `NEARBY`; those that stopped early fit
    any. So a fused group that was killed, at any time, is formed again.

    Args:
        jobs: to be trained.
        max_members: of a group; None: any number.
    """
    alike: dict[str, list[Job]] = {}
    for job in jobs:
        alike.setdefault(_likeness(job.config), []).append(job)
    groups = []
    for members in alike.values():
        left = members
        while left:
            newest = max((job.status.epochs for job in left if not job.status.ended), default=0)
            near = [job for job in left if job.status.ended or newest - job.status.epochs <= NEARBY]
            left = [job for job in left if job not in near]
            in_order = [job for job in members if job in near]
            size = max_members or len(in_order)
            groups += [in_order[start : start + size] for start in range(0, len(in_order), size)]
    position = {job.run_key: number for number, job in enumerate(jobs)}
    return sorted(groups, key=lambda group: position[group[0].run_key])


def _likeness(config: Config) -> str:
    """Everything that the members of a fused group must have in common."""
    choices = config.choices()
    for path in VARIES:
        group, _, name = path.rpartition(".")
        del (choices[group] if group else choices)[name]
    place = [config.trainer.device, config.trainer.device_gigabytes]
    return json.dumps([choices, place], sort_keys=True)
