"""The overrides of a sweep: which of them count, and which sweeps an option brings with it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.types import ChoiceSweep, Override, RangeSweep

from eyechart.core.errors import ConfigError

MOST = 100_000  # runs of one sweep: to plan so many takes an hour

Parse = Callable[[Sequence[str]], list[Override]]


def key_of(override: Override) -> str:
    """The key that an override is about, whether it changes it, adds it or removes it."""
    return override.get_key_element().lstrip("+~")


def words(override: Override) -> list[str]:
    """What an override gives to jobs: itself, or one word for each value of its sweep.

    Raises:
        ConfigError: it has no values, or no end of them.
    """
    if not override.is_sweep_override():
        return [str(override.input_line)]
    if not override.is_discrete_sweep():
        raise ConfigError(
            f"{override.input_line} is a range without steps: expected values, as in 0.1,0.2 or range(1,9); "
            f"type them, or hydra/sweeper=optuna to search the range"
        )
    value: Any = override.value()
    if isinstance(value, RangeSweep) and not value.step:
        raise ConfigError(f"{override.input_line} takes no step: expected range(start,stop,step) with a step but 0")
    values = list(itertools.islice(override.sweep_string_iterator(), MOST + 1))
    if not values:
        raise ConfigError(f"there is no run in this sweep: {override.input_line} has no value, expected one at least")
    if len(values) > MOST:
        raise ConfigError(f"{override.input_line} has too many values: expected at most {MOST:,}, received more")
    return [f"{override.get_key_element()}={one}" for one in values]


def combinations(overrides: Sequence[Override]) -> list[tuple[str, ...]]:
    """The overrides of each job of a sweep. Raises ConfigError for more than `MOST`."""
    each = [words(override) for override in overrides]
    if (count := math.prod(map(len, each))) > MOST:
        raise ConfigError(f"a sweep has at most {MOST:,} runs, received {count:,}: leave values out, or search")
    return list(itertools.product(*each))


def settled(overrides: Sequence[Override], parse: Parse) -> list[Override]:
    """The overrides that count, in their order: of one key the last, unless it needs one before it, or adds to it."""
    kept: list[Override] = []
    for override in overrides:
        kept = [left for earlier in kept if (left := _left_of(earlier, override, parse))]
        kept.append(override)
    return kept


def _left_of(earlier: Override, later: Override, parse: Parse) -> Override | None:
    """What is left of an override where another follows; None: nothing."""
    if key_of(earlier) != key_of(later) or earlier.is_delete() or _is_dict(later):
        return earlier
    if later.is_force_add() or later.type == earlier.type:
        return None
    if later.is_add():
        return earlier  # for Hydra to say that there is such a key
    return parse(words(earlier)[:1])[0]  # it has to be there to be changed or removed, with whatever value


def _is_dict(override: Override) -> bool:
    """Whether it changes some keys of a group, and leaves others as they are."""
    value = override.value()
    return any(isinstance(one, dict) for one in (value.list if isinstance(value, ChoiceSweep) else [value]))


def sweeps_of(
    brought: Mapping[str, Any],
    typed: Sequence[Override],
    *,
    parse: Parse,
    is_option: Callable[[Override], bool],
    brings: Callable[[Sequence[str]], Mapping[str, Any]],
    chosen: Sequence[Override] = (),
) -> list[list[Override]]:
    """The sweeps that are asked for: one, or where options bring sweeps of their own, one for each choice of them.

    Args:
        brought: the values to sweep over that the options which are not swept bring, by key. What is typed wins.
        typed: what was typed.
        parse: from words to overrides.
        is_option: whether an override chooses an option of a group.
        brings: from the words that choose options to the values to sweep over that these bring.
        chosen: options that have been chosen among those that are swept.

    Returns:
        The overrides of each sweep, in the order in which they have to be applied, `chosen` first.
    """

    def together(values: Mapping[str, Any]) -> list[Override]:
        added = [override for override in parse(_lines(values)) if key_of(override) not in map(key_of, chosen)]
        return settled([*chosen, *added, *typed], parse)

    typed = settled(typed, parse)
    listed, keys = together(brought), {key_of(override) for override in [*chosen, *typed]}
    # what an option that was brought brings is not known yet, even where it is the only one
    open_ = [o for o in listed if is_option(o) and (o.is_discrete_sweep() or key_of(o) not in keys)]
    found = []
    for choice in itertools.product(*map(words, open_)):
        one_of = dict(zip(map(id, open_), choice, strict=True))
        options = [one_of.get(id(o), str(o.input_line)) for o in listed if is_option(o)]
        found.append((choice, brings(options)))
    if not open_ or all(_typed(together(values)) == _typed(listed) for _, values in found):
        return [listed]
    left = [o for o in typed if all(o is not other for other in open_)]
    return [
        sweep
        for choice, values in found
        for sweep in sweeps_of(
            values, left, parse=parse, is_option=is_option, brings=brings, chosen=[*chosen, *parse(choice)]
        )
    ]


def _typed(overrides: Sequence[Override]) -> list[str]:
    return [str(override.input_line) for override in overrides]


def _lines(values: Mapping[str, Any]) -> list[str]:
    """Values of a YAML file as overrides: a text is what would be typed."""
    return [
        f"{key}={value if isinstance(value, str) else Override._get_value_element_as_str(value)}"
        for key, value in values.items()
    ]
