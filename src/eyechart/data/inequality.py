"""Classes of unequal size, of which accuracy says too little."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 5  # times as many images as the smallest class has are not yet unequal


def is_unequal(counts: Sequence[int]) -> bool:
    """Whether the largest class has more than `MOST` times the images of the smallest."""
    return max(counts) > MOST * min(counts)


def inequality(counts: Sequence[int], class_names: Sequence[str], part: str) -> str | None:
    """What to know where the largest class has more than `MOST` times the images of the smallest; else None.

    Args:
        counts: the images of each class.
        class_names: one for each.
        part: whose images they are, as `training`.
    """
    most, least = max(counts), min(counts)
    if not is_unequal(counts):
        return None
    largest, smallest = (class_names[counts.index(count)] for count in (most, least))
    rare = f"{least:,}" if least else "none"
    return (
        f"of {sum(counts):,} {part} images {most:,} are of class '{largest}' and {rare} of '{smallest}': accuracy says "
        "little of rare classes, look at balanced accuracy and macro F1"
    )
