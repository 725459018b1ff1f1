"""Convolutional networks: an image read as a map."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eyechart.errors import ConfigError
from eyechart.models.architecture import Architecture


@dataclass(frozen=True)
class CNN(Architecture):
    """Blocks of convolution and max pooling, then one dense layer (document 003: 32-pool-32-pool-64).

    Args:
        filters: number of maps of each block's convolution.
        kernel_size: height and width of the filters, in pixels; no padding.
        pool_size: height, width and stride of the pooling after each convolution, in pixels.
        units: width of the dense layer.
    """

    filters: list[int] = field(default_factory=lambda: [32, 32])
    kernel_size: int = 3
    pool_size: int = 2
    units: int = 64

    def smallest_image(self) -> tuple[int, int]:  # noqa: D102
        side = 1
        for _ in self.filters:
            side = side * self.pool_size + self.kernel_size - 1
        return (side, side)

    def layers(self, pixels: Any, image_shape: tuple[int, int, int]) -> Any:  # noqa: D102
        from keras import layers

        x = pixels
        for filters in self.filters:
            x = layers.Conv2D(filters, self.kernel_size, activation="relu")(x)
            x = layers.MaxPooling2D(self.pool_size)(x)
        x = layers.Flatten()(x)
        return layers.Dense(self.units, activation="relu")(x)


@dataclass(frozen=True)
class LeNet(Architecture):
    """Two padded convolutions with pooling, dropout, one dense layer (document 004: 20 and 50 maps 5x5, dense 500).

    Args:
        filters: number of maps of each block's convolution.
        kernel_size: height and width of the filters, in pixels; the image is padded so that its size stays.
        pool_size: height, width and stride of the pooling after each convolution, in pixels.
        dropout: share of the last maps' values that are set to 0 in training.
        units: width of the dense layer.
    """

    filters: list[int] = field(default_factory=lambda: [20, 50])
    kernel_size: int = 5
    pool_size: int = 2
    dropout: float = 0.5
    units: int = 500

    def check(self, image_shape: tuple[int, int, int]) -> None:  # noqa: D102
        super().check(image_shape)
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"model.dropout must lie in [0, 1), received {self.dropout}")

    def smallest_image(self) -> tuple[int, int]:  # noqa: D102
        side = self.pool_size ** len(self.filters)
        return (side, side)

    def layers(self, pixels: Any, image_shape: tuple[int, int, int]) -> Any:  # noqa: D102
        from keras import layers

        x = pixels
        for filters in self.filters:
            x = layers.Conv2D(filters, self.kernel_size, padding="same", activation="relu")(x)
            x = layers.MaxPooling2D(self.pool_size)(x)
        x = layers.Dropout(self.dropout)(x)
        x = layers.Flatten()(x)
        return layers.Dense(self.units, activation="relu")(x)
