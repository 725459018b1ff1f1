"""Engines without a network, for what stands around engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from eyechart.training.backend.chunks import prediction_batches
from eyechart.training.backend.engine import Epoch
from eyechart.training.member import Member, members_of


class FakeEngine:
    """A member's one weight is the number of epochs it has learned; each answers class 0 with `sure`, of two.

    Args:
        sure: the probability of class 0; as a list, its answer after each time step.
        members: how many.

    Attributes:
        orders: of the epochs that it was asked for.
        draws: likewise.
        active: likewise.
    """

    def __init__(self, sure: float | list[float] = 0.75, members: int = 1):
        self.sure, self.members = sure, members
        self.learned = np.zeros(members)
        self.speed = np.zeros(members)
        self.orders: list[np.ndarray] = []
        self.draws: list[np.ndarray | None] = []
        self.active: list[list[bool]] = []

    def epoch(self, epoch: Epoch, tick: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray]:
        learning = np.ones(self.members, bool) if epoch.active is None else epoch.active.copy()
        self.orders.append(epoch.orders)
        self.draws.append(epoch.draws)
        self.active.append(learning.tolist())
        self.learned += learning
        self.speed -= learning
        tick(epoch.orders.size)
        return 1 / self.learned, 1 - 1 / (1 + self.learned)

    def predict(self, images: np.ndarray) -> Iterator[np.ndarray]:
        sure = np.float32(self.sure)
        answer = np.stack([sure, 1 - sure], axis=-1)  # (2,) or (steps, 2)
        for batch, known in prediction_batches(len(images)):
            count = len(images[batch]) - known
            yield np.broadcast_to(answer, (self.members, count, *answer.shape))

    def weights(self) -> list[dict[str, np.ndarray]]:
        return [{"trainable/0": epochs[None].copy()} for epochs in self.learned]

    def set_weights(self, weights: list[dict[str, np.ndarray]]) -> None:
        self.learned = np.concatenate([member["trainable/0"] for member in weights])

    def state(self) -> list[dict[str, np.ndarray]]:
        speeds = ({"optimizer/0": speed[None].copy()} for speed in self.speed)
        return [weights | speed for weights, speed in zip(self.weights(), speeds, strict=True)]

    def restore(self, state: list[dict[str, np.ndarray]]) -> None:
        self.set_weights(state)
        self.speed = np.concatenate([member["optimizer/0"] for member in state])


def fake_member() -> Member:
    """A network that has learned nothing."""
    return members_of(FakeEngine())[0]
