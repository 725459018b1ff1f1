"""Loads a trained network from its file, after everything in the file has been looked at."""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart.core.errors import TO_HAVE_AGAIN, EyechartError, in_words
from eyechart.core.quiet import without_notes
from eyechart.models import saved_objects
from eyechart.models.archive import CONFIG, WEIGHTS, check_archive

if TYPE_CHECKING:
    import keras


def load_model(path: Path, import_own: Callable[[], bool] | None = None) -> keras.Model:
    """The network in a `.keras` file, to be looked at or asked, not to be trained further.

    The backend has to be chosen before: see `eyechart.training.backend.choose.activate`.

    Args:
        path: of the file. It may come from anybody: nothing that it says is run.
        import_own: called where the network holds layers that are not Keras': imports the module that registers them,
            and returns whether it did. None: nobody knows of one.

    Raises:
        EyechartError: it cannot be read, is damaged, or holds something that is not in the table of `saved_objects`.
    """
    check_archive(path)
    import keras

    with _in_one_line(path), without_notes(), warnings.catch_warnings():  # Keras looks for TensorFlow, also under JAX
        with zipfile.ZipFile(path) as archive:
            description = saved_objects.parse(archive.read(CONFIG))
            size = archive.getinfo(WEIGHTS).file_size
        _check_objects(path, description, import_own)
        _check_numbers(description, size)
        warnings.filterwarnings("error", "Skipping nested container")  # whose layers would keep fresh weights
        return keras.saving.load_model(path, compile=False)


def _check_objects(path: Path, description: dict[str, Any], import_own: Callable[[], bool] | None) -> None:
    """Refuse a description with an object that is neither in the table nor registered."""
    import keras

    unknown = saved_objects.find_unknown(description, keras.saving.get_custom_objects())
    if unknown and unknown.own and import_own and import_own():
        unknown = saved_objects.find_unknown(description, keras.saving.get_custom_objects())
    if unknown is None:
        return
    todo = "build the network without it, and train it anew"
    if unknown.own:
        todo = (
            "type the same again where the module of the network can be imported; it has to register the layer, by "
            "@keras.saving.register_keras_serializable(), before the network is trained"
        )
    raise EyechartError(
        f"expected a network of layers that are known to be harmless in {path}, received one with {unknown}: {todo}"
    )


def _check_numbers(description: dict[str, Any], size: int) -> None:
    """Refuse a network with more numbers than its weights have bytes, before any of them is given memory.

    Args:
        description: of objects that are in the table.
        size: of the weights, in bytes; each number takes one or more.

    Raises:
        ValueError: it asks for more numbers than there are, or describes no network.
    """
    import keras

    saved_objects.drop_compilation(description)
    try:
        # variables that are made in a scope have a shape and no memory before the outermost is left
        with keras.StatelessScope(initialize_variables=False), keras.StatelessScope():
            model = keras.saving.deserialize_keras_object(description)
        if not isinstance(model, keras.Model):
            raise ValueError(f"{CONFIG} describes no network")
        numbers = sum(math.prod(variable.shape) for variable in model.variables)
        if numbers > size:
            raise ValueError(f"{CONFIG} asks for {numbers:,} numbers, {WEIGHTS} has {size:,} bytes")
    except Exception:
        keras.utils.clear_session()  # else the next scope would give memory to the variables of this network
        raise


@contextmanager
def _in_one_line(path: Path) -> Iterator[None]:
    """Turn whatever reading a file raises into one line."""
    try:
        yield
    except EyechartError:
        raise
    except Exception as error:  # of Keras, its backend, HDF5, JSON or the disk
        if isinstance(error, OSError) and error.errno:
            raise EyechartError(f"the Keras model {path} cannot be read: {in_words(error)}") from None
        reason = (" ".join(str(error).split()) or type(error).__name__)[:200]
        raise EyechartError(
            f"expected a Keras model in {path}, received what cannot be read ({reason}): {TO_HAVE_AGAIN}"
        ) from None
