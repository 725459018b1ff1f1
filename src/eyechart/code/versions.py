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
    "eyechart.runner.members._build_models",
    "eyechart.runner.members._recipe",
    "eyechart.runner.members._training_data",
    "eyechart.training.backend.assembly.make_engine",
    "eyechart.training.backend.choose.activate",
    "eyechart.training.backend.choose.set_seed",
    "eyechart.training.backend.choose.worth_compiling",
    "eyechart.training.backend.recipe.Execution",
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
    left_out: set[str] = set()
    if name.startswith("eyechart.engine."):  # what is a choice of its own: the other backend, and the loss
        left_out = {*_BACKENDS.values(), "eyechart.training.losses"} - {_BACKENDS[name.rpartition(".")[2]]}

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
    """The versions of definitions that are not the first: empty, `2` of a single one, or `NAME=2,OTHER=1f0c...`."""
    asked = sorted(set(names))
    found = {name: version for name in asked if (version := token(name))}
    if len(asked) == 1:
        return found.get(asked[0], "")
    return ",".join(f"{name.rpartition('.')[2]}={version}" for name, version in found.items())


def below(names: Iterable[str]) -> list[str]:
    """The definitions of the package that a person's own code takes from it, as the table calls those that it has.

    Args:
        names: whole names, as `eyechart.models.CNN`, perhaps with attributes of what they name.
    """
    found = (_definition(name) for name in names if name.startswith(f"{PACKAGE}."))
    return sorted({name for name in found if name and not name.startswith(_NO_RESULT)})


def _definition(name: str) -> str:
    """The definition that a name leads to, as the table calls it if it is there; empty if it leads to none."""
    module = PACKAGE
    for last in name.split(".")[1:]:
        read = read_module(module)
        while read is not None and last not in read.definitions and (imported := read.imports.get(last)):
            module, last = imported[0].module, imported[0].name or ""  # a package's __init__ hands it on
            read = read_module(module)
        if read is not None and last in read.definitions:
            place = f"{module}.{last}"
            return next((one for one in table() if PLACES.get(one, one) == place), place)
        module = f"{module}.{last}"
    return ""
