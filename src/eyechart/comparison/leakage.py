"""What is said of runs on data of which images are on two sides of the parts: exact copies, images of one group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from eyechart.comparison.groups import choice
from eyechart.core.errors import EyechartError
from eyechart.data import Dataset, Splits, names_of, open_dataset
from eyechart.data.copies import Crossing, crossings, in_words
from eyechart.data.dataset import FIRST
from eyechart.data.groups import shared_groups


def leakage(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Count, in the data of some runs, the test and validation images that are not new to what was trained.

    Where runs held back different images, the validation part with the most copies is told of, and the groups of the
    first.

    Args:
        runs: one or more on the same data, as rows of the table that `load_results` gives.

    Returns:
        A line on exact copies and one on groups; none of what there is not, or where the data are not prepared here, so
        that nobody can count.
    """
    name, digest = str(runs[0]["dataset"]), runs[0]["data_digest"]
    if not isinstance(digest, str) or names_of(digest) is None:
        return []
    with suppress(EyechartError):  # the data are damaged: told of where they are needed
        dataset = open_dataset(name, digest)
        cuts = {str(cut): cut for cut in map(_cut, runs)}.values()
        splits = [dataset.split(**cut) for cut in cuts]
        return [line for line in (_copies(dataset, splits), shared_groups(dataset, splits[0])) if line]
    return []


def _copies(dataset: Dataset, splits: list[Splits]) -> str | None:
    most: dict[str, Crossing] = {}
    for each in (crossing for one in splits for crossing in crossings(dataset, one)):
        most[each.part] = max(most.get(each.part, each), each, key=lambda crossing: crossing.copies)
    return in_words(list(most.values()), together=dataset.together) if most else None


def _cut(run: Mapping[str, Any]) -> dict[str, Any]:
    """How the parts of a run were cut, as `Dataset.split` takes it."""
    return {
        "validation_fraction": choice(run, "trainer.validation_fraction"),
        "split_seed": int(choice(run, "trainer.split_seed") or 0),
        "limit": tuple(choice(run, "limit") or (None, None)),
        "limit_order": choice(run, "limit_order") or FIRST,
    }
