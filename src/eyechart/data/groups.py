"""Groups of images, as of one patient, that lie on two sides of the parts that a data set brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eyechart.core.words import counted

if TYPE_CHECKING:
    from eyechart.data.dataset import Dataset, Splits


def shared_groups(dataset: Dataset, splits: Splits) -> str | None:
    """What to know where a group has training images and others; None where none has, or there are no groups.

    Where a part is cut here no group is divided, so that only a data set's own parts can share one.
    """
    seen, found = splits.train.groups, []
    if not dataset.group_names or seen is None:
        return None
    for name, part in (("validation", splits.validation), ("test", splits.test)):
        if part is None or part.groups is None:
            continue
        shared = np.isin(part.groups, seen)
        if shared.any():
            groups = counted(len(np.unique(part.groups[shared])), "group")
            found.append(f"{shared.sum():,} of {len(part):,} {name} images are of {groups} with training images")
        seen = np.concatenate([seen, part.groups])
    if not found:
        return None
    return (
        f"{' and '.join(found[::-1])}: a score on them says little of new groups; these parts are the data set's own: "
        "divide no group in its files"
    )
