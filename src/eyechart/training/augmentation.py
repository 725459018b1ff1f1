"""Changing training images at random, so that a network sees no image twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eyechart.core.schema import at_least

DRAWS = 5  # random numbers per image: rows, columns, flip, and the two coordinates of what is cut out


@dataclass
class Augmentation:
    """Flip, shift and cut out. What comes in from outside the image, and what is cut out, is black (0).

    Args:
        flip: mirror every other image, left to right.
        shift: move by up to so many pixels up or down, and left or right: the same as a random crop of an image that
            is padded by so many pixels.
        cutout: blacken a square with sides of so many pixels around a random place (DeVries and Taylor, 2017).
    """

    flip: bool = False
    shift: int = 0
    cutout: int = 0

    def check(self) -> None:
        """Raise ConfigError for a value that makes no sense."""
        at_least("augmentation.shift", self.shift, 0)
        at_least("augmentation.cutout", self.cutout, 0)

    def __bool__(self) -> bool:
        """Whether anything is changed at all."""
        return self != Augmentation()

    def draw(self, seed: int, epoch: int, indices: np.ndarray) -> np.ndarray:
        """The random numbers of some images in one epoch: a pure function of seed, epoch and index.

        Args:
            seed: of the run.
            epoch: counted from 1.
            indices: int64 (images,): positions in the official training images.

        Returns:
            float32 (images, DRAWS), uniform in [0, 1).
        """
        # the last word keeps these numbers apart from those of the order
        generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, epoch, 1])))
        rows = generator.random((int(indices.max()) + 1, DRAWS), np.float32)  # row by row, however many rows there are
        drawn: np.ndarray = rows[indices]
        return drawn

    def apply(self, images: Any, draws: Any) -> Any:
        """Change images (batch, height, width, channels), uint8, on the device by their draws (batch, DRAWS)."""
        from keras import ops

        _, height, width, channels = images.shape
        batch = ops.shape(images)[0]
        rows = ops.expand_dims(ops.arange(height, dtype="int32"), 0)  # (1, height)
        columns = ops.expand_dims(ops.arange(width, dtype="int32"), 0)

        def upto(number: int, draw: int) -> Any:
            """A random whole number from 0 to `number` - 1 for each image: (batch, 1)."""
            return ops.cast(draws[:, draw : draw + 1] * number, "int32")

        y = rows + upto(2 * self.shift + 1, 0) - self.shift
        x = columns + upto(2 * self.shift + 1, 1) - self.shift
        if self.flip:
            x = ops.where(draws[:, 2:3] < 0.5, width - 1 - x, x)
        seen_rows, seen_columns = (y >= 0) & (y < height), (x >= 0) & (x < width)
        seen = ops.expand_dims(seen_rows, 2) & ops.expand_dims(seen_columns, 1)  # (batch, height, width)
        if self.cutout:
            top, left = (upto(side, draw) - self.cutout // 2 for side, draw in ((height, 3), (width, 4)))
            cut_rows, cut_columns = (
                (rows >= top) & (rows < top + self.cutout),
                (columns >= left) & (columns < left + self.cutout),
            )
            seen = seen & ~(ops.expand_dims(cut_rows, 2) & ops.expand_dims(cut_columns, 1))
        y, x = ops.clip(y, 0, height - 1), ops.clip(x, 0, width - 1)
        first = ops.reshape(ops.arange(batch, dtype="int32") * (height * width), (-1, 1, 1))
        source = first + ops.expand_dims(y * width, 2) + ops.expand_dims(x, 1)
        moved = ops.take(ops.reshape(images, (-1, channels)), source, axis=0)
        return ops.where(ops.expand_dims(seen, 3), moved, ops.zeros_like(moved))
