"""What every architecture shares: raw pixels in, class probabilities out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from eyechart.core.errors import ConfigError

if TYPE_CHECKING:
    import keras


class Architecture(ABC):
    """An architecture and its hyperparameters.

    A subclass is a frozen dataclass: its fields are what `conf/model/*.yaml` may set. Importing it, making one and
    calling `check` import nothing heavy; only `build` needs Keras.
    """

    @abstractmethod
    def layers(self, pixels: Any, image_shape: tuple[int, int, int]) -> Any:
        """From scaled pixels (batch, height, width, channels), float in [0, 1], to features (batch, n)."""

    def smallest_image(self) -> tuple[int, int]:
        """The least height and width, in pixels, that leaves every layer something to read."""
        return (1, 1)

    def check(self, image_shape: tuple[int, int, int]) -> None:
        """Raise ConfigError if images of (height, width, channels) cannot be read."""
        for name, value in vars(self).items():
            numbers = value if isinstance(value, list) else [value]
            if any(type(number) is int and number < 1 for number in numbers):
                raise ConfigError(f"model.{name} must be 1 or more, received {value}")
        height, width, _ = image_shape
        least_height, least_width = self.smallest_image()
        if height < least_height or width < least_width:
            raise ConfigError(
                f"{type(self).__name__} needs images of at least {least_height}x{least_width} pixels, "
                f"received {height}x{width}: choose another model, smaller kernels or fewer blocks"
            )

    def build(self, image_shape: tuple[int, int, int], classes: int) -> keras.Model:
        """The network with fresh weights.

        Takes uint8 images (batch, height, width, channels), scales them to [0, 1] itself, and gives float32
        probabilities (batch, classes), also under mixed precision.

        Raises:
            ConfigError: the architecture cannot read images of this shape.
        """
        self.check(image_shape)
        import keras

        image = keras.Input(image_shape, dtype="uint8", name="image")
        pixels = keras.layers.Rescaling(1 / 255, name="scale")(image)
        try:
            features = self.layers(pixels, image_shape)
        except ValueError as error:  # what Keras raises for an argument that it does not know
            reason = " ".join(str(error).split())
            raise ConfigError(f"model: {type(self).__name__} cannot be built from these values: {reason}") from error
        softmax = keras.layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")
        return keras.Model(image, softmax(features), name=type(self).__name__.lower())
