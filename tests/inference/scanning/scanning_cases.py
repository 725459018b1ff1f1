"""python scanning_cases.py BACKEND FOLDER : every case of `test_scanning.py`, without the other backend."""

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
from models.cases import CONFIGURED, architecture  # noqa: E402

from eyechart.inference.scanning import Geometry, Scanner, convolutional, stitch, tiling  # noqa: E402
from eyechart.models import CNN, FNN  # noqa: E402
from eyechart.models.loading import load_model  # noqa: E402

layers = keras.layers
# every weight is drawn below: to draw it twice would take half of the time on JAX
keras.initializers.GlorotUniform.__call__ = lambda self, shape, dtype=None, **_: keras.ops.zeros(shape, dtype)
SHAPES = ((16, 16, 1), (28, 28, 1), (32, 32, 3))
RANDOM = np.random.default_rng(0)
SIZES = ((0, 2), (9, 4))  # so many rows and columns more than the window: steps of a stride end with the image, or not


def images(shape: tuple[int, ...], count: int = 4) -> np.ndarray:
    return RANDOM.integers(0, 256, (count, *shape), np.uint8)


def with_random_weights(model: keras.Model) -> keras.Model:
    """Larger than fresh ones, biases and moving statistics too, so that answers are far from each other."""
    for variable in model.weights:
        shape = tuple(variable.shape)
        spread = 1.5 / np.sqrt(max(1, np.prod(shape[:-1])))
        values = RANDOM.normal(0, spread, shape) if len(shape) > 1 else RANDOM.uniform(-0.5, 0.5, shape)
        variable.assign(np.abs(values) + 0.1 if "variance" in variable.name else values)
    return model


def answers(model: keras.Model, batch: np.ndarray) -> np.ndarray:
    """As one program, which JAX makes faster than its parts."""
    model.compile(jit_compile=BACKEND == "jax")
    return np.asarray(model.predict_on_batch(batch))


def network(shape: tuple[int, ...], *middle: keras.layers.Layer) -> keras.Model:
    ends = [keras.Input(shape, dtype="uint8"), layers.Rescaling(1 / 255)], [layers.Dense(3, activation="softmax")]
    return with_random_weights(keras.Sequential([*ends[0], *middle, *ends[1]]))


def architectures() -> list[tuple[str, keras.Model]]:
    """The convolutional and dense ones of `conf/model` on every shape that they can read."""
    found = []
    for name in CONFIGURED:
        each = architecture(name)
        for shape in SHAPES:
            if isinstance(each, CNN | FNN) and min(shape[:2]) >= max(each.smallest_image()):
                found.append((f"{name} {shape}", with_random_weights(each.build(shape, 10))))
    return found


UNPADDED = {
    "convolutions": lambda: network(
        (11, 13, 2), layers.Conv2D(4, (3, 2), strides=(2, 1)), layers.MaxPooling2D((1, 3), strides=(1, 2)),
        layers.Conv2D(3, 2, activation="tanh"), layers.Flatten(), layers.Dense(5, activation="relu"), layers.Dense(4),
        layers.ReLU(),
    ),
    "dilated": lambda: network(
        (12, 10, 1), layers.AveragePooling2D(2), layers.Conv2D(4, 2, dilation_rate=(3, 2)), layers.Flatten()
    ),
    "overlapping": lambda: network(
        (12, 12, 1), layers.MaxPooling2D(3, strides=2), layers.Conv2D(4, 3), layers.Activation("relu"),
        layers.Flatten(), layers.Dropout(0.5), layers.Activation("elu"), layers.Dense(4, use_bias=False),
        layers.Softmax(),
    ),
    "average": lambda: network(
        (9, 12, 1), layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU(),
        layers.MaxPooling2D(2), layers.SpatialDropout2D(0.2), layers.GlobalAveragePooling2D(),
        layers.BatchNormalization(axis=1),
    ),
    "maximum": lambda: network((10, 10, 1), layers.Conv2D(4, 3, strides=3), layers.GlobalMaxPooling2D()),
    "dense": lambda: network((5, 4, 3), layers.Flatten(), layers.Dense(6, activation="relu"), layers.Dense(6)),
    "larger_steps_than_windows": lambda: network((9, 9, 1), layers.MaxPooling2D(2, strides=3), layers.Flatten()),
}  # fmt: skip
PADDED = {
    "same": lambda: network(
        (13, 10, 1), layers.Conv2D(3, 4, padding="same"), layers.MaxPooling2D(3, strides=2, padding="same"),
        layers.Conv2D(3, 3, strides=2, padding="same", activation="relu"), layers.Flatten(),
    ),
    "pooling": lambda: network(
        (9, 11, 1), layers.Conv2D(4, 2, strides=2, padding="same"), layers.BatchNormalization(),
        layers.MaxPooling2D(2, strides=1, padding="same"), layers.GlobalAveragePooling2D(),
    ),
    "dilated_same": lambda: network(
        (9, 11, 1), layers.MaxPooling2D(2), layers.Conv2D(4, 2, dilation_rate=2, padding="same"), layers.Flatten()
    ),
    "unneeded": lambda: network(
        (8, 8, 1), layers.AveragePooling2D(2, padding="same"), layers.Conv2D(2, 3, padding="same"), layers.Flatten()
    ),
}  # fmt: skip


