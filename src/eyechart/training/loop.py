"""The loop over epochs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from eyechart.evaluation.scores import cross_entropy
from eyechart.training.answers import ask
from eyechart.training.backend import Engine
from eyechart.training.order import order
from eyechart.training.records import Consumer, Record


def train(
    engine: Engine,
    consumers: Sequence[Consumer],
    *,
    seed: int,
    size: int,
    epochs: int,
    done: int = 0,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    draw: Callable[[int], np.ndarray] | None = None,
    tick: Callable[[int], None] = lambda images: None,
) -> None:
    """Train until the last epoch, or until a consumer asks for the end.

    Args:
        engine: holds the network, its optimizer and the training images.
        consumers: called with each epoch's record, in this order.
        seed: of the run; decides the order of the images.
        size: number of training images.
        epochs: the last epoch, counted from 1.
        done: epochs that a run before this one finished.
        validation: uint8 images (n, height, width, channels) and int32 labels (n,) that nothing is learned from.
        draw: from an epoch to the random numbers, float32 (size, n), by which the engine augments each training image.
        tick: called with the number of training images read since the last call.
    """
    if any(getattr(consumer, "exhausted", False) for consumer in consumers):
        return  # interrupted after it had asked for the end, and before the run was recorded as finished
    for epoch in range(done + 1, epochs + 1):
        began = time.perf_counter()
        orders = order(seed, epoch, size)[np.newaxis]
        draws = None if draw is None else draw(epoch)[np.newaxis]
        (loss,), (right,) = engine.epoch(orders, tick, draws)
        metrics = {"train/loss": float(loss), "train/accuracy": float(right)}
        if validation is not None:
            images, labels = validation
            (answers,) = ask(engine, images, labels)
            metrics["validation/loss"] = cross_entropy(labels, answers.probabilities)
            metrics["validation/accuracy"] = float(np.mean(answers.probabilities.argmax(axis=1) == labels))
            if answers.step_accuracy is not None:
                metrics["validation/accuracy_over_steps"] = float(answers.step_accuracy.mean())
        metrics["seconds"] = time.perf_counter() - began
        record = Record(epoch, metrics)
        if any([consumer(record, engine) for consumer in consumers]):
            break
