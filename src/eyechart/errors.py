"""What goes wrong through no fault of the code: said in one line, never as a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EyechartError(Exception):
    """Something a person can put right.

    The message is one line that says what was expected, what was received and what to type next.
    The programs in `pipelines/` print it to stderr and end with exit code 1.
    """


class ConfigError(EyechartError):
    """The configuration asks for something that does not exist or cannot be."""


class DataError(EyechartError):
    """A data set is missing, not prepared, corrupt or not what it should be."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word nearest to `word`, as ` Did you mean 'x'?`, or an empty string.

    Examples:
        >>> nearest("epoch", ["epochs", "batch_size"])
        " Did you mean 'epochs'?"
        >>> nearest("zzz", ["epochs"])
        ''
    """
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if not close:  # a name written in full contains the short one people remember, or the other way round
        close = [name for name in known if len(word) >= 3 and (word in name or name in word)][:1]
    return f" Did you mean '{close[0]}'?" if close else ""
