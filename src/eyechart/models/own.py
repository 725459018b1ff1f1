"""Imports the module of a person's own network, and no other."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sysconfig
from pathlib import Path


def import_own(target: str) -> bool:
    """Import the module of a person's own architecture, so that it registers its layers; whether that was done.

    A name that somebody else wrote must not have any file run that happens to be there. So it has to be a file of the
    person's, neither Python's nor of an installed package, that defines the class: this is found without running it.

    Args:
        target: import path of the class, as in `model._target_`.

    Raises:
        Exception: whatever the module raises.
    """
    module, _, name = target.rpartition(".")
    file = _find_file(module)
    if file is None or not _defines(file, name):
        return False
    importlib.import_module(module)
    return True


def _find_file(module: str) -> Path | None:
    """The file of a module, if it is a person's."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)  # of a name without a dot: runs nothing
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if rest:
        stems = [Path(place, *rest) for place in spec.submodule_search_locations or ()]
        files = [file for stem in stems for file in (stem.with_suffix(".py"), stem / "__init__.py")]
    else:
        files = [Path(spec.origin)] if spec.has_location and spec.origin else []
    file = next((file for file in files if file.is_file()), None)
    installed = [Path(sysconfig.get_path(kind)) for kind in ("stdlib", "platstdlib", "purelib", "platlib")]
    return None if file is None or any(file.is_relative_to(place) for place in installed) else file


def _defines(file: Path, name: str) -> bool:
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    return any(isinstance(statement, ast.ClassDef) and statement.name == name for statement in tree.body)
