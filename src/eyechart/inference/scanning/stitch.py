"""Scans an image larger than the training images: a trained network's answer at every window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eyechart.core.errors import EyechartError
from eyechart.inference.scanning.convert import Geometry, build, geometry
from eyechart.inference.scanning.stages import read
from eyechart.inference.scanning.tiling import Tile, longest_side, tiles

if TYPE_CHECKING:
    import keras

Map = NDArray[np.float32]  # probabilities (rows, columns, classes)
COARSE, ONE_PASS, SHIFT_AND_STITCH = "coarse", "one_pass", "shift_and_stitch"


class Scanner:
    """A trained network, ready to scan.

    Of a network that does not pad, each answer is that of the network for the crop of the image, by each method. One
    that pads reads, instead of the padding, what surrounds the window: up to `geometry.before` and `geometry.after`
    pixels. So its answers are not those for the crops, though where the surroundings are black they come close. It pads
    where the image ends, and each shifted image ends elsewhere: near the image's border the methods differ. They agree
    on a window where it and its surroundings lie inside of the image and of the shifted image that it is read from.

    Args:
        model: from uint8 images (batch, height, width, channels) to probabilities (batch, classes).

    Attributes:
        geometry: where the answers lie.
        channels: of the images.
        classes: how many.

    Raises:
        EyechartError: the network cannot be converted.
    """

    def __init__(self, model: keras.Model):
        self._chain = read(model)
        self.channels: int = self._chain.channels
        self.geometry: Geometry = geometry(self._chain)
        self.classes: int = model.output_shape[-1]
        self._strided: Any = None
        self._dilated: Any = None

    def coarse(self, image: NDArray[np.uint8]) -> Map:
        """The answers at every stride, in one pass.

        Args:
            image: uint8 (height, width, channels), at least as large as the window.

        Returns:
            float32 (rows, columns, classes): at (i, j) that of the window at (i * stride, j * stride).
        """
        return self._whole(image, COARSE)

    def shift_and_stitch(self, image: NDArray[np.uint8]) -> Map:
        """The answers at every pixel: a pass for each shift of the image by less than a stride, put between each other.

        Args:
            image: uint8 (height, width, channels), at least as large as the window.

        Returns:
            float32 (height - window + 1, width - window + 1, classes): at (i, j) that of the window at (i, j).
        """
        return self._whole(image, SHIFT_AND_STITCH)

    def one_pass(self, image: NDArray[np.uint8]) -> Map:
        """The answers at every pixel in one pass: nothing is computed twice, but where tiles of the image overlap.

        See the class for where this differs from `shift_and_stitch`.

        Args:
            image: uint8 (height, width, channels), at least as large as the window.

        Returns:
            As `shift_and_stitch`.
        """
        return self._whole(image, ONE_PASS)

    def tiles(self, image: NDArray[np.uint8], method: str) -> list[Tile]:
        """The parts in which a map is read, row by row: one, unless the network's maps would take much memory.

        Args:
            image: uint8 (height, width, channels), at least as large as the window.
            method: `coarse`, `one_pass` or `shift_and_stitch`: the map that is meant.

        Raises:
            EyechartError: the image is too small.
        """
        self._check(image)
        side = longest_side(self._chain, dilated=method == ONE_PASS)
        return tiles(method, _size(image), self.geometry, self._step(method), side)

    def shape(self, image: NDArray[np.uint8], method: str) -> tuple[int, int, int]:
        """Rows, columns and classes of a map."""
        return *self.geometry.positions(_size(image), self._step(method)), self.classes

    def read(self, image: NDArray[np.uint8], tile: Tile) -> Map:
        """The answers of one of the image's `tiles`, the same as in the whole map.

        Returns:
            float32 (rows, columns, classes), of `tile.answers`.
        """
        ways = {COARSE: self._coarse, ONE_PASS: self._dilated_pass, SHIFT_AND_STITCH: self._stitched}
        return ways[tile.method](image[tile.pixels])[tile.kept]

    def _whole(self, image: NDArray[np.uint8], method: str) -> Map:
        found = self.tiles(image, method)
        if len(found) == 1:
            return self.read(image, found[0])
        answers = np.empty(self.shape(image, method), np.float32)
        for tile in found:
            answers[tile.answers] = self.read(image, tile)
        return answers

    def _step(self, method: str) -> tuple[int, int]:
        return self.geometry.stride if method == COARSE else (1, 1)

    def _coarse(self, image: NDArray[np.uint8]) -> Map:
        if self._strided is None:
            self._strided = _compiled(build(self._chain))
        return _ask(self._strided, image)

    def _dilated_pass(self, image: NDArray[np.uint8]) -> Map:
        if self._dilated is None:
            self._dilated = _compiled(build(self._chain, dilated=True))
        return _ask(self._dilated, image)

    def _stitched(self, image: NDArray[np.uint8]) -> Map:
        (down, across), (rows, columns) = self.geometry.stride, self.geometry.positions(_size(image), (1, 1))
        stitched = np.empty((rows, columns, self.classes), np.float32)
        for i in range(min(down, rows)):
            for j in range(min(across, columns)):
                part = stitched[i::down, j::across]
                # more fit where the network leaves a window's last rows out
                part[...] = self._coarse(self._read_part(image[i:, j:]))[: part.shape[0], : part.shape[1]]
        return stitched

    def _read_part(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """An image without the last rows and columns, where no window reads them and no padding follows them.

        So the shifted images have few sizes, of which JAX compiles each for itself.
        """
        if self.geometry.padded:
            return image
        height, width = (
            (positions - 1) * stride + window
            for positions, stride, window in zip(
                self.geometry.positions(_size(image)), self.geometry.stride, self.geometry.window, strict=True
            )
        )
        return image[:height, :width]

    def _check(self, image: NDArray[np.uint8]) -> None:
        (height, width), channels = self.geometry.window, self._chain.channels
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != channels:
            raise ValueError(f"Expected uint8 (height, width, {channels}). Received: {image.dtype} {image.shape}")
        if image.shape[0] < height or image.shape[1] < width:
            raise EyechartError(
                f"expected an image of {height}x{width} pixels or more, the size of the training images, received "
                f"{image.shape[0]}x{image.shape[1]}: type image= and a larger one"
            )


def _compiled(model: keras.Model) -> keras.Model:
    """The same model, to be asked as one program: by XLA on JAX only.

    Measured on a CPU: XLA makes no pass faster on TensorFlow, and compiles each size of image anew for 0.2 seconds.
    """
    import keras

    model.compile(jit_compile=keras.config.backend() == "jax")
    return model


def _ask(model: keras.Model, image: NDArray[np.uint8]) -> Map:
    answers: Map = np.asarray(model.predict_on_batch(image[np.newaxis]))[0]
    return answers


def _size(image: NDArray[np.uint8]) -> tuple[int, int]:
    return image.shape[0], image.shape[1]
