"""Which engine trains some members: as one program, or in turn, and on a CPU in several lanes side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from eyechart.training.backend.choose import is_convolutional, layer_kinds, module_of
from eyechart.training.backend.engine import Engine
from eyechart.training.backend.in_turn import InTurn
from eyechart.training.backend.lanes import Lanes
from eyechart.training.backend.recipe import Execution, Recipe, TrainingData
from eyechart.training.backend.single import named_variables, weights_of
from eyechart.training.backend.stacked import RATE

MOST_LANES = 8  # each compiles its own programs
MOST_STEPS = 64  # of a recurrent layer that is unrolled: the time to compile it grows with them


def make_engine(
    *,
    models: Sequence[Any],
    rates: Sequence[float],
    recipe: Recipe,
    data: TrainingData,
    execution: Execution,
    lanes: int | None = None,
) -> tuple[Engine, str]:
    """The engine of the active backend, and, where its members cannot be trained as one program, why not.

    On a CPU several members are trained in as many lanes as there are cores: steps of small networks leave one core
    waiting for another, which lanes of their own do not.

    Args:
        models: of each member, alike, with the weights that it begins with. They take uint8 images and give
            probabilities: for each image, or for each image and time step.
        rates: the learning rate of each member.
        recipe: how they learn.
        data: what they learn from.
        execution: of a member that is trained alone; of several it follows from the model what is unrolled.
        lanes: how many, at most; None: as many as cores on a CPU, one on a GPU.
    """
    members, device = len(models), execution.device
    if members == 1:
        return _alone(models[0], rates[0], recipe, data, execution)[0], ""
    obstacle = _obstacle(models[0], rates[0], recipe, device)
    if lanes is None:
        lanes = 1 if device == "gpu" else min(len(os.sched_getaffinity(0)), MOST_LANES)
    lanes = min(lanes, members)
    owns = [slice(members * lane // lanes, members * (lane + 1) // lanes) for lane in range(lanes)]
    shares = [(model, rates[own]) for model, own in zip(models, owns, strict=False)]
    engines: list[Engine] = []
    if not obstacle:
        try:
            engines = [_together(model, own, recipe, data, execution) for model, own in shares]
        except (ValueError, TypeError, NotImplementedError) as error:  # what TensorFlow raises where it cannot map
            reason = " ".join(str(error).strip().rpartition("\n")[2].split())[:120]
            obstacle = f"{_backend()} cannot map {models[0].name} over several networks ({reason})"
    if obstacle:
        data = module_of(_backend()).on_device(data, device)  # once for all lanes
        engines = [_in_turn(model, own, recipe, data, execution) for model, own in shares]
    engine = engines[0] if lanes == 1 else Lanes(engines)
    engine.set_weights([weights_of(model) for model in models])
    return engine, obstacle


def _together(model: Any, rates: Sequence[float], recipe: Recipe, data: TrainingData, execution: Execution) -> Engine:
    """An engine of several members as one program."""
    if len(rates) == 1:
        return _in_turn(model, rates, recipe, data, execution)
    unrolled = _worth_unrolling(model)
    mapped = replace(execution, compiled=execution.compiled or unrolled, unrolled=unrolled)
    engine: Engine = module_of(_backend()).MappedEngine(model, rates, recipe, data, mapped)
    return engine


def _in_turn(model: Any, rates: Sequence[float], recipe: Recipe, data: TrainingData, execution: Execution) -> Engine:
    return InTurn(lambda rate: _alone(model, rate, recipe, data, execution), rates)


def _alone(
    model: Any, rate: float, recipe: Recipe, data: TrainingData, execution: Execution
) -> tuple[Engine, str | None]:
    """An engine of one member, and the name in its state of the learning rate, if that is a variable."""
    engine = module_of(_backend()).Engine(model, rate, recipe, data, execution)
    return engine, _name_of_rate(model, engine.optimizer)


def _name_of_rate(model: Any, optimizer: Any) -> str | None:
    """The name in a state of the learning rate; None where a schedule gives it."""
    import keras

    # the optimizer that scales the loss has one of the same name, which it does not use
    scaled = optimizer.inner_optimizer if isinstance(optimizer, keras.optimizers.LossScaleOptimizer) else optimizer
    rate = next((variable for variable in scaled.variables if variable.name == RATE), None)
    return next((name for name, variable in named_variables(model, optimizer) if variable is rate), None)


def _backend() -> str:
    import keras

    name: str = keras.config.backend()
    return name


def _worth_unrolling(model: Any) -> bool:
    """Whether the recurrent layers of a model are to be unrolled where it is mapped over its members.

    Measured on two CPU cores: simple ones are then twice as fast on TensorFlow, which can compile them only so, and
    1.5 times on JAX. LSTMs are slower, and compile for half a minute.
    """
    import keras

    recurrent = [layer for layer in model._flatten_layers(include_self=False) if isinstance(layer, keras.layers.RNN)]
    simple = all(isinstance(layer, keras.layers.SimpleRNN) for layer in recurrent)
    return bool(recurrent) and simple and all(layer.input.shape[1] <= MOST_STEPS for layer in recurrent)


def _obstacle(model: Any, rate: float, recipe: Recipe, device: str) -> str:
    """Why members are not trained as one program, as far as it is known beforehand; empty if nothing is."""
    import keras

    kinds, optimizer = layer_kinds(model), recipe.optimizer(rate)
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return (
            "trainer.precision=mixed_float16 scales the loss of all by what one of them needs; "
            "trainer.precision=mixed_bfloat16 does not"
        )
    if not recipe.element_wise:
        return f"optimizer={type(optimizer).__name__.lower()} may not take each number by itself; adam does"
    if device == "cpu" and is_convolutional(kinds):
        return "convolutions with filters of each network's own are slower on a CPU"
    recurrent = any(issubclass(kind, keras.layers.RNN) for kind in kinds)
    if device == "cpu" and _backend() == "tensorflow" and recurrent and not _worth_unrolling(model):
        return "recurrent layers other than short simple ones are no faster together on TensorFlow on a CPU"
    return ""
