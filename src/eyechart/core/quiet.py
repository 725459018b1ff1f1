"""Import a backend without its notes on how it was built, which say nothing to the user."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

NOTE = re.compile(rb"(WARNING: All log messages before absl|[IW]0000 )")


@contextmanager
def without_notes() -> Iterator[None]:
    """Hold back what native code writes to stderr, and pass on all but the notes when the block is left."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not NOTE.match(line):
                    os.write(2, line)
