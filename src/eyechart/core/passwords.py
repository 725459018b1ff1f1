"""Passwords in addresses: hidden before anything is printed or written."""

from __future__ import annotations

import re


def hide_password(text: str) -> str:
    """The text, an address or a sentence with addresses, without the users and passwords that they carry."""
    return re.sub(r"((?:[\w+.-]+:)?//)[^\s'\"]*@|[^\s'\"/@=]+:[^\s'\"]*@", lambda match: f"{match[1] or ''}***@", text)