def answers_are_those_of_the_network_on_training_images() -> None:
    named = [(name, make()) for name, make in (UNPADDED | PADDED).items()] + architectures()
    assert len(named) == 11 + 6 * len(SHAPES)
    for name, model in named:
        batch = images(model.input_shape[1:])
        expected, received = answers(model, batch), answers(convolutional(model), batch)
        assert np.ptp(expected, axis=0).max() > 1e-3, name
        assert received.shape == (4, 1, 1, expected.shape[-1]), name
        np.testing.assert_allclose(received[:, 0, 0], expected, atol=1e-5, err_msg=name)


def each_position_is_the_crop_where_nothing_is_padded() -> None:
    named = [(name, make()) for name, make in UNPADDED.items()]
    named.append(("cnn", with_random_weights(CNN([3, 4], batch_norm=True, units=6).build((12, 13, 3), 4))))
    for name, model in named:
        height, width, channels = model.input_shape[1:]
        scanner = Scanner(model)
        assert scanner.geometry.before == scanner.geometry.after == (0, 0)
        down, across = scanner.geometry.stride
        for more in SIZES:
            (image,) = images((height + more[0], width + more[1], channels), 1)
            crops = np.lib.stride_tricks.sliding_window_view(image, (height, width, channels))[:, :, 0]
            loop = answers(model, crops.reshape(-1, height, width, channels))
            expected = loop.reshape(more[0] + 1, more[1] + 1, -1)
            np.testing.assert_allclose(scanner.shift_and_stitch(image), expected, atol=1e-5, err_msg=name)
            np.testing.assert_allclose(scanner.one_pass(image), expected, atol=1e-5, err_msg=name)
            np.testing.assert_allclose(scanner.coarse(image), expected[::down, ::across], atol=1e-5, err_msg=name)


