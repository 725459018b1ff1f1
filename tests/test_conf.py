"""`conf/` shows everything that can be chosen, with the values that are taken where nothing is said."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest
from omegaconf import MISSING, OmegaConf
from support import REPOSITORY, compose

from eyechart.data.config import DatasetConfig, FetchConfig, PrepareConfig
from eyechart.tracking.config import TrackingConfig
from eyechart.training.augmentation import Augmentation
from eyechart.training.config import CallbacksConfig, TrainerConfig

CONF = REPOSITORY / "conf"
FILES = sorted(str(path.relative_to(CONF)) for path in CONF.rglob("*.yaml"))
KINDS = sorted(name for name in FILES if name.split("/")[0] in ("model", "optimizer", "schedule"))
FIELDS = {
    "dataset": DatasetConfig,
    "augmentation": Augmentation,
    "trainer": TrainerConfig,
    "callbacks": CallbacksConfig,
    "tracking": TrackingConfig,
}


def of(name: str) -> dict[str, Any]:
    content = OmegaConf.to_container(OmegaConf.load(CONF / name))
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
        if "defaults" in content:
            assert set(content) - {"defaults"} <= names
        elif group == "dataset":  # says what is known of it, and no more
            required = {name for name, value in defaults(DatasetConfig).items() if value == MISSING}
            assert required <= set(content) <= names
        else:
            assert set(content) == names


@pytest.mark.parametrize("group", ["trainer", "callbacks"])
def test_the_default_option_holds_the_defaults(group):
    assert of(f"{group}/default.yaml") == defaults(FIELDS[group])


def test_no_augmentation_holds_the_defaults():
    assert of("augmentation/none.yaml") == defaults(Augmentation)


def test_every_option_of_tracking_is_its_mode():
    for path in (CONF / "tracking").glob("*.yaml"):
        assert of(f"tracking/{path.name}")["mode"] == path.stem
    assert of("tracking/local.yaml") == defaults(TrackingConfig)


def test_every_kind_has_a_file():
    from eyechart import models
    from eyechart.training import optimizers, schedules

    shown = {of(name)["_target_"].rpartition(".")[2] for name in KINDS}
    architectures = {name for name in models.__all__ if name != "Architecture"}
    bases = (optimizers.Optimizer, schedules.Schedule)
    kinds = [kind for base in bases for kind in base.__subclasses__() if kind.__module__.startswith("eyechart.")]
    assert shown == architectures | {kind.__name__ for kind in kinds}


@pytest.mark.parametrize(("name", "schema"), [("fetch", FetchConfig), ("preprocess", PrepareConfig)])
def test_a_small_program_shows_every_field(name, schema):
    assert set(compose(config_name=name)) == {field.name for field in dataclasses.fields(schema)}


@pytest.mark.parametrize("name", ["compare", "evaluate", "explain", "replicate", "scan"])
def test_a_small_program_composes(name):
    own = {key: value for key, value in of(f"{name}.yaml").items() if key != "defaults"}
    assert {key: value for key, value in compose(config_name=name).items() if key != "tracking"} == own
