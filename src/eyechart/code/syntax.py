"""Code as a text that is the same for the same program: on every Python, whatever its comments and its layout are."""

from __future__ import annotations

import ast
import hashlib
import json
from typing import Any

# not written: where a name stands is told by the node around it
_SKIPPED_FIELDS = {"ctx", "kind", "type_comment", "lineno", "col_offset", "end_lineno", "end_col_offset"}


def serialised(node: ast.AST) -> str:
    """Write a syntax tree as JSON, without docstrings, positions, empty fields, and the imports at the top of a file.

    Python 3.11, 3.12 and 3.13 give the same text, which `ast.dump` does not.
    """
    return json.dumps(_plain(node), separators=(",", ":"))


def digest(*texts: str) -> str:
    """Hash texts: 12 hexadecimal digits of a SHA-256."""
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:12]


def is_docstring(statement: ast.stmt) -> bool:
    """Whether a statement is a text and nothing else."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _plain(value: Any) -> Any:
    """A node as `[name, {field: value}]`, a list of nodes as a list, a constant as its type and its text."""
    if isinstance(value, ast.Constant):
        return ["Constant", type(value.value).__name__, repr(value.value)]
    if isinstance(value, ast.JoinedStr):
        return ["JoinedStr", _joined(value)]
    if isinstance(value, ast.AST):
        fields = {
            name: _plain(_without_docstrings(field, imports=not isinstance(value, ast.Module)))
            for name, field in ast.iter_fields(value)
            if name not in _SKIPPED_FIELDS and field is not None and field != []
        }
        return [type(value).__name__, {name: field for name, field in fields.items() if field != []}]
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _without_docstrings(field: Any, *, imports: bool) -> Any:
    """The statements of a body that do something; other fields as they are."""
    if not (isinstance(field, list) and field and isinstance(field[0], ast.stmt)):
        return field
    nothing = (ast.Pass,) if imports else (ast.Pass, ast.Import, ast.ImportFrom)
    return [one for one in field if not is_docstring(one) and not isinstance(one, nothing)]


def _joined(text: ast.JoinedStr) -> list[Any]:
    """The parts of an f-string; Python 3.12 began to cut its constant parts otherwise."""
    parts: list[Any] = []
    for part in text.values:
        if not isinstance(part, ast.Constant):
            parts.append(_plain(part))
        elif parts and isinstance(parts[-1], str):
            parts[-1] += str(part.value)
        elif part.value != "":
            parts.append(str(part.value))
    return parts