def the_methods_agree_inside_where_something_is_padded() -> None:
    named = [(name, make()) for name, make in PADDED.items()]
    named.append(("lenet", with_random_weights(CNN([3, 4], 5, padding="same", units=9).build((28, 28, 1), 4))))
    for name, model in named:
        scanner = Scanner(model)
        about = scanner.geometry
        height, width, channels = model.input_shape[1:]
        (image,) = images((height + 21, width + 19, channels), 1)
        stitched, whole = scanner.shift_and_stitch(image), scanner.one_pass(image)
        assert stitched.shape == whole.shape == (22, 20, model.output_shape[-1])
        rows, columns = (
            (np.arange(length) // stride * stride >= before) & (np.arange(length) + after < length)
            for length, stride, before, after in zip((22, 20), about.stride, about.before, about.after, strict=True)
        )
        inside = np.ix_(rows, columns)
        assert rows.sum() > 5, name
        assert columns.sum() > 5, name
        np.testing.assert_allclose(stitched[inside], whole[inside], atol=1e-5, err_msg=name)
        if name != "unneeded":
            assert np.ptp(whole[inside], axis=(0, 1)).max() > 1e-3, name
        # an answer does not depend on what lies beyond what the geometry says
        row, column = 10, 9
        reach = np.zeros(image.shape[:2], bool)
        top, left = row - about.before[0], column - about.before[1]
        reach[top : row + height + about.after[0], left : column + width + about.after[1]] = True
        other = np.where(reach[:, :, np.newaxis], image, 255 - image)
        np.testing.assert_allclose(scanner.one_pass(other)[row, column], whole[row, column], atol=1e-5, err_msg=name)


def the_geometry_is_read_from_the_layers() -> None:
    lenet = Scanner(architecture("lenet").build((28, 28, 1), 10))
    # 2 pixels of the first filters, 4 of the second, whose neighbours lie 2 apart
    assert lenet.geometry == Geometry(window=(28, 28), stride=(4, 4), before=(6, 6), after=(6, 6), padded=True)
    assert lenet.geometry.positions((200, 200)) == (44, 44)
    assert lenet.geometry.positions((36, 36)) == (3, 3)
    assert lenet.geometry.positions((36, 35), (1, 1)) == (9, 8)
    assert Scanner(UNPADDED["convolutions"]()).geometry == Geometry((11, 13), (2, 2), (0, 0), (0, 0), False)
    assert Scanner(UNPADDED["maximum"]()).geometry == Geometry((10, 10), (3, 3), (0, 0), (0, 0), False)
    assert Scanner(UNPADDED["dense"]()).geometry == Geometry((5, 4), (1, 1), (0, 0), (0, 0), False)
    (image,) = images((200, 200, 1), 1)
    assert lenet.coarse(image).shape == (44, 44, 10)


def a_map_read_in_tiles_is_that_of_the_whole_image() -> None:
    made = UNPADDED | PADDED
    some = ("convolutions", "same") if BACKEND == "jax" else made  # it compiles each size of a tile
    named = [(name, made[name]()) for name in some]
    named.append(("lenet", with_random_weights(CNN([3, 4], 5, padding="same", units=9).build((28, 28, 1), 4))))
    held = tiling.HELD
    for name, model in named:
        height, width, channels = model.input_shape[1:]
        scanner = Scanner(model)
        (image,) = images((3 * height + 8, 4 * width + 3, channels), 1)
        for method in (stitch.COARSE, stitch.ONE_PASS, stitch.SHIFT_AND_STITCH):
            assert len(scanner.tiles(image, method)) == 1
            whole = getattr(scanner, method)(image)
            try:
                tiling.HELD = 1
                parts = scanner.tiles(image, method)
                tiled = getattr(scanner, method)(image)
            finally:
                tiling.HELD = held
            assert len(parts) >= 9, name
            covered = np.zeros(whole.shape[:2], int)
            for part in parts:
                covered[part.answers] += 1
                sides = [span.stop - span.start for span in part.pixels]
                reach = zip((height, width), scanner.geometry.before, scanner.geometry.after, strict=True)
                most = [2 * window + sum(context) for window, *context in reach]
                assert all(side <= most[axis] + 2 * scanner.geometry.stride[axis] for axis, side in enumerate(sides))
            assert (covered == 1).all(), name
            assert whole.shape == scanner.shape(image, method)
            np.testing.assert_allclose(tiled, whole, atol=1e-6, err_msg=f"{name} {method}")


def wider_networks_are_read_in_smaller_tiles() -> None:
    narrow, wide = (Scanner(FNN([units]).build((8, 8, 1), 3)) for units in (4, 512))
    image = np.zeros((1500, 1500, 1), np.uint8)
    assert len(narrow.tiles(image, stitch.ONE_PASS)) == 1
    assert len(wide.tiles(image, stitch.ONE_PASS)) > 9


def a_converted_network_can_be_saved() -> None:
    model = PADDED["same"]()
    (image,) = images((20, 20, 1), 1)
    converted = convolutional(model)
    converted.save(FOLDER / "scan.keras")
    loaded = load_model(FOLDER / "scan.keras")
    np.testing.assert_array_equal(loaded(image[np.newaxis]), converted(image[np.newaxis]))


def half_precision_is_computed_in_full() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = with_random_weights(CNN([4, 5], batch_norm=True, units=6).build((12, 12, 1), 3))
    finally:
        keras.config.set_dtype_policy("float32")
    batch = images((12, 12, 1))
    converted = convolutional(model)
    assert {layer.compute_dtype for layer in converted.layers[1:]} == {"float32"}
    np.testing.assert_allclose(np.asarray(converted(batch))[:, 0, 0], np.asarray(model(batch)), atol=0.05)


def refusal(model: keras.Model) -> str:
    with pytest.raises(EyechartError, match=r"^expected a network that can scan[^\n]*$") as caught:
        Scanner(model)
    return str(caught.value)


def what_cannot_scan_says_why() -> None:
    for name in CONFIGURED:
        if "rnn" in name:
            assert ": a recurrent layer reads a sequence" in refusal(architecture(name).build((12, 12, 1), 3))
    shape = (8, 8, 3)
    wrong = {
        "received the layer odd (Permute): it turns the map": [layers.Permute((2, 1, 3), name="odd"), layers.Flatten()],
        "received the layer odd (Reshape): it turns the map": [layers.Reshape((192,), name="odd")],
        "received the layer odd (DepthwiseConv2D): this kind": [
            layers.DepthwiseConv2D(2, name="odd"),
            layers.Flatten(),
        ],
        "received the layer odd (BatchNormalization): it stands": [
            layers.Flatten(),
            layers.BatchNormalization(name="odd"),
        ],
        "received the layer odd (BatchNormalization): its axis is 1": [
            layers.BatchNormalization(axis=1, name="odd"),
            layers.Flatten(),
        ],
        "received the layer odd (Activation): it stands": [layers.Flatten(), layers.Activation("softmax", name="odd")],
        "received the layer odd (AveragePooling2D): an average over a padded border": [
            layers.AveragePooling2D(3, padding="same", name="odd"),
            layers.Flatten(),
        ],
        "received the layer odd (Flatten): it has the channels first": [
            layers.Flatten(data_format="channels_first", name="odd")
        ],
        "received one that answers with 8 x 8 x 3 numbers": [],
    }
    for message, middle in wrong.items():
        assert message in refusal(network(shape, *middle)), message
    image, second = keras.Input(shape), keras.Input(shape)
    flat = layers.Flatten()(image)
    joined = layers.Concatenate(name="join")([flat, flat])
    assert "received the layer join (Concatenate): it joins 2 branches" in refusal(keras.Model(image, joined))
    assert "from one image to one answer, received one with 2 inputs and 1 outputs" in refusal(
        keras.Model([image, second], layers.Add()([image, second]))
    )
    assert "answers with 192 numbers" in refusal(keras.Model(image, flat))


def wrong_images_are_refused() -> None:
    scanner = Scanner(FNN().build((8, 9, 1), 3))
    for method in (scanner.coarse, scanner.shift_and_stitch, scanner.one_pass):
        for size in ((7, 20), (20, 8)):
            with pytest.raises(EyechartError, match=f"of 8x9 pixels or more, .*, received {size[0]}x{size[1]}: type"):
                method(np.zeros((*size, 1), np.uint8))
        for wrong in (np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9), np.uint8), np.zeros((9, 9, 1))):
            with pytest.raises(ValueError, match="Expected uint8"):
                method(wrong)


answers_are_those_of_the_network_on_training_images()
each_position_is_the_crop_where_nothing_is_padded()
the_methods_agree_inside_where_something_is_padded()
the_geometry_is_read_from_the_layers()
a_map_read_in_tiles_is_that_of_the_whole_image()
wider_networks_are_read_in_smaller_tiles()
a_converted_network_can_be_saved()
half_precision_is_computed_in_full()
what_cannot_scan_says_why()
wrong_images_are_refused()
