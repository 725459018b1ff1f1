"""Turns a trained network into one that answers at every place of a larger image, with the same weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eyechart.inference.scanning.stages import NONE, Chain, Convolution, Pair, Pointwise, Pooling, read

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Geometry:
    """Where the answers of a fully convolutional network lie.

    Each pair is of rows and of columns, in pixels. The answer at (i, j) is that of the window whose upper left pixel
    is (i * stride[0], j * stride[1]).

    Attributes:
        window: the size of the training images.
        stride: the distance of neighbouring answers.
        before: an answer depends on so many pixels above and left of its window, where a training image was padded.
        after: likewise below and right of it.
        padded: whether there is any padding, also where `before` and `after` are 0.
    """

    window: Pair
    stride: Pair
    before: Pair
    after: Pair
    padded: bool

    def positions(self, size: Pair, stride: Pair | None = None) -> Pair:
        """How many windows fit into an image of a size, at distances of `stride`, by default those of the answers."""
        rows, columns = (
            (side - window) // step + 1
            for side, window, step in zip(size, self.window, stride or self.stride, strict=True)
        )
        return rows, columns


def convolutional(model: keras.Model) -> keras.Model:
    """The fully convolutional network with the weights of a trained one.

    It computes in float32, whatever precision the network was trained in.

    Args:
        model: from uint8 images (batch, height, width, channels) to probabilities (batch, classes), its layers one
            after the other.

    Returns:
        From uint8 images of any size (batch, rows, columns, channels) to probabilities at each position
        (batch, positions, positions, classes), see `Geometry`. On images of the training size there is one position,
        with the answer of `model`.

    Raises:
        EyechartError: the network cannot be converted.
    """
    return build(read(model))


def build(chain: Chain, *, dilated: bool = False) -> keras.Model:
    """The fully convolutional network of a chain.

    Args:
        chain: as `read` gives it.
        dilated: answer at every pixel instead of at every stride: nothing moves by more than one pixel, and what comes
            after a stride reads pixels that lie so far apart.
    """
    import keras

    from eyechart.inference.scanning.layers import DilatedPooling, Pad

    image = keras.Input((None, None, chain.channels), dtype="uint8", name="image")
    maps: Any = image
    apart: Pair = (1, 1)  # neighbours on the trained network's maps lie so far apart on these
    for stage in chain.stages:
        if isinstance(stage, Pointwise):
            layer = type(stage.layer).from_config(stage.settings)
            maps = layer(maps)
            layer.set_weights(stage.layer.get_weights())
            continue
        if stage.padding != NONE:
            value = 0.0 if isinstance(stage, Convolution) else -math.inf
            rows, columns = (
                (before * distance, after * distance)
                for (before, after), distance in zip(stage.padding, apart, strict=True)
            )
            maps = Pad((rows, columns), value, dtype="float32", name=f"pad_{stage.name}")(maps)
        strides = (1, 1) if dilated else stage.strides
        dilation = _times(stage.dilation, apart)
        if isinstance(stage, Convolution):
            layer = keras.layers.Conv2D(
                stage.kernel.shape[-1],
                stage.size,
                strides=strides,
                dilation_rate=dilation,
                groups=stage.groups,
                activation=stage.activation,
                use_bias=stage.bias is not None,
                kernel_initializer="zeros",  # drawing numbers that are replaced takes a second on JAX
                data_format="channels_last",
                dtype="float32",
                name=stage.name,
            )
            maps = layer(maps)
            layer.set_weights([stage.kernel] if stage.bias is None else [stage.kernel, stage.bias])
        elif dilated:
            maps = DilatedPooling(stage.kind, stage.size, dilation, dtype="float32", name=stage.name)(maps)
        else:
            kind = keras.layers.MaxPooling2D if stage.kind == "max" else keras.layers.AveragePooling2D
            pooling = kind(stage.size, strides, data_format="channels_last", dtype="float32", name=stage.name)
            maps = pooling(maps)
        if dilated:
            apart = _times(apart, stage.strides)
    return keras.Model(image, maps, name="scan_dilated" if dilated else "scan")


def geometry(chain: Chain) -> Geometry:
    """Where the answers of a chain lie."""
    stride: Pair = (1, 1)
    first, last = [0, 0], [0, 0]  # the pixels that the first answer depends on, counted from its window's first
    for stage in chain.stages:
        if isinstance(stage, Convolution | Pooling):
            for axis in (0, 1):
                padded = stage.padding[axis][0]
                first[axis] -= padded * stride[axis]
                last[axis] += ((stage.size[axis] - 1) * stage.dilation[axis] - padded) * stride[axis]
            stride = _times(stride, stage.strides)
    before = max(0, -first[0]), max(0, -first[1])
    height, width = chain.window
    after = max(0, last[0] - height + 1), max(0, last[1] - width + 1)
    padded = any(not isinstance(stage, Pointwise) and stage.padding != NONE for stage in chain.stages)
    return Geometry(chain.window, stride, before, after, padded)


def _times(one: Pair, other: Pair) -> Pair:
    return one[0] * other[0], one[1] * other[1]
