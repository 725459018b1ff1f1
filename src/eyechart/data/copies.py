"""How many images that are the same pixel by pixel lie in two parts of a data set.

Who is tested on copies of training images is asked what was learned by heart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eyechart.data.dataset import Dataset, Splits

TYPE = "++dataset.copies=together"


@dataclass(frozen=True)
class Crossing:
    """Images of one part that are the same as an image of another, pixel by pixel.

    Attributes:
        part: `test` or `validation`.
        copies: how many images of it are copies: of training images, and in the test part also of validation images.
        images: how many images it has.
        otherwise: how many of the copies have a label that none of the images has that they are copies of.
        cut: whether the part is cut here, and not the data set's own.
    """

    part: str
    copies: int
    images: int
    otherwise: int
    cut: bool


def crossings(dataset: Dataset, splits: Splits) -> list[Crossing]:
    """Count the copies that lie on two sides of the parts; the parts that have none are left out.

    Args:
        dataset: in which images are looked for.
        splits: of this data set.
    """
    first = dataset.first_alike
    if first is None:
        return []
    train, validation, test = splits.train, splits.validation, splits.test
    seen = [(first[train.indices], train.labels)]
    found = []
    if validation is not None:
        held = (first[validation.indices], validation.labels)
        own = np.arange(dataset.counts["train"] - dataset.own_validation, dataset.counts["train"])
        cut = not np.array_equal(validation.indices, own)
        found.append(_crossing("validation", held, seen, cut=cut))
        seen.append(held)
    tested = (first[dataset.counts["train"] + test.indices], test.labels)
    found.append(_crossing("test", tested, seen, cut=dataset.test_held_back))
    return [crossing for crossing in found[::-1] if crossing.copies]


def warning(dataset: Dataset, splits: Splits) -> str | None:
    """What to know, and what to type, where copies lie on two sides of the parts; None where they do not."""
    found = crossings(dataset, splits)
    return in_words(found, together=dataset.together) if found else None


def in_words(found: Sequence[Crossing], *, together: bool) -> str:
    """What to know of copies, and what to type.

    Args:
        found: one crossing or more.
        together: whether copies are kept on one side of what is cut here.
    """
    many = " and ".join(f"{each.copies:,} of {each.images:,} {each.part} images" for each in found)
    otherwise = sum(each.otherwise for each in found)
    labels = f", {otherwise:,} of them with another label" if otherwise else ""
    text = f"{many} are exact copies of training images{labels}: a score on them says nothing of images never seen"
    if any(each.cut for each in found) and not together:
        text += f"; to keep copies on one side, prepare and train with {TYPE}"
    if own := [each.part for each in found if not each.cut]:
        text += f"; the {' and the '.join(own)} part is the data set's own: remove them from its files"
    return text


def _crossing(
    part: str,
    images: tuple[npt.NDArray[np.int64], npt.NDArray[Any]],
    seen: Sequence[tuple[npt.NDArray[np.int64], npt.NDArray[Any]]],
    *,
    cut: bool,
) -> Crossing:
    first, labels = images
    known, known_labels = (np.concatenate(arrays) for arrays in zip(*seen, strict=True))
    copy = np.isin(first, known)
    # an image and its label as one number
    most = int(max(labels.max(initial=0), known_labels.max(initial=0))) + 1
    same = np.isin(first * most + labels, known * most + known_labels)
    return Crossing(part, int(copy.sum()), len(first), int((copy & ~same).sum()), cut)
