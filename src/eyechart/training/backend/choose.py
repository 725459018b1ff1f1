"""The choice of backend and device, before Keras is imported, and what suits them."""

from __future__ import annotations

import gc
import os
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np

from eyechart.core.errors import ConfigError
from eyechart.core.quiet import without_notes


def activate(backend: str, device: str, precision: str) -> str:
    """Choose the backend and the device, before Keras is imported, and the precision.

    Args:
        backend: `tensorflow` or `jax`.
        device: `auto` (a GPU if the backend sees one), `cpu` or `gpu`.
        precision: a dtype policy of Keras: `float32`, `mixed_float16` or `mixed_bfloat16`.

    Returns:
        The device in words, as `gpu` or `cpu`.

    Raises:
        ConfigError: Keras runs already on another backend in this process, the backend is not installed, or there is no
            such device.
    """
    first = "keras" not in sys.modules
    running = sys.modules["keras"].config.backend() if "keras" in sys.modules else backend
    if running != backend:
        raise ConfigError(
            f"backend={backend} was asked for, but this process already runs on {running}, and Keras keeps its backend "
            f"for life: give each backend a command of its own"
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # on a machine without a GPU its absence is logged as an error
    given = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = backend
    try:
        with without_notes():
            import keras
    except ModuleNotFoundError as error:
        raise ConfigError(f"expected {backend}, which is not installed ({error}): type pip install {backend}") from None
    finally:
        if given is None:
            del os.environ["KERAS_BACKEND"]  # what the user did not set must not win over the next run's configuration
        else:
            os.environ["KERAS_BACKEND"] = given

    if first:
        gc.freeze()  # what the imports made stays: searching it for garbage before each run takes a third of a second
    keras.utils.clear_session()  # layers are named, and memory is as in a fresh process
    found: str = module_of(backend).find_device(device)
    if device == "gpu" and found != "gpu":
        raise ConfigError(
            f"trainer.device=gpu was asked for, but {backend} sees none: install the extra "
            f"'{'gpu' if backend == 'tensorflow' else 'jax-gpu'}', or type trainer.device=cpu"
        )
    if device == "auto" and found == "cpu" and Path("/dev/nvidia0").exists():
        extra = "gpu" if backend == "tensorflow" else "jax-gpu"
        print(
            f"warning: this machine has an NVIDIA GPU that {backend} does not see; training on the CPU. "
            f"Install it with: pip install 'eyechart[{extra}]'",
            file=sys.stderr,
        )
    # a file of the user's, ~/.keras/keras.json, may say otherwise, and would change results without changing run keys
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_dtype_policy(precision)
    return found


def set_seed(seed: int) -> None:
    """Make what follows a pure function of the seed: initial weights, and the seeds of dropout.

    `keras.utils.set_random_seed` would import TensorFlow wherever it is installed, also under JAX.
    """
    import keras

    if keras.config.backend() == "tensorflow":
        keras.utils.set_random_seed(seed)
    else:
        random.seed(seed)
        np.random.seed(seed)


def out_of_memory(error: Exception) -> bool:
    """Whether it says that memory, the host's or the device's, was too small; each part raises an error of its own."""
    exhausted = "ResourceExhausted" in type(error).__name__ or "RESOURCE_EXHAUSTED" in str(error)
    return exhausted or isinstance(error, MemoryError)


def worth_compiling(model: Any, device: str) -> bool:
    """Whether XLA makes an epoch of this model faster on TensorFlow.

    Measured: on a CPU it is 2 to 5 times faster for dense nets, and 4 times and more slower for convolutions and
    LSTMs. On a GPU it helps, but a cuDNN recurrent layer cannot be compiled by it.
    """
    import keras

    kinds = layer_kinds(model)
    recurrent = any(issubclass(kind, keras.layers.RNN | keras.layers.Bidirectional) for kind in kinds)
    return not recurrent and (device == "gpu" or not is_convolutional(kinds))


def layer_kinds(model: Any) -> list[type]:
    """The classes of the layers of a model, those within others included."""
    return [type(layer) for layer in model._flatten_layers(include_self=False)]


def is_convolutional(kinds: list[type]) -> bool:
    """Whether one of these classes of layers is a convolution."""
    return any("Conv" in kind.__name__ for kind in kinds)


def steps_that_fit(image_shape: tuple[int, int, int], size: int, batch_size: int, gigabytes: float) -> int | None:
    """How many steps' images fit into so many gigabytes, at least one; None: all of the training set's."""
    step = batch_size * image_shape[0] * image_shape[1] * image_shape[2]
    fitting = max(1, int(gigabytes * 1e9 / step))
    return None if fitting * batch_size >= size else fitting


def module_of(backend: str) -> Any:
    """The module with a backend's engines."""
    if backend == "tensorflow":
        from eyechart.training.backend import tensorflow as module
    else:
        from eyechart.training.backend import jax as module  # type: ignore[no-redef]
    return module
