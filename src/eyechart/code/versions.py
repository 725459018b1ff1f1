"""The versions of this package's own code: which of its definitions still give the results that they gave.

`versions.json` has, for each, the hashes known to give each version. Code that somebody edited has a hash that is not
in it, and counts by that hash. After an edit of the package's own, see `tools/record_code.py`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from pathlib import Path

from eyechart.code.module import PACKAGE, read_module
from eyechart.code.reach import Reached, reach

TABLE = Path(__file__).with_name("versions.json")
FIRST = "1"  # the version that run keys do not name

_NO_RESULT = (f"{PACKAGE}.core.", f"{PACKAGE}.code.")
_BACKENDS = {name: f"eyechart.training.backend.{name}" for name in ("tensorflow", "jax")}
_ENGINE = (
    "eyechart.training.backend.assembly.make_engine",
    "eyechart.training.backend.choose.activate",
    "eyechart.training.backend.choose.set_seed",
    "eyechart.training.backend.choose.worth_compiling",
    "eyechart.training.early_stopping.EarlyStopping",
    "eyechart.training.loop.train",
    "eyechart.training.order.Reading",
    "eyechart.training.predict.predict",
)
# what is chosen otherwise than as a class, and what a person's own classes build on
PARTS: dict[str, tuple[str, ...]] = {
    "eyechart.engine.jax": _ENGINE,
    "eyechart.engine.tensorflow": _ENGINE,
    "eyechart.loss.balanced": ("eyechart.training.losses.balanced",),
    "eyechart.loss.crossentropy": ("eyechart.training.losses.crossentropy",),
    "eyechart.models.architecture.Architecture": ("eyechart.models.architecture.Architecture",),
    "eyechart.models.convolutional.as_maps": ("eyechart.models.convolutional.as_maps",),
    "eyechart.models.convolutional.channel_axis": ("eyechart.models.convolutional.channel_axis",),
    "eyechart.training.augmentation.Augmentation": ("eyechart.training.augmentation.Augmentation",),
    "eyechart.training.optimizers.Optimizer": ("eyechart.training.optimizers.Optimizer",),
    "eyechart.training.schedules.Schedule": ("eyechart.training.schedules.Schedule",),
}
# where a class of the table lies by now, if not where its name says
PLACES: dict[str, str] = {}


@functools.cache
def reached_by(name: str) -> Reached:
    """What a definition of the package reaches within it.

    What `core` holds does not count: errors, files and paths compute no result.

    Args:
        name: in the table, or the whole name of a class.
    """
    left_out = {module for backend, module in _BACKENDS.items() if name.startswith("eyechart.engine.")} - {
        _BACKENDS.get(name.rpartition(".")[2], "")
    }

    def belongs(module: str) -> bool:
        return module.partition(".")[0] == PACKAGE and module not in left_out and not module.startswith(_NO_RESULT)

    return reach(PARTS.get(name, (PLACES.get(name, name),)), belongs, strict=False)


@functools.cache
def table() -> dict[str, dict[str, list[str]]]:
    """By name and version, the hashes that are known to give it."""
    read: dict[str, dict[str, list[str]]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return read


def token(name: str) -> str:
    """The version of a definition, or its hash where that is not known; empty: the first version."""
    now = reached_by(name).token
    version = next((version for version, hashes in table().get(name, {}).items() if now in hashes), now)
    return "" if version == FIRST else version


def tokens(names: Iterable[str]) -> str:
    """The versions of several definitions, where one is not the first: empty, `2`, or `NAME=2,OTHER=1f0c...`."""
    found = {name: version for name in sorted(set(names)) if (version := token(name))}
    if len(found) == 1:
        return next(iter(found.values()))
    return ",".join(f"{name.rpartition('.')[2]}={version}" for name, version in found.items())


def in_table(name: str) -> str:
    """What the table calls a name of the package that code imports; empty where it is not in it."""
    module, _, last = name.rpartition(".")
    read = read_module(module) if module else None
    while read is not None and last not in read.definitions and (imported := read.imports.get(last)):
        module, last = imported[0].module, imported[0].name or ""  # a package's __init__ hands it on
        read = read_module(module)
    place = f"{module}.{last}"
    return next((one for one in table() if PLACES.get(one, one) == place), "")
