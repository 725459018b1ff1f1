"""Turn the raw files of a data set into arrays that a training maps into memory.

python pipelines/preprocess.py dataset=mnist
"""

from __future__ import annotations

import sys

from omegaconf import DictConfig

from eyechart.core.cli import command, own_part, typed_for
from eyechart.data.config import PrepareConfig, read_config


@command("preprocess")
def main(config: DictConfig) -> None:
    """Prepare, and say what was done and what to type next."""
    settings = read_config(PrepareConfig, own_part(config, "preprocess"))
    from eyechart.core import paths
    from eyechart.core.pictures import how_visible
    from eyechart.data import copies
    from eyechart.data.groups import shared_groups
    from eyechart.data.images import numbering
    from eyechart.data.inequality import inequality
    from eyechart.data.prepare import prepare

    dataset = prepare(settings.dataset)
    if remark := numbering(dataset.originals):
        print(f"note: {remark}", file=sys.stderr)
    if remark := how_visible(dataset.image_shape[2]):
        print(f"note: {remark}", file=sys.stderr)
    for part, what in (("train", "training"), ("test", "test")):
        if warning := inequality(dataset.class_counts[part], dataset.class_names, what):
            print(f"warning: {warning}", file=sys.stderr)
    parts = dataset.split(validation_fraction=None if dataset.own_validation else 0)
    for warning in filter(None, (copies.warning(dataset, parts), shared_groups(dataset, parts))):
        print(f"warning: {warning}", file=sys.stderr)
    height, width, channels = dataset.image_shape
    own = f" ({dataset.own_validation:,} of them its own validation part)" if dataset.own_validation else ""
    kinds = f"{len(dataset.class_names)} classes"
    if dataset.group_names:
        kinds += f" and {len(dataset.group_names):,} groups"
    print(
        f"{dataset.name} prepared: {dataset.counts['train']:,} training{own} and {dataset.counts['test']:,} test "
        f"images of {height}x{width}x{channels} in {kinds}: {paths.prepared(dataset.name)}"
    )
    print(f"next: python pipelines/train.py {typed_for('dataset') or f'dataset={dataset.name}'}")
