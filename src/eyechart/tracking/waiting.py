"""How every loop waits for a server: with pauses that grow, until a deadline."""

from __future__ import annotations

import time
from collections.abc import Iterator


def tries(patience: float, pause: float, longest: float = 2.0) -> Iterator[bool]:
    """Pause between two tries, and say of each whether it is the last one.

    The second follows at once, each later one after a pause twice as long as the one before.

    Args:
        patience: seconds until the last try begins, if none before it is enough.
        pause: seconds before the third try.
        longest: seconds that a pause grows to.
    """
    end, before = time.monotonic() + patience, 0.0
    while True:
        left = end - time.monotonic()
        yield left <= 0
        if left <= 0:
            return
        time.sleep(min(before, max(0.0, end - time.monotonic())))
        before = min(2 * before or pause, longest)
