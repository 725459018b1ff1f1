"""What goes wrong through no fault of the code: said in one line, never as a traceback."""

from __future__ import annotations

import difflib
import errno
import os
import re
from collections.abc import Iterable

TO_HAVE_AGAIN = "to have it again, move the run's folder away and train the run again"  # a file of a run

_NO_ROOM = "free some room, then type the same again"
_NOT_ALLOWED = "change its permissions, or work in a folder that may be written"
_ELSEWHERE = "type another name or place"
_TO_DO = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), then type the same again",
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EROFS: _NOT_ALLOWED,
    errno.ENAMETOOLONG: _ELSEWHERE,
    errno.ENOTDIR: _ELSEWHERE,
    errno.EISDIR: _ELSEWHERE,
    errno.EEXIST: _ELSEWHERE,
    errno.EBUSY: _ELSEWHERE,
}


class EyechartError(Exception):
    """Something a person can put right.

    The message is one line that says what was expected, what was received and what to type next.
    The programs in `pipelines/` print it to stderr and end with exit code 1.
    """


class ConfigError(EyechartError):
    """The configuration asks for something that does not exist or cannot be."""


class DataError(EyechartError):
    """A data set is missing, not prepared, corrupt or not what it should be."""


def in_words(error: Exception) -> str:
    """What an error says; where a disk is full or may not be written, where that is and what to do.

    Examples:
        >>> in_words(OSError(28, "No space left on device", "results/scan.png"))
        'No space left on device, at results/scan.png: free some room, then type the same again'
    """
    if isinstance(error, OSError) and re.fullmatch(r"\d+ requested and \d+ written", str(error)):  # NumPy's words
        error = OSError(errno.ENOSPC, "")
    if not isinstance(error, OSError) or error.errno not in _TO_DO:
        return str(error)
    place = f", at {error.filename}" if isinstance(error.filename, str | os.PathLike) else ""
    return f"{os.strerror(error.errno)}{place}: {_TO_DO[error.errno]}"


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
