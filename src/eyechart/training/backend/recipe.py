"""What an engine is made from: how its members learn, from what, and how that is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Recipe:
    """How members learn: what all of them have in common.

    Attributes:
        optimizer: makes the optimizer from a learning rate, or from those of several members, float32 (members, 1).
        loss: from labels (batch,) and probabilities to one number.
        batch_size: images per step and member; the last step of an epoch has the rest.
        augment: from uint8 images (batch, height, width, channels) and their random numbers, float32 (batch, n), to
            uint8 images; None: nothing is augmented.
        element_wise: whether the optimizer takes each number by itself.
    """

    optimizer: Callable[[Any], Any]
    loss: Callable[[Any, Any], Any]
    batch_size: int
    augment: Callable[[Any, Any], Any] | None = None
    element_wise: bool = True


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What is learned from.

    Attributes:
        images: uint8 (images, height, width, channels); with chunks, anything that gives such an array for an array
            of positions.
        labels: int32 (images,).
        steps_per_chunk: steps whose images are on the device at a time; None: all images stay there.
    """

    images: Any
    labels: np.ndarray
    steps_per_chunk: int | None = None


@dataclass(frozen=True)
class Execution:
    """How the steps of an epoch are run.

    Attributes:
        device: `cpu` or `gpu`.
        compiled: whether XLA compiles the loop over the steps; else it compiles nothing on TensorFlow, a step on JAX.
        unrolled: whether recurrent layers that are mapped over several members take their time steps without a loop.
    """

    device: str
    compiled: bool
    unrolled: bool = False
