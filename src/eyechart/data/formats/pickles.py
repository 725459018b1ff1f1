"""A reader for pickles that cannot be made to run anything.

A pickle is a program: it may name any function and have it called. The files of CIFAR and MNIST need nothing but
containers, numbers, texts and arrays of numbers. So just the three names under which NumPy's arrays are pickled are
known here, and even they stand for the plain classes below, which only hold what they are given: no code of NumPy sees
the pickle's content before it has been checked.
"""

from __future__ import annotations

import io
import math
import pickle
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from eyechart.core.errors import DataError

DTYPES = ("u1", "f4", "i8")  # bytes, and the pixels and labels of mnist.pkl

T = TypeVar("T")


class _Dtype:
    """Stands for `numpy.dtype`: one of `DTYPES`, and nothing else."""

    def __init__(self, code: str, *_: Any) -> None:
        if code not in DTYPES:
            raise pickle.UnpicklingError(f"an array of {code!r}, where only {', '.join(DTYPES)} belong")
        self.dtype = np.dtype(f"<{code}")

    def __setstate__(self, state: Any) -> None:
        """Hold to the one byte order; the rest has no meaning for plain numbers."""
        if state[1] not in ("<", "|"):
            raise pickle.UnpicklingError(f"an array in the byte order {state[1]!r}")


class _Array:
    """Stands for a `numpy.ndarray` under reconstruction."""

    array: npt.NDArray[Any] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, content = state
        if not isinstance(dtype, _Dtype) or fortran:
            raise pickle.UnpicklingError("an array that is not of plain numbers in C order")
        if isinstance(content, str):  # Python 2 had one type for texts and bytes
            content = content.encode("latin1")
        if not isinstance(content, bytes) or len(content) != math.prod(shape) * dtype.dtype.itemsize:
            raise pickle.UnpicklingError(f"an array of shape {shape} without as many bytes as that takes")
        self.array = np.frombuffer(content, dtype.dtype).reshape(shape)


def _ndarray(*_: Any) -> NoReturn:
    raise pickle.UnpicklingError("numpy.ndarray is called")


def _reconstruct(*_: Any) -> _Array:
    return _Array()


class _Unpickler(pickle._Unpickler):
    """Written in Python: the one in C makes room up to any number under which a pickle wants something remembered."""

    # of any stated size, with zeros; the files need none
    dispatch = {key: load for key, load in pickle._Unpickler.dispatch.items() if key != pickle.BYTEARRAY8[0]}  # noqa: RUF012
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


def read_pickle(content: bytes, name: str, kind: type[T]) -> T:
    """Read a pickle of containers, numbers, texts and arrays of `DTYPES`.

    Args:
        content: the pickle, of any protocol, written by Python 2 or 3.
        name: what to call it in an error.
        kind: what it must hold: `dict` or `tuple`. In it, and in tuples in it, may stand arrays.

    Raises:
        DataError: it is corrupt, of another kind, or asks for any function or class. Nothing has been called then.
    """
    try:
        value = _with_arrays(_Unpickler(io.BytesIO(content), encoding="latin1").load(), depth=2)
    except Exception as error:  # a corrupt pickle can end in nearly any error, as the documentation of pickle warns
        raise DataError(
            f"{name} is truncated or corrupt: {' '.join(str(error).split()) or type(error).__name__}"
        ) from None
    if not isinstance(value, kind):
        raise DataError(f"{name}: expected a pickled {kind.__name__}. Received: {type(value).__name__}")
    return value


def _with_arrays(value: Any, depth: int) -> Any:
    """The value with arrays in place of what stood for them, so deep and, as it may hold itself, no deeper."""
    if isinstance(value, _Array):
        return value.array
    if depth and isinstance(value, tuple):
        return tuple(_with_arrays(item, depth - 1) for item in value)
    if depth and isinstance(value, dict):
        return {str(key): _with_arrays(item, depth - 1) for key, item in value.items()}
    return value
