"""Recurrent networks: an image read as a sequence. A colour image's channels are folded into the features of a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eyechart.models.architecture import Architecture


@dataclass(frozen=True)
class BiRNN(Architecture):
    """Two bidirectional LSTMs, over the rows and over the columns, each max-pooled over its steps (document 000).

    For an image of height H, width W and C channels and M units: the rows are H steps of W*C features, the columns
    W steps of H*C features; each reading gives (steps, 2M), pooled to 2M; together 4M features.

    Args:
        units: M, the width of each direction of each LSTM.
    """

    units: int = 100

    def layers(self, pixels: Any, image_shape: tuple[int, int, int]) -> Any:  # noqa: D102
        from keras import layers

        height, width, channels = image_shape
        rows = layers.Reshape((height, width * channels), name="rows")(pixels)
        columns = layers.Permute((2, 1, 3), name="swap_axes")(pixels)
        columns = layers.Reshape((width, height * channels), name="columns")(columns)
        readings = []
        for name, sequence in (("rows", rows), ("columns", columns)):
            lstm = layers.LSTM(self.units, return_sequences=True)
            steps = layers.Bidirectional(lstm, name=f"read_{name}")(sequence)
            readings.append(layers.GlobalMaxPooling1D(name=f"pool_{name}")(steps))
        return layers.Concatenate()(readings)
