"""What a trained network says of images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyechart.training.backend.engine import Predictor


@dataclass(frozen=True)
class Predictions:
    """The answers of one member.

    Attributes:
        probabilities: float32 (images, classes): the answer, or the last one of a model that answers after each step.
        step_accuracy: float64 (steps,): share of right answers after each time step; None for other models.
    """

    probabilities: np.ndarray
    step_accuracy: np.ndarray | None


def predict(predictor: Predictor, images: np.ndarray, labels: np.ndarray) -> list[Predictions]:
    """Every member's answers. What a model says at each time step is counted batch by batch and not kept.

    Args:
        predictor: an engine, or the model of one member.
        images: uint8 (images, height, width, channels).
        labels: int32 (images,).
    """
    last, right, done = [], None, 0
    for batch in predictor.predict(images):
        truth = labels[done : done + batch.shape[1]]
        done += batch.shape[1]
        if batch.ndim == 4:
            hits = np.count_nonzero(batch.argmax(axis=-1) == truth[:, np.newaxis], axis=1)
            right = hits if right is None else right + hits
            batch = batch[:, :, -1]
        last.append(batch)
    probabilities = np.concatenate(last, axis=1)
    steps = [None] * len(probabilities) if right is None else right / len(images)
    return [Predictions(member, accuracy) for member, accuracy in zip(probabilities, steps, strict=True)]
