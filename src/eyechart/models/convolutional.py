"""Convolutional networks: an image read as a map."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eyechart.core.errors import ConfigError
from eyechart.core.schema import one_of
from eyechart.models.architecture import Architecture

PADDINGS = ("valid", "same")


@dataclass(frozen=True)
class CNN(Architecture):
    """Blocks of convolution and max pooling, then one dense layer.

    A block is convolution, activation, normalisation if asked for (after the activation, as in document 003), pooling.

    Args:
        filters: number of maps of each block's convolution.
        kernel_size: height and width of the filters, in pixels.
        strides: by how many pixels the filters move.
        padding: `valid` (none) or `same` (so that only the strides make a map smaller), of the convolutions.
        last_activation: of the last block's convolution; the others have `relu`.
        batch_norm: whether each block normalises its maps.
        pool_size: height and width of the pooling, in pixels.
        pool_strides: by how many pixels the pooling moves; None: by its own size.
        pool_padding: as `padding`, of the pooling.
        dropout: share of the last maps' values that are set to 0 in training.
        units: width of the dense layer.
    """

    filters: list[int] = field(default_factory=lambda: [32, 32])
    kernel_size: int = 3
    strides: int = 1
    padding: str = "valid"
    last_activation: str = "relu"
    batch_norm: bool = False
    pool_size: int = 2
    pool_strides: int | None = None
    pool_padding: str = "valid"
    dropout: float = 0.0
    units: int = 64

    def check(self, image_shape: tuple[int, int, int]) -> None:  # noqa: D102
        one_of("model.padding", self.padding, PADDINGS)
        one_of("model.pool_padding", self.pool_padding, PADDINGS)
        super().check(image_shape)
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"model.dropout must lie in [0, 1), received {self.dropout}")

    def smallest_image(self) -> tuple[int, int]:  # noqa: D102
        side = 1
        for _ in self.filters:
            if self.pool_padding == "valid":
                side = (side - 1) * (self.pool_strides or self.pool_size) + self.pool_size
            else:
                side = (side - 1) * (self.pool_strides or self.pool_size) + 1
            side = (side - 1) * self.strides + (self.kernel_size if self.padding == "valid" else 1)
        return (side, side)

    def layers(self, pixels: Any, image_shape: tuple[int, int, int]) -> Any:  # noqa: D102
        from keras import layers

        x = as_maps(pixels)
        for number, filters in enumerate(self.filters, 1):
            activation = self.last_activation if number == len(self.filters) else "relu"
            x = layers.Conv2D(
                filters, self.kernel_size, strides=self.strides, padding=self.padding, activation=activation
            )(x)
            if self.batch_norm:
                x = layers.BatchNormalization(axis=channel_axis())(x)
            x = layers.MaxPooling2D(self.pool_size, strides=self.pool_strides, padding=self.pool_padding)(x)
        if self.dropout:
            x = layers.Dropout(self.dropout)(x)
        x = layers.Flatten()(x)
        return layers.Dense(self.units, activation="relu")(x)


def as_maps(pixels: Any) -> Any:
    """Images (batch, height, width, channels) as Keras' convolutions expect them: its setting may be channels first.

    Raises:
        ConfigError: they are channels first, and TensorFlow has no GPU, without which it can read but not learn them.
    """
    from keras import config, distribution, layers

    if config.image_data_format() == "channels_last":
        return pixels
    if config.backend() == "tensorflow" and not distribution.list_devices("gpu"):
        raise ConfigError(
            "TensorFlow on a CPU cannot train convolutions with Keras' image_data_format=channels_first: "
            "set it to channels_last in ~/.keras/keras.json, or type backend=jax"
        )
    return layers.Permute((3, 1, 2), name="channels_first")(pixels)


def channel_axis() -> int:
    """The axis of the channels in what `as_maps` gives."""
    from keras import config

    return -1 if config.image_data_format() == "channels_last" else 1
