"""Recurrent networks: an image read as a sequence. A colour image's channels are folded into the features of a step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eyechart.core.schema import one_of
from eyechart.models.architecture import Architecture
from eyechart.models.convolutional import as_maps, channel_axis

READINGS = ("map_rows", "maps", "positions")


@dataclass(frozen=True)
class RNN(Architecture):
    """A simple recurrent layer over the rows of the image, from top to bottom (document 002).

    For an image of height H, width W and C channels: H steps of W*C features.

    Args:
        units: width of the recurrent layer.
        per_step: answer after each step, and learn from each answer; else only after the last.
    """

    units: int = 50
    per_step: bool = False

    def layers(self, pixels: Any, image_shape: tuple[int, int, int]) -> Any:  # noqa: D102
        from keras import layers

        return layers.SimpleRNN(self.units, return_sequences=self.per_step)(_rows(pixels, image_shape))


@dataclass(frozen=True)
class BiRNN(Architecture):
    """Two-way recurrent layers over the rows and over the columns, each reduced over its steps (document 000).

    For an image of height H, width W and C channels and M units: the rows are H steps of W*C features, the columns
    W steps of H*C features; each reading gives (steps, 2M), reduced to 2M; both together 4M features.

    Args:
        units: M, the width of each direction of each recurrent layer.
        cell: `lstm` or `gru`.
        reduction: over the steps: `max_pool`, or `conv1x1`, a 1x1 convolution that takes the steps as its channels:
            one weight a step, and a bias.
        directions: `both`, `rows` or `columns`.
    """

    units: int = 100
    cell: str = "lstm"
    reduction: str = "max_pool"
    directions: str = "both"

    def check(self, image_shape: tuple[int, int, int]) -> None:  # noqa: D102
        one_of("model.cell", self.cell, ("lstm", "gru"))
        one_of("model.reduction", self.reduction, ("max_pool", "conv1x1"))
        one_of("model.directions", self.directions, ("both", "rows", "columns"))
        super().check(image_shape)

    def layers(self, pixels: Any, image_shape: tuple[int, int, int]) -> Any:  # noqa: D102
        from keras import layers

        sequences = {"rows": _rows, "columns": _columns}
        names = list(sequences) if self.directions == "both" else [self.directions]
        cell = {"lstm": layers.LSTM, "gru": layers.GRU}[self.cell]
        readings = []
        for name in names:
            recurrent = cell(self.units, return_sequences=True)
            steps = layers.Bidirectional(recurrent, name=f"read_{name}")(sequences[name](pixels, image_shape))
            readings.append(self._reduce(steps, name))
        return readings[0] if len(readings) == 1 else layers.Concatenate()(readings)

    def _reduce(self, steps: Any, name: str) -> Any:
        """From (batch, steps, features) to (batch, features)."""
        from keras import layers

        if self.reduction == "max_pool":
            return layers.GlobalMaxPooling1D(data_format="channels_last", name=f"pool_{name}")(steps)
        as_channels = layers.Permute((2, 1), name=f"steps_of_{name}_as_channels")(steps)
        weighed = layers.Conv1D(1, 1, data_format="channels_last", name=f"weigh_{name}")(as_channels)
        return layers.Flatten(data_format="channels_last", name=f"flatten_{name}")(weighed)


@dataclass(frozen=True)
class CNNRNN(Architecture):
    """Padded linear convolutions, whose maps a simple recurrent layer reads as a sequence (document 002).

    Args:
        filters: number of maps of each convolution.
        kernel_size: height and width of the filters, in pixels; the image is padded so that its size H x W stays.
        reading: how the M last maps become a sequence: `map_rows`, map by map and row by row (M*H steps of W features,
            the document's code), `maps` (M steps of H*W, the document's prose), or `positions` (H*W steps of M).
        units: width of the recurrent layer.
        per_step: answer after each step, and learn from each answer; else only after the last.
    """

    filters: list[int] = field(default_factory=lambda: [8, 8])
    kernel_size: int = 3
    reading: str = "map_rows"
    units: int = 50
    per_step: bool = True

    def check(self, image_shape: tuple[int, int, int]) -> None:  # noqa: D102
        one_of("model.reading", self.reading, READINGS)
        super().check(image_shape)

    def layers(self, pixels: Any, image_shape: tuple[int, int, int]) -> Any:  # noqa: D102
        from keras import layers

        x = as_maps(pixels)
        for filters in self.filters:
            x = layers.Conv2D(filters, self.kernel_size, padding="same")(x)
        height, width, channels = image_shape
        maps = self.filters[-1] if self.filters else channels
        if channel_axis() == -1:
            maps_first, positions_first = layers.Permute((3, 1, 2)), None
        else:
            maps_first, positions_first = None, layers.Permute((2, 3, 1))
        turn = positions_first if self.reading == "positions" else maps_first
        shape = {
            "map_rows": (maps * height, width),
            "maps": (maps, height * width),
            "positions": (height * width, maps),
        }
        x = layers.Reshape(shape[self.reading], name=self.reading)(turn(x) if turn else x)
        return layers.SimpleRNN(self.units, return_sequences=self.per_step)(x)


def _rows(pixels: Any, image_shape: tuple[int, int, int]) -> Any:
    """(batch, H, W, C) as H steps of W*C features."""
    from keras import layers

    height, width, channels = image_shape
    return layers.Reshape((height, width * channels), name="rows")(pixels)


def _columns(pixels: Any, image_shape: tuple[int, int, int]) -> Any:
    """(batch, H, W, C) as W steps of H*C features."""
    from keras import layers

    height, width, channels = image_shape
    swapped = layers.Permute((2, 1, 3), name="swap_axes")(pixels)
    return layers.Reshape((width, height * channels), name="columns")(swapped)
