"""Words that several rooms put their sentences together from."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Say how many there are of something: `1 file`, `2 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
