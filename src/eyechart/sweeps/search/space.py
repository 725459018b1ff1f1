"""What a search may choose from: the words of a command line, read as parameters with a range or with choices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep, Transformer

from eyechart.core.errors import ConfigError

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

DIGITS = 6  # significant ones of a number from a range: what is trained can be read, and typed again
EXAMPLE = "for example 'optimizer.learning_rate=tag(log,interval(1e-4,1e-1))'"
TAGS = ("int", "float", "log")


class Parameter(Protocol):
    """What a search may choose for one key; as text it says so in words."""

    def ends(self) -> list[str]:
        """The values that stand for all: every choice, or both ends of a range."""

    def suggest(self, trial: BaseTrial, name: str) -> str:
        """What the trial takes, as it would be typed."""


@dataclass(frozen=True)
class Choices:
    """One of several values without an order: `choice(fnn,cnn)`, `fnn,cnn` or `glob(*)`.

    Args:
        values: as they would be typed.
    """

    values: tuple[str, ...]

    def ends(self) -> list[str]:  # noqa: D102
        return list(self.values)

    def suggest(self, trial: BaseTrial, name: str) -> str:  # noqa: D102
        return str(trial.suggest_categorical(name, self.values))

    def __str__(self) -> str:
        return ", ".join(self.values)


@dataclass(frozen=True)
class Integers:
    """A whole number: `range(1,9)`, which as everywhere in Hydra ends before 9, or `interval(1,8)`.

    Args:
        low: the lowest value.
        high: the highest value.
        step: from a value to the next.
        log: small numbers are tried as often as large ones.
    """

    low: int
    high: int
    step: int = 1
    log: bool = False

    def ends(self) -> list[str]:  # noqa: D102
        return list(dict.fromkeys([str(self.low), str(self.high)]))

    def suggest(self, trial: BaseTrial, name: str) -> str:  # noqa: D102
        return str(trial.suggest_int(name, self.low, self.high, step=self.step, log=self.log))

    def __str__(self) -> str:
        step = f" in steps of {self.step}" if self.step != 1 else ""
        return f"whole numbers from {self.low} to {self.high}{step}{', log scale' if self.log else ''}"


@dataclass(frozen=True)
class Reals:
    """A number: `interval(0.1,0.5)`, or in steps `range(0.1,0.5,0.1)`, which ends before 0.5.

    Args:
        low: the lowest value.
        high: the highest value.
        step: from a value to the next; None: any number between.
        log: each power of ten is tried as often as any other.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def ends(self) -> list[str]:  # noqa: D102
        return list(dict.fromkeys([str(self.low), str(self.high)]))

    def suggest(self, trial: BaseTrial, name: str) -> str:  # noqa: D102
        value = trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)
        return str(min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high))

    def __str__(self) -> str:
        step = f" in steps of {self.step:g}" if self.step else ""
        return f"{self.low:g} to {self.high:g}{step}{', log scale' if self.log else ''}"


@dataclass(frozen=True)
class Space:
    """The words of a command line: those that stay, and those that a search may choose.

    Attributes:
        words: in the order in which they have to be applied, those that stay as `key=value`, the others by their key.
        parameters: by their key.
    """

    words: tuple[str, ...]
    parameters: Mapping[str, Parameter]

    @classmethod
    def of(cls, overrides: Sequence[Override]) -> Space:
        """The space of overrides of which each counts.

        Raises:
            ConfigError: nothing is to be searched, or a range has no values.
        """
        found, parameters = [], {}
        for override in overrides:
            if override.is_sweep_override():
                parameters[override.get_key_element()] = _parameter(override)
                found.append(override.get_key_element())
            else:
                found.append(str(override.input_line))
        if not parameters:
            raise ConfigError(
                f"there is nothing to search: expected one range or several choices at least, {EXAMPLE}, "
                f"received {' '.join(found) or 'none'}; type it, or train one run without -m hydra/sweeper=optuna"
            )
        return cls(tuple(found), parameters)

    def points(self) -> list[list[str]]:
        """The jobs that stand for all: the first of everything, then each other end with the rest at its first."""
        first = {name: parameter.ends()[0] for name, parameter in self.parameters.items()}
        points = [first]
        for name, parameter in self.parameters.items():
            points += [{**first, name: end} for end in parameter.ends()[1:]]
        return [self.job(point) for point in points]

    def job(self, values: Mapping[str, str]) -> list[str]:
        """The overrides of the job that takes these values."""
        return [f"{word}={values[word]}" if word in self.parameters else word for word in self.words]

    def suggest(self, trial: BaseTrial) -> dict[str, str]:
        """What a trial takes for each parameter. Asked again, the answer is the same."""
        return {name: parameter.suggest(trial, name) for name, parameter in self.parameters.items()}

    def lines(self) -> Iterator[str]:
        """One for each parameter."""
        width = max(map(len, self.parameters))
        return (f"  {name:{width}}  {parameter}" for name, parameter in self.parameters.items())


def words(values: Mapping[str, str]) -> list[str]:
    """Values as they are typed."""
    return [f"{name}={value}" for name, value in values.items()]


def _parameter(override: Override) -> Parameter:
    value: Any = override.value()
    typed = str(override.input_line)
    if override.is_choice_sweep():
        # read here and not from Hydra's iterator, which would shuffle them: to a search their order means nothing
        listed = (
            map(Transformer.str, value.list) if isinstance(value, ChoiceSweep) else override.sweep_string_iterator()
        )
        choices = tuple(dict.fromkeys(listed))
        if not choices:
            raise ConfigError(f"{typed} has no choice: expected one at least, as in model=choice(fnn,cnn)")
        return Choices(choices)
    unknown = sorted(value.tags - set(TAGS))
    if unknown:
        raise ConfigError(f"{typed} has the tag {unknown[0]}: expected {', '.join(TAGS)}")
    if isinstance(value, RangeSweep):
        return _steps(value, typed)
    return _interval(value, typed)


def _steps(value: RangeSweep, typed: str) -> Parameter:
    if value.tags:
        raise ConfigError(
            f"{typed} has a tag: expected one with interval(low,high) only, as in tag(log,interval(1,64))"
        )
    start, stop, step = (Decimal(str(number)) for number in (value.start, value.stop, value.step))
    count = math.ceil((stop - start) / step) if step else 0
    if count < 1:
        raise ConfigError(f"{typed} has no value: expected range(start,stop) that ends after its start")
    low, high = sorted([start, start + (count - 1) * step])
    if all(isinstance(number, int) for number in (value.start, value.stop, value.step)):
        return Integers(int(low), int(high), int(abs(step)))
    return Reals(float(low), float(high), float(abs(step)))


def _interval(value: IntervalSweep, typed: str) -> Parameter:
    low, high = value.start, value.end
    assert low is not None
    assert high is not None
    if not (low <= high and math.isfinite(low) and math.isfinite(high)):
        raise ConfigError(f"{typed} has no value: expected interval(low,high) with two numbers, the lower first")
    log = "log" in value.tags
    if log and low <= 0:
        raise ConfigError(f"{typed} begins at {low}: expected a number above 0, because the scale is logarithmic")
    whole = "int" in value.tags or (isinstance(low, int) and isinstance(high, int))
    if whole and "float" not in value.tags:
        return Integers(int(low), int(high), log=log)
    return Reals(float(low), float(high), log=log)
