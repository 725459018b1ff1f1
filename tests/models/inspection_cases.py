"""python inspection_cases.py BACKEND FOLDER : every case of `test_inspection.py`, without the other backend."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from eyechart.core.errors import EyechartError
from eyechart.training.backend.choose import activate

BACKEND, FOLDER = sys.argv[1], Path(sys.argv[2])
activate(BACKEND, "cpu", "float32")

import keras  # noqa: E402

from eyechart.models import CNN, FNN, BiRNN, inspection  # noqa: E402
from eyechart.models.loading import load_model  # noqa: E402

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 12, 14, 3), np.uint8)
SHAPE = IMAGES.shape[1:]


def saved(model: keras.Model) -> keras.Model:
    """The model as a run leaves it and the explanation finds it."""
    model.save(FOLDER / "model.keras")
    return load_model(FOLDER / "model.keras")


def filters_are_those_of_the_convolutions() -> None:
    model = CNN(filters=[4, 5], units=6).build(SHAPE, 10)
    found = inspection.convolutions(saved(model))
    assert [(name, kernel.shape) for name, kernel in found] == [("conv2d", (3, 3, 3, 4)), ("conv2d_1", (3, 3, 4, 5))]
    for name, kernel in found:
        np.testing.assert_array_equal(kernel, model.get_layer(name).get_weights()[0])


def maps_are_what_the_layers_compute() -> None:
    model = keras.Sequential(
        [
            keras.Input(SHAPE, dtype="uint8"),
            keras.layers.Rescaling(1 / 255, name="scale"),
            keras.layers.Conv2D(2, 3, name="convolve"),
            keras.layers.Activation("relu", name="cut"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dropout(0.5, name="drop"),
            keras.layers.AveragePooling2D(2, name="pool"),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dense(2, name="answer"),
        ]
    )
    maps = dict(inspection.feature_maps(model, IMAGES))
    assert list(maps) == ["convolve", "cut", "norm", "pool"]
    kernel, bias = model.get_layer("convolve").get_weights()
    windows = np.lib.stride_tricks.sliding_window_view(IMAGES / 255, (3, 3), axis=(1, 2))
    expected = np.einsum("nhwcyx,yxco->nhwo", windows, kernel) + bias
    np.testing.assert_allclose(maps["convolve"], expected, atol=1e-4)
    np.testing.assert_allclose(maps["cut"], np.maximum(expected, 0), atol=1e-4)
    np.testing.assert_allclose(maps["norm"], np.maximum(expected, 0) / np.sqrt(1.001), atol=1e-4)
    pooled = maps["norm"].reshape(3, 5, 2, 6, 2, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(maps["pool"], pooled, atol=1e-4)


def one_layer_is_enough() -> None:
    inputs = keras.Input(SHAPE, dtype="float32")
    maps = inspection.feature_maps(keras.Model(inputs, keras.layers.Conv2D(2, 12, name="one")(inputs)), IMAGES)
    assert [(name, values.shape) for name, values in maps] == [("one", (3, 1, 3, 2))]


def convolutional(data_format: str) -> keras.Model:
    """By hand, because an architecture refuses channels first where they cannot be trained."""
    layers, axis = keras.layers, 1 if data_format == "channels_first" else -1
    image = keras.Input(SHAPE, dtype="uint8")
    maps = layers.Rescaling(1 / 255)(image)
    maps = layers.Permute((3, 1, 2))(maps) if axis == 1 else maps
    for filters in (4, 5):
        maps = layers.Conv2D(filters, 3, data_format=data_format)(maps)
        maps = layers.Activation("relu")(layers.BatchNormalization(axis=axis)(maps))
        maps = layers.MaxPooling2D(2, data_format=data_format)(maps)
    return keras.Model(image, layers.Flatten(data_format=data_format)(maps))


def channels_last_is_handed_out_of_channels_first() -> None:
    first, last = convolutional("channels_first"), convolutional("channels_last")
    first.set_weights(last.get_weights())
    expected = inspection.feature_maps(saved(last), IMAGES)
    received = inspection.feature_maps(saved(first), IMAGES)
    assert len(expected) == len(received) == 8
    for (_, a), (_, b) in zip(expected, received, strict=True):
        assert a.dtype == b.dtype == np.float32
        np.testing.assert_allclose(a, b, atol=1e-4)
    kernels = [[kernel for _, kernel in inspection.convolutions(model)] for model in (first, last)]
    assert all(np.array_equal(a, b) for a, b in zip(*kernels, strict=True))


def numbers_of_half_precision_are_handed_out_as_float32() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = CNN(filters=[2], units=2).build(SHAPE, 10)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {maps.dtype for _, maps in inspection.feature_maps(model, IMAGES)} == {np.dtype("float32")}


def a_dense_net_weighs_pixels() -> None:
    model = saved(FNN(units=[4, 3]).build(SHAPE, 10))
    found = inspection.pixel_weights(model)
    assert found is not None
    name, weights = found
    assert weights.shape == (*SHAPE, 4)
    assert not model.get_layer(name).get_weights()[1].any()  # a fresh bias
    expected = np.maximum(np.einsum("nhwc,hwcu->nu", IMAGES / 255, weights), 0)
    hidden = keras.Model(model.input, model.get_layer(name).output).predict_on_batch(IMAGES)
    np.testing.assert_allclose(hidden, expected, atol=1e-4)
    assert inspection.convolutions(model) == []
    assert inspection.feature_maps(model, IMAGES) == []


def other_nets_have_nothing_of_it() -> None:
    recurrent = BiRNN(units=3).build(SHAPE, 10)
    assert inspection.pixel_weights(recurrent) is None
    assert inspection.convolutions(recurrent) == []
    assert inspection.pixel_weights(CNN(filters=[2], units=2).build(SHAPE, 10)) is None


def what_is_no_model_is_refused() -> None:
    for content in (b"", b"no model", b"PK\x03\x04"):
        (FOLDER / "broken.keras").write_bytes(content)
        with pytest.raises(EyechartError, match=r"^expected a Keras model in .*[^\n]$"):
            load_model(FOLDER / "broken.keras")


filters_are_those_of_the_convolutions()
maps_are_what_the_layers_compute()
one_layer_is_enough()
channels_last_is_handed_out_of_channels_first()
numbers_of_half_precision_are_handed_out_as_float32()
a_dense_net_weighs_pixels()
other_nets_have_nothing_of_it()
what_is_no_model_is_refused()
