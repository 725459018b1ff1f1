"""Loads a trained network from its file."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.core.errors import TO_HAVE_AGAIN, EyechartError
from eyechart.core.quiet import without_notes

if TYPE_CHECKING:
    import keras


def load_model(path: Path) -> keras.Model:
    """The network in a `.keras` file, to be looked at or asked, not to be trained further.

    The backend has to be chosen before: see `eyechart.training.backend.choose.activate`.

    Raises:
        EyechartError: it cannot be read.
    """
    import keras

    if not zipfile.is_zipfile(path):  # Keras would say that it is not there
        raise EyechartError(f"expected a Keras model in {path}, received another file, or half of one: {TO_HAVE_AGAIN}")
    try:
        with without_notes():  # Keras looks for TensorFlow here, also under JAX
            return keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:  # what Keras raises for a file that is no model
        reason = (" ".join(str(error).split()) or type(error).__name__)[:200]
        raise EyechartError(
            f"expected a Keras model in {path}, received what cannot be read ({reason}): {TO_HAVE_AGAIN}"
        ) from None
