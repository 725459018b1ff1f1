"""What every engine and every predictor can do: the protocols that each backend implements, and what an epoch is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

OPTIMIZER = "optimizer/"  # before the names of what a state has beyond the weights


@dataclass(frozen=True, eq=False)
class Epoch:
    """One reading of the training images by all members.

    Attributes:
        orders: int32 (members, images): positions in the training images, in the order of reading.
        draws: float32 (members, images, n): the random numbers by which each training image is augmented; None where
            nothing is.
        active: bool (members,): who is to learn. What becomes of the others, and what is said of them, is left open.
            None: all.
    """

    orders: np.ndarray
    draws: np.ndarray | None = None
    active: np.ndarray | None = None

    def of(self, members: slice) -> Epoch:
        """The share of some members."""

        def share(array: np.ndarray | None) -> np.ndarray | None:
            return None if array is None else array[members]

        return Epoch(self.orders[members], share(self.draws), share(self.active))

    @property
    def idle(self) -> bool:
        """Whether no member is to learn."""
        return self.active is not None and not self.active.any()


class Predictor(Protocol):
    """Says what a model says, without training it."""

    def predict(self, images: np.ndarray) -> Iterator[np.ndarray]:
        """As `Engine.predict`, of one member."""

    def set_weights(self, weights: list[dict[str, np.ndarray]]) -> None:
        """Give the model these weights, of one member."""


class Engine(Protocol):
    """Trains members, as one program where that can be. A single run is one member.

    `assembly.make_engine` makes one.

    Attributes:
        members: how many.
        alone: the model by itself, whose answers do not depend on who else is trained.
    """

    members: int

    @property
    def alone(self) -> Predictor: ...  # noqa: D102

    def epoch(self, epoch: Epoch, tick: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray]:
        """Learn from every training image once.

        Args:
            epoch: who reads them in which order.
            tick: called with the number of images that members read since the last call, about twice a second.

        Returns:
            Mean loss and accuracy over the epoch, each float64 (members,), as the weights were at each step. Of a
            model that answers after each time step, both are those of its last answer.
        """

    def predict(self, images: np.ndarray) -> Iterator[np.ndarray]:
        """Probabilities for uint8 images (images, height, width, channels), batch by batch in their order.

        Each is float32 (members, batch, classes), or (members, batch, steps, classes) of a model that answers after
        each time step.
        """

    def weights(self) -> list[dict[str, np.ndarray]]:
        """Per member: what a model is made of, layers' state (of normalisation and dropout) included."""

    def set_weights(self, weights: list[dict[str, np.ndarray]]) -> None:
        """Put back what `weights` gave."""

    def state(self) -> list[dict[str, np.ndarray]]:
        """Per member: everything that the next epoch depends on: `weights`, and the optimizer's variables."""

    def restore(self, state: list[dict[str, np.ndarray]]) -> None:
        """Put back what `state` gave."""
