"""An engine without a network, for what stands around engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from eyechart.training.backend.pieces import prediction_batches


class FakeEngine:
    """Its one weight is the number of epochs it has learned; it answers class 0 with `sure`, of two.

    Args:
        sure: the probability of class 0; as a list, its answer after each time step.

    Attributes:
        orders: what `epoch` was called with.
        draws: likewise.
    """

    def __init__(self, sure: float | list[float] = 0.75):
        self.sure = sure
        self.learned = np.zeros(1)
        self.speed = np.zeros(1)
        self.orders: list[np.ndarray] = []
        self.draws: list[np.ndarray | None] = []

    def epoch(
        self, orders: np.ndarray, tick: Callable[[int], None], draws: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        self.orders.append(orders)
        self.draws.append(draws)
        self.learned += 1
        self.speed -= 1
        tick(orders.shape[1])
        return 1 / self.learned, 1 - 1 / (1 + self.learned)

    def predict(self, images: np.ndarray) -> Iterator[np.ndarray]:
        sure = np.float32(self.sure)
        answer = np.stack([sure, 1 - sure], axis=-1)  # (2,) or (steps, 2)
        for batch, known in prediction_batches(len(images)):
            count = len(images[batch]) - known
            yield np.broadcast_to(answer, (1, count, *answer.shape))

    def weights(self) -> list[dict[str, np.ndarray]]:
        return [{"trainable/0": self.learned.copy()}]

    def set_weights(self, weights: list[dict[str, np.ndarray]]) -> None:
        self.learned = weights[0]["trainable/0"].copy()

    def state(self) -> list[dict[str, np.ndarray]]:
        return [self.weights()[0] | {"optimizer/0": self.speed.copy()}]

    def restore(self, state: list[dict[str, np.ndarray]]) -> None:
        self.set_weights(state)
        self.speed = state[0]["optimizer/0"].copy()
