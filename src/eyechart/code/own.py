"""Imports the module of a person's own network, and no other."""

from __future__ import annotations

import ast
import importlib

from eyechart.code.module import is_own, read_module
from eyechart.core.errors import ConfigError


def import_own(target: str) -> bool:
    """Import the module of a person's own architecture, so that it registers its layers; whether that was done.

    A name that somebody else wrote must not have any file run that happens to be there. So it has to be a file of the
    person's, neither Python's nor of an installed package, that defines the class: this is found without running it.

    Args:
        target: import path of the class, as in `model._target_`.

    Raises:
        Exception: whatever the module raises.
    """
    name, _, last = target.rpartition(".")
    try:
        module = read_module(name) if name and is_own(name) else None
    except ConfigError:  # it is not Python
        return False
    if module is None or not any(isinstance(one, ast.ClassDef) for one in module.definitions.get(last, ())):
        return False
    importlib.import_module(name)
    return True
