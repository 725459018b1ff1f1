"""One of many runs, sweeps or scans that is broken does not keep a command from the others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from eyechart.core.errors import EyechartError, in_words

_told: set[str] = set()


@contextmanager
def passing_over() -> Iterator[None]:
    """Do something with one of many: where it is broken or cannot be read, that is said once, and the block left.

    Where it is the one that a person asked for, it is an error, and this is not used.
    """
    try:
        yield
    except (EyechartError, OSError) as error:
        line = in_words(error)
        if line not in _told:
            print(f"warning: passed over: {line}", file=sys.stderr, flush=True)
        _told.add(line)
