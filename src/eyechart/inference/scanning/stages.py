"""Reads a trained network as a chain of stages that mean the same on an image of any size.

A dense layer that reads a map is a convolution as large as the map, and a global pooling is a pooling as large as it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eyechart.core.errors import EyechartError
from eyechart.core.quiet import without_notes
from eyechart.models.inspection import as_float32

if TYPE_CHECKING:
    import keras

Pair = tuple[int, int]  # of rows, of columns
Padding = tuple[Pair, Pair]  # before and after the rows, before and after the columns

NONE: Padding = ((0, 0), (0, 0))
OVER_CHANNELS = ("softmax", "log_softmax", "sparsemax", "glu")  # activations that are not element by element


@dataclass(frozen=True)
class Convolution:
    """A convolution, or the dense layer that it stands for.

    Attributes:
        name: of the layer.
        kernel: (height, width, inputs, filters).
        bias: (filters,); None: without.
        activation: a function of Keras.
        strides: of rows and columns.
        dilation: likewise.
        groups: into which the inputs are parted.
        padding: by zeros, as it is on a training image.
    """

    name: str
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32] | None
    activation: Callable[[Any], Any]
    strides: Pair = (1, 1)
    dilation: Pair = (1, 1)
    groups: int = 1
    padding: Padding = NONE

    @property
    def size(self) -> Pair:
        """Height and width of the kernel."""
        return self.kernel.shape[0], self.kernel.shape[1]


@dataclass(frozen=True)
class Pooling:
    """A pooling.

    Attributes:
        name: of the layer.
        kind: `max` or `mean`.
        size: height and width.
        strides: of rows and columns.
        padding: by minus infinity, as it is on a training image.
    """

    name: str
    kind: str
    size: Pair
    strides: Pair = (1, 1)
    padding: Padding = NONE

    @property
    def dilation(self) -> Pair:
        """None: a pooling reads neighbours."""
        return (1, 1)


@dataclass(frozen=True)
class Pointwise:
    """What treats each position by itself.

    Attributes:
        layer: of the trained network.
        settings: what a copy of it for maps is made from.
    """

    layer: Any
    settings: dict[str, Any]


Stage = Convolution | Pooling | Pointwise


@dataclass(frozen=True)
class Chain:
    """A network as stages.

    Attributes:
        window: height and width of the training images.
        channels: of the images.
        stages: from the image to the answer, in order.
    """

    window: Pair
    channels: int
    stages: tuple[Stage, ...]


def read(model: keras.Model) -> Chain:
    """The stages of a network whose layers follow one another from one image to one answer.

    Raises:
        EyechartError: there is a layer that means nothing on a larger image, or the layers are no chain.
    """
    from keras import layers

    left_out = (
        layers.Dropout,
        layers.SpatialDropout2D,
        layers.GaussianNoise,
        layers.GaussianDropout,
        layers.AlphaDropout,
        layers.ActivityRegularization,
        layers.Identity,
    )
    calls = _calls(model)
    stages: list[Stage] = []
    flattened: Pair | None = None  # height and width of the map whose values, in one row, the next dense layer reads
    for layer, shape in calls:
        kind = type(layer)
        if getattr(layer, "data_format", None) == "channels_first":
            raise _refusal(layer, "it has the channels first, and scanning needs them last")
        if kind in left_out:
            continue
        if kind is layers.Flatten:
            if len(shape) == 3 and shape[:2] != (1, 1):
                flattened = shape[:2]
        elif kind is layers.Dense:
            stages.append(_dense(layer, flattened or (1, 1)))
            flattened = None
        elif flattened and not _elementwise(layer):
            raise _refusal(layer, "it stands between Flatten and the dense layer that reads the map")
        else:
            stages.append(_stage(layer, shape))
    if flattened or model.output_shape[1:] != (model.output_shape[-1],) or not stages:
        raise EyechartError(
            f"{EXPECTED}, received one that answers with {' x '.join(map(str, model.output_shape[1:]))} numbers "
            f"of a training image: {NEXT}"
        )
    height, width, channels = model.input_shape[1:]
    return Chain((height, width), channels, tuple(stages))


EXPECTED = "expected a network that can scan: convolutions, poolings and dense layers, one after the other"
NEXT = "type run= and a run of another model, such as model=lenet"


def _refusal(layer: Any, why: str) -> EyechartError:
    return EyechartError(f"{EXPECTED}, received the layer {layer.name} ({type(layer).__name__}): {why}; {NEXT}")


def _calls(model: keras.Model) -> list[tuple[Any, tuple[int, ...]]]:
    """Each layer with the shape that it reads of one training image, from the image to the answer."""
    import keras

    if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
        raise EyechartError(f"{EXPECTED}, received a model whose layers Keras does not know: {NEXT}")
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.inputs[0].shape) != 4:
        raise EyechartError(
            f"{EXPECTED}, from one image to one answer, received one with {len(model.inputs)} inputs and "
            f"{len(model.outputs)} outputs: {NEXT}"
        )
    for layer in model.layers:
        if isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional):
            raise _refusal(layer, "a recurrent layer reads a sequence of one length, not a map of any size")
    found: list[tuple[Any, tuple[int, ...]]] = []
    tensor = model.outputs[0]
    while not isinstance(tensor._keras_history.operation, keras.layers.InputLayer):
        layer, node, _ = tensor._keras_history
        inputs = layer._inbound_nodes[node].input_tensors
        if len(inputs) != 1:
            raise _refusal(layer, f"it joins {len(inputs)} branches")
        (tensor,) = inputs
        found.append((layer, tuple(tensor.shape[1:])))
    return found[::-1]


def _elementwise(layer: Any) -> bool:
    """Whether a layer treats each number alike and by itself."""
    from keras import layers

    if type(layer) is layers.Activation:
        return getattr(layer.activation, "__name__", "") not in OVER_CHANNELS
    return type(layer) in (layers.ReLU, layers.LeakyReLU, layers.ELU)


def _dense(layer: Any, size: Pair) -> Convolution:
    """A dense layer as the convolution that reads a map of that size: with the channels last, in the same order."""
    kernel = as_float32(layer.kernel)
    return Convolution(
        layer.name,
        kernel.reshape(*size, kernel.shape[0] // (size[0] * size[1]), kernel.shape[1]),
        as_float32(layer.bias) if layer.use_bias else None,
        layer.activation,
    )


def _stage(layer: Any, shape: tuple[int, ...]) -> Stage:
    """A layer that reads a map (height, width, channels), or a row of channels."""
    from keras import layers

    kind = type(layer)
    if kind in (layers.Reshape, layers.Permute):
        raise _refusal(layer, "it turns the map into something else, which fits one size only")
    if kind is layers.Conv2D:
        padding = _padding(layer, shape, layer.kernel_size, layer.dilation_rate)
        bias = as_float32(layer.bias) if layer.use_bias else None
        return Convolution(
            layer.name,
            as_float32(layer.kernel),
            bias,
            layer.activation,
            layer.strides,
            layer.dilation_rate,
            layer.groups,
            padding,
        )
    if kind in (layers.MaxPooling2D, layers.AveragePooling2D):
        padding = _padding(layer, shape, layer.pool_size, (1, 1))
        if kind is layers.AveragePooling2D and padding != NONE:
            raise _refusal(layer, "an average over a padded border counts fewer pixels, which no larger image has")
        name = "max" if kind is layers.MaxPooling2D else "mean"
        return Pooling(layer.name, name, layer.pool_size, layer.strides, padding)
    if kind in (layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D):
        return Pooling(layer.name, "max" if kind is layers.GlobalMaxPooling2D else "mean", (shape[0], shape[1]))
    if kind in (layers.Rescaling, layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU):
        return Pointwise(layer, _settings(layer))
    if kind in (layers.BatchNormalization, layers.Softmax):
        if layer.axis not in (-1, len(shape), [-1], [len(shape)]):
            raise _refusal(layer, f"its axis is {layer.axis}, and scanning needs that of the channels, the last")
        return Pointwise(layer, {**_settings(layer), "axis": -1})
    raise _refusal(layer, "this kind of layer is not known to mean the same on a larger image")


def _settings(layer: Any) -> dict[str, Any]:
    """What a copy of a layer is made from, in full precision."""
    with without_notes():  # Keras looks for TensorFlow here, also under JAX
        return {**layer.get_config(), "dtype": "float32"}


def _padding(layer: Any, shape: tuple[int, ...], size: Pair, dilation: Pair) -> Padding:
    """By how much a layer pads a map of this shape. Above a stride of 1 that depends on the size of the map."""
    if layer.padding == "valid":
        return NONE
    found = []
    for length, kernel, stride, apart in zip(shape[:2], size, layer.strides, dilation, strict=True):
        positions = -(-length // stride)
        total = max(0, (positions - 1) * stride + (kernel - 1) * apart + 1 - length)
        found.append((total // 2, total - total // 2))
    return found[0], found[1]
