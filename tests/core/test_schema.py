from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import MISSING, OmegaConf

from eyechart.core.errors import ConfigError
from eyechart.core.schema import at_least, one_of, typed


@dataclass
class Inner:
    rate: float = 0.5


@dataclass
class Outer:
    name: str = MISSING
    count: int = 1
    inner: Inner = field(default_factory=Inner)
    names: list[str] = field(default_factory=list)
    maybe: int | None = None


def refusal(config: dict[str, object], prefix: str = "") -> str:
    with pytest.raises(ConfigError) as caught:
        typed(Outer, OmegaConf.create(config), prefix)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@given(st.text("abc", min_size=1), st.integers(-9, 9), st.floats(-9, 9), st.lists(st.text("abc")))
def test_values_come_back(name, count, rate, names):
    given = {"name": name, "count": count, "inner": {"rate": rate}, "names": names}
    assert typed(Outer, OmegaConf.create(given)) == Outer(name, count, Inner(rate), names)


def test_what_is_not_said_is_the_default():
    assert typed(Outer, OmegaConf.create({"name": "x"})) == Outer("x")


def test_whole_numbers_become_fractions_where_fractions_are_meant():
    rate = typed(Outer, OmegaConf.create({"name": "x", "inner": {"rate": 1}})).inner.rate
    assert type(rate) is float


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"name": "x", "cuont": 1}, "there is no configuration key 'cuont'. Did you mean 'count'? Known here: name, "),
        ({"name": "x", "inner": {"rat": 1}}, "'inner.rat'. Did you mean 'rate'? Known here: rate."),
        ({"name": "x", "count": "many"}, "configuration key 'count': "),
        ({"name": "x", "count": 1.5}, "configuration key 'count': "),
        ({"name": "x", "inner": {"rate": [1]}}, "configuration key 'inner.rate': "),
        ({"name": "x", "names": "y"}, "configuration key 'names': "),
        ({"name": "x", "inner": 3}, "configuration key 'inner': "),
        ({"name": None}, "configuration key 'name': "),
        ({}, "configuration key 'name': no value: write one into its YAML"),
        ({"name": "???"}, "configuration key 'name': no value: type name=VALUE"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(config, expected):
    assert expected in refusal(config)


@dataclass
class Bare:
    """As the programs': its defaults stand elsewhere."""

    count: int
    maybe: int | None
    inner: Inner


def test_what_has_no_default_must_be_said():
    whole = {"count": 2, "maybe": None, "inner": {}}
    assert typed(Bare, OmegaConf.create(whole)) == Bare(2, None, Inner())
    for key in whole:
        config = {name: value for name, value in whole.items() if name != key}
        with pytest.raises(ConfigError, match=f"configuration key 'group.{key}': no value: write one into its YAML"):
            typed(Bare, OmegaConf.create(config), "group")


def test_keys_are_named_in_full():
    assert "'group.cuont'" in refusal({"name": "x", "cuont": 1}, "group")
    assert "'group.count'" in refusal({"name": "x", "count": "many"}, "group")


def test_one_of():
    one_of("key", "b", ("a", "b"))
    with pytest.raises(ConfigError, match=r"key must be one of left, right, received 'rihgt'. Did you mean 'right'\?"):
        one_of("key", "rihgt", ("left", "right"))


@given(st.floats(allow_nan=True), st.integers(-5, 5))
def test_at_least(value, least):
    if not math.isnan(value) and value >= least:
        at_least("key", value, least)
    else:
        with pytest.raises(ConfigError, match=f"key must be {least} or more, received"):
            at_least("key", value, least)
