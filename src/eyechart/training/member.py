"""A network among those that an engine trains, as the listeners to its records see it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from eyechart.training.backend.engine import OPTIMIZER

if TYPE_CHECKING:
    from eyechart.training.backend.engine import Engine


class Member:
    """One of an engine's networks, as it stands after an epoch.

    Args:
        states: reads the state of every member of the engine.
        number: which of them it is.
    """

    def __init__(self, states: Callable[[], list[dict[str, np.ndarray]]], number: int):
        self._states, self._number = states, number

    def weights(self) -> dict[str, np.ndarray]:
        """What its model is made of, layers' state (of normalisation and dropout) included."""
        return weights_in(self.state())

    def state(self) -> dict[str, np.ndarray]:
        """Everything that its next epoch depends on: its weights, and the optimizer's variables."""
        return self._states()[self._number]


def all_finite(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether every number in some weights is one: not NaN, and not infinite."""
    return all(np.isfinite(array).all() for array in arrays.values())


def weights_in(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights in a member's state."""
    return {name: array for name, array in state.items() if not name.startswith(OPTIMIZER)}


def members_of(engine: Engine) -> list[Member]:
    """The members as they stand now: read off the device when one is first asked for, for all of them at once."""
    states = functools.cache(engine.state)
    return [Member(states, number) for number in range(engine.members)]
