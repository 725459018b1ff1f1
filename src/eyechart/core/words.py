"""Words that several rooms put their sentences together from."""

from __future__ import annotations

import math

MOST_DECIMALS = 8  # a narrower interval is one of rounding


def counted(number: int, noun: str) -> str:
    """Say how many there are of something: `1 file`, `2 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def decimals(low: float, high: float, least: int = 4) -> int:
    """Say with how many decimals to show an interval: `least`, or more where two digits of its width need them.

    With four, 0.99981-0.99999 would be 0.9998-1.0000.
    """
    width = high - low
    return max(least, min(1 - math.floor(math.log10(width)), MOST_DECIMALS)) if width > 0 else least


def between(low: float, high: float, digits: int | None = None) -> str:
    """Say an interval of a score: `0.8665-0.9291`, with as many decimals as it needs or as are asked for."""
    digits = decimals(low, high) if digits is None else digits
    return f"{low:.{digits}f}-{high:.{digits}f}"


def with_interval(mean: float, low: float, high: float) -> str:
    """Say a score with its interval: `0.9022 (95% interval 0.8665-0.9291)`."""
    return f"{mean:.{decimals(low, high)}f} (95% interval {between(low, high)})"


def points_with_interval(mean: float, low: float, high: float, joint: str = ", ") -> str:
    """Say a difference in percentage points, and its interval after `joint`.

    For example `+1.20 percentage points, 95% interval +0.40 to +2.00`.
    """
    digits = decimals(low, high, 2)
    return f"{mean:+.{digits}f} percentage points{joint}95% interval {low:+.{digits}f} to {high:+.{digits}f}"
