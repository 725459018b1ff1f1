"""The YAML files of `conf/`, where every default stands, read without Hydra."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from eyechart.core import paths


@functools.cache  # a sweep asks for each of its jobs
def read_program(file: Path) -> tuple[DictConfig, list[str]]:
    """The values in a program's own YAML, and the groups that it chooses from. Both are shared: read only."""
    values: Any = OmegaConf.load(file)
    groups = [str(group) for entry in values.pop("defaults", []) if isinstance(entry, DictConfig) for group in entry]
    return values, [group for group in groups if not group.startswith("override")]


def read_option(file: Path) -> DictConfig:
    """One of a group's options, with what it inherits from others of its group."""
    own: Any = OmegaConf.load(file)
    named = [file.parent / f"{entry}.yaml" for entry in own.pop("defaults", []) if isinstance(entry, str)]
    inherited = [read_option(parent) for parent in named if parent.is_file()]  # a plugin's is none
    merged: Any = OmegaConf.merge(*inherited, own)
    assert isinstance(merged, DictConfig)
    return merged


def filled(config: DictConfig, config_name: str) -> DictConfig:
    """`config` with the values of a program's own YAML for the keys that it lacks: it may be older than they are."""
    values, _ = read_program(paths.conf() / f"{config_name}.yaml")
    lacking = [str(key) for key in values if key not in list(config)]  # `in config` would pass over a key that is ???
    if not lacking:
        return config
    merged = OmegaConf.merge(OmegaConf.masked_copy(values, lacking), config)
    assert isinstance(merged, DictConfig)
    return merged
