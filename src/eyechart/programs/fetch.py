"""Get the raw files of a data set, from the first of many places that holds the right content.

python pipelines/fetch.py dataset=mnist
"""

from __future__ import annotations

import sys

from omegaconf import DictConfig

from eyechart.core.cli import command, own_part, typed_for
from eyechart.data.config import FetchConfig, read_config


@command("fetch")
def main(config: DictConfig) -> None:
    """Fetch, and say what was done and what to type next."""
    settings = read_config(FetchConfig, own_part(config, "fetch"))
    from eyechart.data.fetch import fetch

    name = settings.dataset.name
    fetched = fetch(settings.dataset, settings.mirrors)
    for note in fetched.notes:
        print(f"note: passed over {note}", file=sys.stderr)
    for remark in fetched.remarks:
        print(f"note: {remark}", file=sys.stderr)
    if fetched.place is None:
        print(f"{name} is already fetched and verified: {fetched.folder}")
    else:
        print(f"{name} fetched from {fetched.place} and verified: {fetched.folder}")
    print(f"next: python pipelines/preprocess.py {typed_for('dataset') or f'dataset={name}'}")
