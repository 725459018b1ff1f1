"""Of the overrides of one key the last counts, and all are applied in the order in which they were typed."""

from __future__ import annotations

import re

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from eyechart.core.errors import ConfigError
from eyechart.sweeps.overrides import combinations, settled, sweeps_of

parse = OverridesParser.create().parse_overrides


def lines(overrides):
    return [override.input_line for override in overrides]


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("a=1 b=2", "a=1 b=2"),
        ("a=1,2 b=3 a=4", "b=3 a=4"),
        ("a=1 b=3 a=4,5", "b=3 a=4,5"),
        ("a=1 ++a=2 b=0,1", "++a=2 b=0,1"),
        ("+a=1 +a=2", "+a=2"),
        ("+a=1,2 a=3", "+a=1 a=3"),
        ("++a=1,2 a=3,4", "++a=1 a=3,4"),
        ("a=1 +a=2", "a=1 +a=2"),
        ("a=1,2 ~a", "a=1 ~a"),
        ("~a +a=1", "~a +a=1"),
        ("a={x:1},{x:2} a={y:1}", "a={x:1},{x:2} a={y:1}"),
        ("a.x=1 a={x:2} a.x=3", "a={x:2} a.x=3"),
        ("g=a g@p=b g=c", "g@p=b g=c"),
    ],
)
def test_what_counts(typed, left):
    assert lines(settled(parse(typed.split()), parse)) == left.split()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("a=range(2,1)", "there is no run in this sweep: a=range(2,1) has no value"),
        ("a=interval(0,1)", "is a range without steps"),
        ("a=range(0,1,0)", "takes no step"),
        ("a=range(0.0,1.0,1e-40)", "has too many values: expected at most 100,000"),
        ("a=range(1000000000)", "has too many values: expected at most 100,000"),
        ("a=range(1000) b=range(1000)", "a sweep has at most 100,000 runs, received 1,000,000"),
    ],
)
def test_too_few_values_and_too_many(typed, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        combinations(parse(typed.split()))


def sweeps(typed, bring, brought=None):
    """The sweeps of what was typed where some options bring values, as `{"g=a": {"seed": "0,1"}}`."""

    def brings(options):
        return {key: value for option in options for key, value in bring.get(option, {}).items()}

    found = sweeps_of(
        brought or {}, parse(typed.split()), parse=parse, is_option=lambda o: o.key_or_group in "gh", brings=brings
    )
    return [" ".join(lines(overrides)) for overrides in found]


def test_options_that_bring_nothing_are_one_sweep():
    assert sweeps("x=1,2 g=a,b", {}) == ["x=1,2 g=a,b"]
    assert sweeps("x=1,2 g=a", {}, {"x": "3,4", "y": [0, None]}) == ["y=[0,null] x=1,2 g=a"]


def test_each_option_brings_its_own():
    bring = {"g=a": {"x": "1,2", "y": 3}, "g=b": {"z": "4,5"}}
    assert sweeps("s=0,1 g=a,b,c", bring) == ["g=a x=1,2 y=3 s=0,1", "g=b z=4,5 s=0,1", "g=c s=0,1"]
    assert sweeps("g=a,b ++x=7 y=8 z=9", {"g=a": {"x": "1,2", "y": 3}}) == ["g=a,b ++x=7 y=8 z=9"]


def test_what_is_brought_may_bring_more():
    bring = {"g=a": {"h": "c,d"}, "h=c": {"x": "1,2"}, "h=d": {"h": "e", "x": "3"}}
    assert sweeps("g=a", bring, bring["g=a"]) == ["h=c x=1,2 g=a", "h=d x=3 g=a"]
    assert sweeps("g=a,b", bring) == ["g=a h=c x=1,2", "g=a h=d x=3", "g=b"]
    assert sweeps("g=a", {"g=a": {"h": "c"}, "h=c": {"x": "1,2"}}, {"h": "c"}) == ["h=c x=1,2 g=a"]
