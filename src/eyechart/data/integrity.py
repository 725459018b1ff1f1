"""Whether the arrays of a prepared data set are still those of its digest.

To hash them takes about a second for each gigabyte. So the size and times of the files that were found right are noted,
and the arrays are hashed again only where these have changed since, or where a person asks for it with `verify=true`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.core.files import write_json
from eyechart.data.alike import first_alike
from eyechart.data.images import GROUPS, Images
from eyechart.data.stratify import PERMUTATION_SEED, joined, stratified_permutation

SETTLED = 2.0  # seconds: a file that was written less long ago may be written again without another time
LARGE = 2_000_000_000  # bytes: to hash more than these takes long enough to be told of

_found_right: dict[str, dict[str, Any]] = {}  # by folder: what this process knows
_by_all_means = False


def verify_all(asked: bool) -> None:
    """Have this process hash each data set once that it opens from now on, whatever was noted of it.

    Args:
        asked: whether a person asked for it; False changes nothing.
    """
    global _by_all_means
    _by_all_means = _by_all_means or asked


def check_arrays(
    folder: Path, arrays: Mapping[str, npt.NDArray[Any]], digest: str, validation: int, together: bool = False
) -> None:
    """Raise ValueError unless the arrays of a prepared folder are those of its digest.

    Args:
        folder: holds each array as `<name>.npy`.
        arrays: of both parts the images, labels and any groups, the permutation, and where images occur more than once
            `copies`, as they were read from the folder.
        digest: that the folder says it has (`Images.digest`).
        validation: so many of the last training images are the data set's own validation part.
        together: whether copies are kept on one side of what is cut.
    """
    place, stamps = str(folder.resolve()), _stamps(folder, arrays)
    seen = {"folder": place, "digest": digest, "validation": validation, "files": stamps}
    if together:
        seen["together"] = True
    if _found_right.get(place) == seen or (not _by_all_means and _noted(folder.name) == seen):
        return
    _hash(folder.name, arrays, digest, validation, together)
    if all(abs(time.time() - changed / 1e9) > SETTLED for _, _, changed in stamps.values()):
        _found_right[place] = seen
        with suppress(OSError, EyechartError):  # where nothing may be written, the next process hashes again
            if paths.state().is_dir():  # what trains nothing makes none
                write_json(_note(folder.name), seen)


def _hash(name: str, arrays: Mapping[str, npt.NDArray[Any]], digest: str, validation: int, together: bool) -> None:
    size = sum(array.nbytes for array in arrays.values())
    if size > LARGE:
        print(f"checking {size / 1e9:.1f} GB of data set '{name}'", file=sys.stderr, flush=True)
    train, test = ((arrays[f"{part}_images"], arrays[f"{part}_labels"]) for part in ("train", "test"))
    train_groups, test_groups = (arrays.get(name) for name in GROUPS)
    images = Images(*train, *test, validation, together=together, train_groups=train_groups, test_groups=test_groups)
    found = images.digest()
    if found != digest:
        raise ValueError(f"expected arrays with the digest {digest[:12]}, received others ({found[:12]})")
    copies = arrays.get("copies")
    if copies is not None and not np.array_equal(copies, first_alike(train[0], test[0])):
        raise ValueError("expected copies.npy as preprocess.py writes it, received other numbers")
    units = joined(copies[: len(train[0])] if together and copies is not None else None, train_groups)
    expected = stratified_permutation(train[1], seed=PERMUTATION_SEED, units=units)
    if not np.array_equal(arrays["permutation"], expected):
        raise ValueError("expected permutation.npy as preprocess.py writes it, received another order")


def _stamps(folder: Path, names: Mapping[str, Any]) -> dict[str, list[int]]:
    """Of each file its size in bytes, and when its content and when anything of it was changed, in nanoseconds."""
    found = {name: (folder / f"{name}.npy").stat() for name in sorted(names)}
    return {name: [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns] for name, stat in found.items()}


def _note(name: str) -> Path:
    """Where it is noted what was found right: in the state folder, because DVC owns that of the data."""
    return paths.state() / "verified" / f"{name}.json"


def _noted(name: str) -> Any:
    with suppress(OSError, ValueError, EyechartError):
        return json.loads(_note(name).read_text(encoding="utf-8"))
    return None
