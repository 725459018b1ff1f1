"""From a composed configuration to an instance of a dataclass, or to one sentence that says what is wrong."""

from __future__ import annotations

import dataclasses
import math
import typing
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException

from eyechart.core.errors import ConfigError, nearest

T = TypeVar("T")


def typed(schema: type[T], config: DictConfig, prefix: str = "") -> T:
    """Make an instance of `schema` from `config`, strictly.

    Args:
        schema: a dataclass of types that OmegaConf knows.
        config: may lack fields that have a default; may have no others.
        prefix: the key at which `config` stands, for messages.

    Raises:
        ConfigError: a key is unknown or missing, or a value is not what it should be.
    """

    def full(key: object) -> str:
        return f"{prefix}.{key}" if prefix else str(key)

    _check_kinds(schema, config, prefix)
    try:
        value: Any = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(schema), config))
    except ConfigKeyError as error:
        known = [f.name for f in dataclasses.fields(error.object_type)] if error.object_type else []
        raise ConfigError(
            f"there is no configuration key '{full(error.full_key)}'.{nearest(str(error.key), known)} "
            f"Known here: {', '.join(known)}."
        ) from None
    except MissingMandatoryValue as error:
        raise ConfigError(f"configuration key '{full(error.full_key)}': no value: write one into its YAML") from None
    except OmegaConfBaseException as error:
        reason = (error.msg or str(error)).splitlines()[0]
        raise ConfigError(f"configuration key '{full(error.full_key)}': {reason}") from None
    assert isinstance(value, schema)
    _check_numbers(value, prefix)
    return value


def _check_numbers(value: Any, prefix: str) -> None:
    """Raise ConfigError for a number that is not finite."""
    for field in dataclasses.fields(value):
        key, number = f"{prefix}.{field.name}" if prefix else field.name, getattr(value, field.name)
        if dataclasses.is_dataclass(number):
            _check_numbers(number, key)
        elif isinstance(number, float) and not math.isfinite(number):
            raise ConfigError(f"{key} must be a finite number, received {number}")


def _check_kinds(schema: Any, config: DictConfig, prefix: str) -> None:
    """Raise ConfigError where a value has to be given, a list or a group, and something else stands there."""
    hints = typing.get_type_hints(schema)
    for name in map(str, config):
        key = f"{prefix}.{name}" if prefix else name
        if OmegaConf.is_missing(config, name):
            raise ConfigError(f"configuration key '{key}': no value: type {key}=VALUE")
        if name not in hints:
            continue  # told of with the nearest right name
        hint, value = hints[name], config[name]
        kinds = (hint, *typing.get_args(hint))  # of `list[int] | None`, its two kinds
        lists = [kind for kind in kinds if typing.get_origin(kind) is list]
        if lists and not OmegaConf.is_list(value) and not (value is None and type(None) in kinds):
            raise ConfigError(f"configuration key '{key}': expected a list, as in '{key}=[{value}]'")
        for inner in (inner for kind in lists for inner in typing.get_args(kind) if dataclasses.is_dataclass(inner)):
            for number, item in enumerate(value):
                if OmegaConf.is_dict(item):
                    _check_kinds(inner, item, f"{key}.{number}")
        if dataclasses.is_dataclass(hint):
            if not OmegaConf.is_dict(value):
                raise ConfigError(f"configuration key '{key}': expected a group of values, received {value}")
            _check_kinds(hint, value, key)


def one_of(key: str, value: str, known: tuple[str, ...]) -> None:
    """Raise ConfigError, naming the nearest, unless `value` is known."""
    if value not in known:
        raise ConfigError(f"{key} must be one of {', '.join(known)}, received '{value}'.{nearest(value, known)}")


def at_least(key: str, value: float, least: float) -> None:
    """Raise ConfigError unless `value` is `least` or more (NaN is not)."""
    if not value >= least:
        raise ConfigError(f"{key} must be {least} or more, received {value}")
