"""Looks into a trained network: its filters, and the maps that its layers make of images. On any backend of Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

Named = tuple[str, NDArray[np.float32]]


def convolutions(model: keras.Model) -> list[Named]:
    """Name and filters of each two-dimensional convolution: float32 (height, width, inputs, outputs), in their order.

    Keras keeps filters in this order of axes also where its maps are channels first.
    """
    import keras

    found = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    return [(layer.name, as_float32(layer.kernel)) for layer in found]


def pixel_weights(model: keras.Model) -> Named | None:
    """Name and weights of the dense layer that reads the pixels, float32 (height, width, channels, units).

    None if the first layer with weights is no dense layer, or does not read every pixel of the image.
    """
    import keras

    shape = model.input_shape[1:]
    first = next((layer for layer in model.layers if layer.trainable_weights), None)
    if not isinstance(first, keras.layers.Dense) or first.kernel.shape[0] != np.prod(shape):
        return None
    return first.name, as_float32(first.kernel).reshape(*shape, -1)


def feature_maps(model: keras.Model, images: NDArray[np.uint8]) -> list[Named]:
    """What each layer from the first convolution to the last that gives maps makes of some images.

    Layers that only pass their input on, as dropout and reshaping do, are left out.

    Args:
        model: takes `images`.
        images: uint8 (n, height, width, channels).

    Returns:
        Name and maps of each layer, float32 (n, height, width, maps), in the order of computation, whatever
        `image_data_format` the network was made with. Empty where there is no convolution.
    """
    import keras

    passing = (
        keras.layers.Dropout,
        keras.layers.SpatialDropout2D,
        keras.layers.GaussianNoise,
        keras.layers.Permute,
        keras.layers.Reshape,
    )
    layers: list[tuple[Any, str]] = []
    last_format = ""
    for layer in model.layers:
        if not layers and not isinstance(layer, keras.layers.Conv2D):
            continue
        if len(layer.output.shape) == 4 and not isinstance(layer, passing):
            last_format = getattr(layer, "data_format", last_format)  # an activation has that of what it reads
            layers.append((layer, last_format))
    if not layers:
        return []
    looking = keras.Model(model.inputs[0], [layer.output for layer, _ in layers])
    # TensorFlow convolves channels first on a CPU only where XLA compiles it
    looking.compile(jit_compile=any(data_format == "channels_first" for _, data_format in layers))
    outputs = looking.predict_on_batch(images)
    found = []
    for (layer, data_format), output in zip(layers, outputs if len(layers) > 1 else [outputs], strict=True):
        maps = as_float32(output)
        found.append((layer.name, maps.transpose(0, 2, 3, 1) if data_format == "channels_first" else maps))
    return found


def as_float32(values: Any) -> NDArray[np.float32]:
    """A tensor of any precision as float32."""
    import keras

    array: NDArray[np.float32] = keras.ops.convert_to_numpy(keras.ops.cast(values, "float32"))
    return array
