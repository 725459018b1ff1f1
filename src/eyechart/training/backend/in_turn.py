"""Several members one after another, each by the program that would train it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from eyechart.training.backend.chunks import prediction_batches
from eyechart.training.backend.engine import Engine, Epoch
from eyechart.training.member import weights_in


class InTurn:
    """Trains members that cannot be one program, or would be slower as one.

    They share a model and its compiled program, into which the state of a member is put when it is its turn. So its
    results are those of a run alone, bit for bit.

    Args:
        engine_of: from a learning rate to an engine of one member, and the name that the rate has in its state. Where
            it has none, because a schedule is built upon it, each rate has an engine of its own.
        rates: the learning rate of each member.
    """

    def __init__(self, engine_of: Callable[[float], tuple[Engine, str | None]], rates: Sequence[float]):
        self.members = len(rates)
        first, name = engine_of(rates[0])
        self.alone = first.alone
        (state,) = first.state()
        if name is None:
            engines = {rate: engine_of(rate)[0] for rate in rates if rate != rates[0]} | {rates[0]: first}
            self._engines = [engines[rate] for rate in rates]
            self._states = [dict(state) for _ in rates]
        else:
            self._engines = [first] * self.members
            self._states = [state | {name: np.asarray(rate, state[name].dtype)} for rate in rates]

    def epoch(self, epoch: Epoch, tick: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray]:  # noqa: D102
        results = np.zeros((2, self.members))
        for member, engine in enumerate(self._engines):
            own = slice(member, member + 1)
            share = epoch.of(own)
            if not share.idle:
                engine.restore([self._states[member]])
                results[:, own] = engine.epoch(share, tick)
                (self._states[member],) = engine.state()
        return results[0], results[1]

    def predict(self, images: np.ndarray) -> Iterator[np.ndarray]:  # noqa: D102
        weights = self.weights()
        for batch, known in prediction_batches(len(images)):
            answers: list[np.ndarray] = []
            for member in weights:
                self.alone.set_weights([member])
                answers += self.alone.predict(images[batch])
            yield np.concatenate(answers)[:, known:]

    def weights(self) -> list[dict[str, np.ndarray]]:  # noqa: D102
        return [weights_in(state) for state in self._states]

    def set_weights(self, weights: list[dict[str, np.ndarray]]) -> None:  # noqa: D102
        self._states = [state | given for state, given in zip(self._states, weights, strict=True)]

    def state(self) -> list[dict[str, np.ndarray]]:  # noqa: D102
        return list(self._states)

    def restore(self, state: list[dict[str, np.ndarray]]) -> None:  # noqa: D102
        self._states = list(state)
