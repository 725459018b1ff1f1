"""What a board says of images that are on two sides of the parts of its data, because they are exact copies."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from eyechart.comparison.groups import Board, as_dicts, choice
from eyechart.core.errors import EyechartError
from eyechart.data import names_of, open_dataset
from eyechart.data.copies import Crossing, crossings, in_words


def copies(board: Board) -> list[str]:
    """Count, in the data of a board, the test and validation images that are exact copies of training images.

    Where rows held back different images, the validation part with the most copies is told of.

    Returns:
        One line; none where there are no copies, or where the data are not prepared here, so that nobody can count.
    """
    runs = as_dicts(board.runs)
    name, digest = str(runs[0]["dataset"]), runs[0]["data_digest"]
    if not isinstance(digest, str) or names_of(digest) is None:
        return []
    most: dict[str, Crossing] = {}
    with suppress(EyechartError):  # the data are damaged: told of where they are needed
        dataset = open_dataset(name, digest)
        for cut in {str(cut): cut for cut in map(_cut, runs)}.values():
            for each in crossings(dataset, dataset.split(**cut)):
                most[each.part] = max(most.get(each.part, each), each, key=lambda crossing: crossing.copies)
        return [in_words(list(most.values()), together=dataset.together)] if most else []
    return []


def _cut(run: Mapping[str, Any]) -> dict[str, Any]:
    """How the parts of a run were cut, as `Dataset.split` takes it."""
    return {
        "validation_fraction": choice(run, "trainer.validation_fraction"),
        "split_seed": int(choice(run, "trainer.split_seed") or 0),
        "limit": tuple(choice(run, "limit") or (None, None)),
    }
