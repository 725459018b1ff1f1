"""Builds architectures, as facts that `test_models.py` asserts on. Prints JSON; a process, because it starts Keras."""

from __future__ import annotations

import json
from typing import Any

from models.cases import COUNTED, LEAST, WRONG

from eyechart.errors import ConfigError
from eyechart.training.backend import activate

activate("tensorflow", "cpu", "float32")


def main() -> None:
    facts: dict[str, Any] = {"least": [], "counted": [], "wrong": []}
    for architecture, side in LEAST:
        model = architecture.build((side, side, 1), 2)
        facts["least"].append([list(model.input_shape), list(model.output_shape)])
    for architecture, shape, _ in COUNTED:
        model = architecture.build(shape, 10)
        facts["counted"].append(
            {
                "all": model.count_params(),
                "layers": [layer.count_params() for layer in model.layers if layer.count_params()],
                "input": str(model.input.dtype),
                "output": str(model.output.dtype),
                "name": model.name,
            }
        )
    for architecture in WRONG:
        try:
            architecture.build((12, 12, 1), 2)
            facts["wrong"].append("")
        except ConfigError as error:
            facts["wrong"].append(str(error))
    print(json.dumps(facts))


main()
