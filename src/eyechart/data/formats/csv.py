"""CSV as on Kaggle: a header line, then a line per image with its label and its pixels, or with its pixels alone.

One more column, wherever it stands, may name the group of each image.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyechart.core.errors import DataError
from eyechart.data.formats.archives import MOST, opened
from eyechart.data.formats.holdout import a_sixth
from eyechart.data.formats.squares import squares
from eyechart.data.images import Images

LABEL = "label"  # the name of the first column, where there are labels
LONGEST = 10**7  # characters in a line


def read(files: Sequence[Path], most: int = MOST, *, group: str | None = None) -> Images:
    """Read the training images, and the test images if there is a second file; else a sixth is to be held back.

    Args:
        files: one or two.
        most: bytes that each may unpack to.
        group: the name of the column that says the group of each image; None: there is none.
    """
    if len(files) not in (1, 2):
        raise DataError(f"format csv takes 1 or 2 files: to train, and to test. Received: {len(files)}")
    (images, labels, groups), *others = (_labelled(file, most, group) for file in files)
    if others:
        test_images, test_labels, test_groups = others[0]
        of_both = (groups, test_groups) if group else None
        return Images.of(images, labels, test_images, test_labels, groups=of_both)
    if len(images) < 2:
        raise DataError(f"{files[0].name}: expected two or more images, to hold back some as test part. Received: 1")
    return Images.of(images, labels, held_back=a_sixth(len(images)), groups=(groups, []) if group else None)


def read_csv(path: Path, most: int = MOST) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64] | None]:
    """Read one file, compressed with gzip or not.

    Args:
        path: a header line, then whole numbers. Where the first column is called `label` it holds the labels; the
            others are the pixels of a square gray image, row by row, from 0 to 255.
        most: bytes that it may unpack to.

    Returns:
        The images, uint8, (n, side, side, 1), and the labels, int64, (n,), or None where the file has none.

    Raises:
        DataError: the file is too large or not such a table; the message names the line.
    """
    images, labels, _ = _read(path, most, None)
    return images, labels


def _read(
    path: Path, most: int, group: str | None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64] | None, list[str]]:
    """The same, and the names in the column `group` if it is not None, which may be any texts without a comma."""
    with opened(path, most) as content, io.TextIOWrapper(content, "utf-8-sig") as text:
        names: list[str] = []
        labelled, of_group = False, None
        groups: list[str] = []
        try:
            lines = _lines(text, path.name)
            names = [name.strip().strip('"') for name in next(lines, "").split(",")]
            if any(name.isdigit() for name in names):
                raise DataError(f"{path.name}, line 1: expected the names of the columns, such as label,pixel0,...")
            if group is not None:
                of_group = _place(group, names, path)
                lines = _without(lines, of_group, len(names), groups)
            labelled = [name for name in names if name != group][:1] == [LABEL]
            first = next((line for line in lines if line.strip()), None)
            if first is None:
                raise DataError(f"{path.name}, line 2: expected an image. Received: the end of the file")
            pixels = len(names) - labelled - (group is not None)
            kind = np.dtype([("label", np.int64, int(labelled)), ("pixels", np.uint8, pixels)])
            table = np.loadtxt(itertools.chain([first], lines), kind, delimiter=",", comments=None, ndmin=1)
        except UnicodeDecodeError:
            where = ", line 1" if not names else ""
            raise DataError(f"{path.name}{where}: expected a text, received bytes of another kind") from None
        except ValueError:
            text.seek(0)
            wrong = _first_wrong(_lines(text, path.name), len(names), labelled, of_group)
            raise DataError(f"{path.name}, {wrong}") from None
    images = squares(np.ascontiguousarray(table["pixels"]), path.name)
    return images, table["label"][:, 0].copy() if labelled else None, groups


def _place(group: str, names: list[str], path: Path) -> int:
    """Where the column of groups is."""
    if names.count(group) != 1:
        known = [name for name in names if name != LABEL]
        some = ", ".join([LABEL, *known[:3]]) + (", ..." if len(known) > 3 else "")
        raise DataError(f"{path.name}, line 1: expected one column '{group}', which group names. Received: {some}")
    return names.index(group)


def _without(lines: Iterator[str], place: int, columns: int, taken: list[str]) -> Iterator[str]:
    """The lines without one of their values, which is added to `taken`; ValueError where there is none."""
    for line in lines:
        if not line.strip():
            continue
        values = line.split(",")
        if len(values) != columns or not (value := values.pop(place).strip().strip('"')):
            raise ValueError(line)
        taken.append(value)
        yield ",".join(values)


def _lines(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    """The lines of a file, without their ends, none of them endless."""
    for number in itertools.count(1):
        line = text.readline(LONGEST)
        if not line:
            return
        if len(line) == LONGEST:
            raise DataError(f"{name}, line {number}: expected {LONGEST:,} characters at most, received more")
        yield line.rstrip("\r\n")


def _labelled(
    path: Path, most: int, group: str | None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], list[str]]:
    images, labels, groups = _read(path, most, group)
    if labels is None:
        raise DataError(
            f"{path.name} has no column '{LABEL}', so nothing can be trained on it or tested with it; leave it out of "
            "the data set's files: a sixth of the labelled images is then held back as test part"
        )
    return images, labels, groups


def _first_wrong(lines: Iterator[str], columns: int, labelled: bool, of_group: int | None) -> str:
    """What is wrong first, in words: looked for only where the fast reader has failed, and said nothing of lines."""
    for number, line in enumerate(itertools.islice(lines, 1, None), start=2):
        values = line.split(",")
        if line and len(values) != columns:
            return f"line {number}: expected {columns} values, as many as names in line 1. Received: {len(values)}"
        if of_group is not None and line and not values.pop(of_group).strip().strip('"'):
            return f"line {number}: expected the name of a group. Received: nothing"
        for column, value in enumerate(values if line else ()):
            if labelled and column == 0:
                if not re.fullmatch(r"[+-]?\d{1,18}", value.strip()):
                    return f"line {number}: expected a whole number as label. Received: {value.strip()[:20]!r}"
            elif not (re.fullmatch(r"\d{1,3}", value.strip()) and int(value) <= 255):
                return f"line {number}: expected whole numbers from 0 to 255. Received: {value.strip()[:20]!r}"
    return "some line: expected whole numbers from 0 to 255"
