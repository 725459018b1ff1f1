"""What training makes small."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def crossentropy(class_weights: np.ndarray | None = None) -> Callable[[Any, Any], Any]:
    """Mean cross-entropy in nats, as a function of labels (batch,) and probabilities.

    Probabilities are (batch, classes), or (batch, steps, classes) of a model that answers after each time step: then
    each step's answer counts, and the label is that of the image at each of them.

    Args:
        class_weights: float32 (classes,): by what an image of each class counts; None: by 1.
    """
    import keras
    from keras import ops

    mean = keras.losses.SparseCategoricalCrossentropy()

    def loss(labels: Any, probabilities: Any) -> Any:
        if len(probabilities.shape) == 3:
            labels = ops.repeat(ops.expand_dims(labels, 1), probabilities.shape[1], axis=1)
        weights = None if class_weights is None else ops.take(ops.convert_to_tensor(class_weights), labels)
        return mean(labels, probabilities, sample_weight=weights)

    return loss


def balanced(labels: np.ndarray, classes: int) -> np.ndarray:
    """Weights by which all classes together count the same: float32 (classes,), 1 on average over the images.

    Args:
        labels: int32 (n,), of the training images; a class without images has the weight 0.
        classes: how many there are.
    """
    counts = np.bincount(labels, minlength=classes)
    weights = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.where(counts, weights, 0).astype(np.float32)
