"""`conf/` shows everything that can be chosen, with the values that are taken where nothing is said."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from omegaconf import MISSING, OmegaConf
from support import REPOSITORY, compose

from eyechart import programs
from eyechart.config import _Schema
from eyechart.core.conf import read_option, read_program
from eyechart.core.schema import typed
from eyechart.data.config import DatasetConfig
from eyechart.tracking.config import TrackingConfig
from eyechart.training.augmentation import Augmentation
from eyechart.training.config import CallbacksConfig, TrainerConfig

CONF = REPOSITORY / "conf"
FILES = sorted(str(path.relative_to(CONF)) for path in CONF.rglob("*.yaml"))
KINDS = sorted(name for name in FILES if name.split("/")[0] in ("model", "optimizer", "schedule"))
WHOLE = {"identify", "train"}  # the programs that read the configuration of a whole training
PROGRAMS = sorted({module.name for module in pkgutil.iter_modules(programs.__path__)} - WHOLE)
FIELDS = {
    "dataset": DatasetConfig,
    "augmentation": Augmentation,
    "trainer": TrainerConfig,
    "callbacks": CallbacksConfig,
    "tracking": TrackingConfig,
}


def of(name: str) -> dict[str, Any]:
    """One of a group's options, with what it inherits."""
    content = OmegaConf.to_container(read_option(CONF / name))
    assert isinstance(content, dict)
    return content


def defaults(kind: type) -> dict[str, Any]:
    """Every field of a dataclass that can be constructed with no arguments, and what it is then."""
    return dataclasses.asdict(kind())


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_first_how_it_is_used(name):
    lines = (CONF / name).read_text().splitlines()
    usage = lines[1] if lines[0].startswith("# @package") else lines[0]
    assert usage.startswith("# ")
    parts = Path(name).with_suffix("").parts
    if len(parts) == 1:
        return
    group, option = parts[0], "/".join(parts[1:])
    if parts[0] == "hydra":
        group, option = "/".join(parts[:-1]), parts[-1]
    # a group's option is chosen by its name, or what it sets is set by its keys
    shown = f"{group}={option}" in usage or any(f" {group}.{key}=" in usage for key in of(name))
    assert shown, usage


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_shows_every_argument_with_its_default(name):
    content = of(name)
    module, _, kind = content.pop("_target_").rpartition(".")
    if name.startswith("model"):
        assert content.pop("name") == Path(name).stem
    expected = defaults(getattr(importlib.import_module(module), kind))
    assert list(content) == list(expected)
    if Path(name).stem.replace("_", "") == kind.lower():  # others are the same kind with other values
        assert content == expected


@pytest.mark.parametrize("group", sorted(FIELDS))
def test_a_group_shows_every_field(group):
    for path in (CONF / group).glob("*.yaml"):
        content = of(f"{group}/{path.name}")
        names = {field.name for field in dataclasses.fields(FIELDS[group])}
        if group == "dataset":  # says what is known of it, and no more
            required = {name for name, value in defaults(DatasetConfig).items() if value == MISSING}
            assert required <= set(content) <= names
        else:
            assert set(content) == names


@pytest.mark.parametrize("group", sorted(set(FIELDS) - {"dataset"}))
def test_what_is_chosen_where_nothing_is_said_holds_the_defaults(group):
    """A kept configuration may lack fields that came later, and a person's own code makes these without any."""
    assert OmegaConf.to_container(compose()[group]) == defaults(FIELDS[group])


def test_an_option_repeats_nothing_of_what_it_inherits():
    for name in FILES:
        own: Any = OmegaConf.to_container(OmegaConf.load(CONF / name))
        for entry in own.pop("defaults", []):
            parent = (CONF / name).parent / f"{entry}.yaml"
            inherited = of(str(parent.relative_to(CONF))) if parent.is_file() else {}
            assert not [key for key in own if key in inherited and own[key] == inherited[key]], name


def test_every_option_of_tracking_is_its_mode():
    for path in (CONF / "tracking").glob("*.yaml"):
        assert of(f"tracking/{path.name}")["mode"] == path.stem


def test_every_kind_has_a_file():
    from eyechart import models
    from eyechart.training import optimizers, schedules

    shown = {of(name)["_target_"].rpartition(".")[2] for name in KINDS}
    assert {kind.lower() for kind in shown} <= {Path(name).stem.replace("_", "") for name in KINDS}  # its defaults
    architectures = {name for name in models.__all__ if name != "Architecture"}
    bases = (optimizers.Optimizer, schedules.Schedule)
    kinds = [kind for base in bases for kind in base.__subclasses__() if kind.__module__.startswith("eyechart.")]
    assert shown == architectures | {kind.__name__ for kind in kinds}


def schema_of(program: str) -> type:
    """The dataclass of what a program reads."""
    values = vars(importlib.import_module(f"eyechart.programs.{program}")).values()
    (schema,) = [value for value in values if dataclasses.is_dataclass(value) and value is not TrackingConfig]
    assert isinstance(schema, type)
    return schema


def has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def test_every_program_has_a_file():
    shown = {name.removesuffix(".yaml") for name in FILES if "/" not in name}
    assert shown == {*PROGRAMS, "config", "quiet"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_defaults_of_a_program_stand_in_its_file_alone(name):
    schema, composed = schema_of(name), compose(config_name=name)
    assert {field.name for field in dataclasses.fields(schema)} == set(composed)
    assert [field.name for field in dataclasses.fields(schema) if has_default(field)] == []
    for key in OmegaConf.missing_keys(composed):  # a person has to type it
        composed[key] = "typed"
    assert isinstance(typed(schema, composed), schema)


def test_the_defaults_of_a_training_stand_in_its_file_alone():
    fields = {field.name: has_default(field) for field in dataclasses.fields(_Schema)}
    assert set(fields) == set(compose())
    values, _ = read_program(CONF / "config.yaml")
    assert [name for name in values if fields[name]] == []
