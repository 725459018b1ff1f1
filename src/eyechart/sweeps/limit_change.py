"""What a plan says of runs that were limited to the first test images, as every limit once was."""

from __future__ import annotations

from collections.abc import Sequence

from eyechart.core.words import counted
from eyechart.runner.job import Job
from eyechart.runs.run import Run


def about_limit(jobs: Sequence[Job]) -> list[str]:
    """How many of these jobs are there already with the first test images, and how to have those."""
    new = [job for job in jobs if job.first_images_key and job.status.begun is None]
    number = sum(Run(job.first_images_key).status.begun is not None for job in new)
    if not number:
        return []
    return [
        "limit takes a stratified sample of the test images now, no longer the first: "
        f"{counted(number, 'run')} will be trained anew; limit_order=first takes up the old ones"
    ]
