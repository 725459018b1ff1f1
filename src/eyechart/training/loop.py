"""The loop over epochs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np

from eyechart.evaluation.scores import cross_entropy
from eyechart.training.backend.engine import Engine
from eyechart.training.callback import Callback, EpochRecord
from eyechart.training.member import Member, all_finite, members_of
from eyechart.training.order import Reading
from eyechart.training.predict import Predictions, predict


def train(
    engine: Engine,
    callbacks: Sequence[Sequence[Callback]],
    reading: Reading,
    *,
    epochs: int,
    done: int = 0,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    tick: Callable[[int], None] = lambda images: None,
) -> None:
    """Train each member until the last epoch, or until one of its callbacks asks for the end.

    Args:
        engine: holds the members, their optimizer and the training images.
        callbacks: of each member; called with each epoch's record, in this order.
        reading: in which order each member reads the images.
        epochs: the last epoch, counted from 1.
        done: epochs that a run before this one finished.
        validation: uint8 images (n, height, width, channels) and int32 labels (n,) that nothing is learned from.
        tick: called with the number of training images read since the last call, over all members.
    """
    # a member may have been interrupted after it had asked for the end, and before its run was recorded as finished
    active = np.array([not any(getattr(one, "exhausted", False) for one in listeners) for listeners in callbacks])
    for epoch in range(done + 1, epochs + 1):
        if not active.any():
            break
        began = time.perf_counter()
        losses, accuracies = engine.epoch(reading.epoch(epoch, active), tick)
        answers = None if validation is None else predict(engine, *validation)
        seconds = (time.perf_counter() - began) / np.count_nonzero(active)
        members = members_of(engine)
        for number in np.flatnonzero(active).tolist():
            metrics = {"train/loss": float(losses[number]), "train/accuracy": float(accuracies[number])}
            if answers is not None and validation is not None:
                metrics |= _scores(answers[number], validation[1])
            diverged = _has_diverged(metrics, members[number])
            record = EpochRecord(epoch, metrics | {"seconds": seconds}, diverged)
            if any([callback(record, members[number]) for callback in callbacks[number]]):
                active[number] = False


def _has_diverged(metrics: dict[str, float], member: Member) -> bool:
    """Whether the network, as an epoch leaves it, gives no numbers: by the validation loss, or by the weights alone.

    A training loss that is NaN is no sign by itself: where the loss is scaled (`trainer.precision=mixed_float16`), a
    step whose gradients are no numbers is left out, and training goes on. Everywhere else the weights become NaN too.
    """
    if "validation/loss" in metrics:
        return not math.isfinite(metrics["validation/loss"])
    return not all_finite(member.weights())


def _scores(answers: Predictions, labels: np.ndarray) -> dict[str, float]:
    scores = {
        "validation/loss": cross_entropy(labels, answers.probabilities),
        "validation/accuracy": float(np.mean(answers.probabilities.argmax(axis=1) == labels)),
    }
    if answers.step_accuracy is not None:
        scores["validation/accuracy_over_steps"] = float(answers.step_accuracy.mean())
    return scores
