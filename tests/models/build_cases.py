"""Builds architectures, as facts that `test_models.py` asserts on. Prints JSON; a process, because it starts Keras."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from models.cases import LEAST, MODELS, SHAPES, WRONG, architecture

from eyechart.core.errors import ConfigError
from eyechart.models import CNNRNN, Architecture
from eyechart.models.layer_table import layer_table
from eyechart.training.backend.choose import activate

activate("tensorflow", "cpu", "float32")
import keras  # noqa: E402


def least() -> list[Any]:
    models = [each.build((side, side, 1), 2) for each, side in LEAST]
    return [[list(model.input_shape), list(model.output_shape)] for model in models]


def built() -> dict[str, Any]:
    """Every model, for the smallest of the images that documents use and for one that is not square."""
    facts = {}
    for name in MODELS:
        for shape in (SHAPES[0], SHAPES[-1]):
            model = architecture(name).build(shape, 10)
            facts[f"{name} {'x'.join(map(str, shape))}"] = {
                "all": model.count_params(),
                "layers": [layer.count_params() for layer in model.layers if layer.count_params()],
                "input": str(model.input.dtype),
                "output": str(model.output.dtype),
                "shape": list(model.output_shape),
                "table": layer_table(model),
            }
    return facts


def wrong() -> list[str]:
    said = []
    for each in WRONG:
        try:
            each.build((12, 12, 1), 2)
            said.append("")
        except ConfigError as error:
            said.append(str(error))
    return said


def readings() -> dict[str, Any]:
    """What the recurrent layer reads of maps that are red, green and blue: the convolution passes each on as it is."""
    height, width = 4, 6
    images = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), np.uint8)
    facts: dict[str, Any] = {"images": images.tolist()}
    for reading in ("map_rows", "maps", "positions"):
        model = CNNRNN(filters=[3], kernel_size=1, reading=reading, units=2).build(images.shape[1:], 2)
        (convolution,) = (layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
        convolution.set_weights([np.eye(3)[np.newaxis, np.newaxis], np.zeros(3)])
        read = keras.Model(model.input, model.get_layer(reading).output)(images)
        facts[reading] = np.rint(np.asarray(read) * 255).astype(int).tolist()
    return facts


def channels_first() -> dict[str, Any]:
    """With Keras' setting that maps have their channels first: parameters, or what is said, beside those without it."""
    facts = {}
    for name in MODELS:
        each = architecture(name)
        counts: list[Any] = []
        for setting in ("channels_last", "channels_first"):
            keras.config.set_image_data_format(setting)
            counts.append(_parameters(each))
        facts[name] = counts
    keras.config.set_image_data_format("channels_last")
    return facts


def _parameters(each: Architecture) -> int | str:
    try:
        return int(each.build((12, 20, 3), 10).count_params())
    except ConfigError as error:
        return str(error)


CASES = (least, built, wrong, readings, channels_first)

print(json.dumps({case.__name__: case() for case in CASES}))
