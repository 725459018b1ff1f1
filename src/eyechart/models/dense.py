"""Dense networks: an image read as a vector."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eyechart.models.architecture import Architecture


@dataclass(frozen=True)
class FNN(Architecture):
    """A feed-forward network on the flattened image (document 001: 32-16-10).

    Args:
        units: width of each hidden layer.
        activation: of the hidden layers, a name that Keras knows.
    """

    units: list[int] = field(default_factory=lambda: [32, 16])
    activation: str = "relu"

    def layers(self, pixels: Any, image_shape: tuple[int, int, int]) -> Any:  # noqa: D102
        from keras import layers

        x = layers.Flatten(data_format="channels_last")(pixels)
        for units in self.units:
            x = layers.Dense(units, activation=self.activation)(x)
        return x
