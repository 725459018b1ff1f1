"""What a network is made of, as a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def layer_table(model: keras.Model) -> str:
    """A line per layer with its name, the shape of what it gives for one image, and its number of parameters."""
    rows = [("layer", "output shape", "parameters")]
    for layer in model.layers:
        shape = " x ".join(map(str, layer.output.shape[1:]))
        rows.append((layer.name, shape, f"{layer.count_params():,}"))
    rows.append(("all", "", f"{model.count_params():,}"))
    names, shapes, counts = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "".join(f"{name:<{names}}  {shape:<{shapes}}  {count:>{counts}}\n" for name, shape, count in rows)
