"""A reader for pickles that cannot be made to run anything.

A pickle is a program: it may name any function and have it called. CIFAR's files need nothing but containers, numbers,
texts and arrays of bytes. So just the three names under which NumPy's arrays are pickled are known here, and even they
stand for the plain classes below, which only hold what they are given: no code of NumPy sees the pickle's content
before it has been checked.
"""

from __future__ import annotations

import io
import math
import pickle
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from eyechart.errors import DataError


class _Dtype:
    """Stands for `numpy.dtype`: unsigned bytes, and nothing else."""

    def __init__(self, code: str, *_: Any) -> None:
        if code != "u1":
            raise pickle.UnpicklingError(f"an array of {code!r}, where only unsigned bytes (u1) belong")

    def __setstate__(self, state: Any) -> None:
        """Byte order and the like: without meaning for single bytes."""


class _Array:
    """Stands for a `numpy.ndarray` under reconstruction."""

    array: npt.NDArray[np.uint8] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, content = state
        if not isinstance(dtype, _Dtype) or fortran:
            raise pickle.UnpicklingError("an array that is not of unsigned bytes in C order")
        if isinstance(content, str):  # Python 2 had one type for texts and bytes
            content = content.encode("latin1")
        if not isinstance(content, bytes) or len(content) != math.prod(shape):
            raise pickle.UnpicklingError(f"an array of shape {shape} without as many bytes")
        self.array = np.frombuffer(content, np.uint8).reshape(shape)


def _ndarray(*_: Any) -> NoReturn:
    raise pickle.UnpicklingError("numpy.ndarray is called")


def _reconstruct(*_: Any) -> _Array:
    return _Array()


class _Unpickler(pickle.Unpickler):
    known = {  # noqa: RUF012
        ("numpy", "dtype"): _Dtype,
        ("numpy", "ndarray"): _ndarray,
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self.known[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"refused, because it asks for {module}.{name}") from None

    def persistent_load(self, pid: Any) -> NoReturn:
        raise pickle.UnpicklingError("refused, because it asks for something outside of it")


def read_pickle(content: bytes, name: str) -> dict[str, Any]:
    """Read a pickled dictionary of containers, numbers, texts and uint8 arrays.

    Args:
        content: the pickle, of any protocol, written by Python 2 or 3.
        name: what to call it in an error.

    Raises:
        DataError: it is corrupt, is no dictionary, or asks for any function or class. Nothing has been called then.
    """
    try:
        value = _Unpickler(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # a corrupt pickle can end in nearly any error, as the documentation of pickle warns
        raise DataError(
            f"{name} is truncated or corrupt: {' '.join(str(error).split()) or type(error).__name__}"
        ) from None
    if not isinstance(value, dict):
        raise DataError(f"{name}: expected a pickled dictionary. Received: {type(value).__name__}")
    return {str(key): item.array if isinstance(item, _Array) else item for key, item in value.items()}
