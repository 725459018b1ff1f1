"""The two layers that Keras has not: padding by any number, and pooling of pixels that lie apart."""

from __future__ import annotations

from typing import Any

import keras

from eyechart.inference.scanning.stages import Padding, Pair


@keras.saving.register_keras_serializable("eyechart")
class Pad(keras.layers.Layer):  # type: ignore[misc]
    """Surrounds maps with a constant.

    Args:
        padding: rows before and after, columns before and after.
        value: the constant, also as text: minus infinity is no number in the JSON of a saved model.
    """

    def __init__(self, padding: Padding, value: float | str, **options: Any):
        super().__init__(**options)
        self.padding, self.value = padding, float(value)

    def call(self, maps: Any) -> Any:  # noqa: D102
        return keras.ops.pad(maps, ((0, 0), *self.padding, (0, 0)), constant_values=self.value)

    def compute_output_shape(self, shape: Any) -> Any:  # noqa: D102
        sides = [None if side is None else side + sum(pad) for side, pad in zip(shape[1:3], self.padding, strict=True)]
        return (shape[0], *sides, shape[3])

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        return {**super().get_config(), "padding": self.padding, "value": str(self.value)}


@keras.saving.register_keras_serializable("eyechart")
class DilatedPooling(keras.layers.Layer):  # type: ignore[misc]
    """Pools at every pixel over pixels that lie apart: shifted maps, first over the rows, then over the columns.

    Args:
        kind: `max` or `mean`.
        size: so many rows and columns are pooled.
        dilation: they are so far apart.
    """

    def __init__(self, kind: str, size: Pair, dilation: Pair, **options: Any):
        super().__init__(**options)
        self.kind, self.size, self.dilation = kind, size, dilation

    def call(self, maps: Any) -> Any:  # noqa: D102
        for axis, size, apart in zip((1, 2), self.size, self.dilation, strict=True):
            length = keras.ops.shape(maps)[axis] - (size - 1) * apart
            pooled = _part(maps, axis, 0, length)
            for number in range(1, size):
                part = _part(maps, axis, number * apart, length)
                pooled = keras.ops.maximum(pooled, part) if self.kind == "max" else pooled + part
            maps = pooled if self.kind == "max" else pooled / size
        return maps

    def compute_output_shape(self, shape: Any) -> Any:  # noqa: D102
        reads = [(size - 1) * apart for size, apart in zip(self.size, self.dilation, strict=True)]
        sides = [None if side is None else side - read for side, read in zip(shape[1:3], reads, strict=True)]
        return (shape[0], *sides, shape[3])

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        return {**super().get_config(), "kind": self.kind, "size": self.size, "dilation": self.dilation}


def _part(maps: Any, axis: int, start: int, length: Any) -> Any:
    """So many rows (axis 1) or columns (axis 2) of maps."""
    return maps[:, start : start + length] if axis == 1 else maps[:, :, start : start + length]
