"""Texts in CSV files, which spreadsheets open."""

from __future__ import annotations

import re
from typing import Any

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def cell(value: Any) -> Any:
    """A value as a cell: before a text that a spreadsheet would take for a formula stands an apostrophe.

    Examples:
        >>> cell('=HYPERLINK("http://example.org")'), cell("-1"), cell("rose"), cell(0.5)
        ('\\'=HYPERLINK("http://example.org")', '-1', 'rose', 0.5)
    """
    if (
        isinstance(value, str)
        and len(value) > 1
        and value[0] in ("=", "+", "-", "@", "\t", "\r")
        and not _NUMBER.fullmatch(value)
    ):
        return f"'{value}"
    return value
