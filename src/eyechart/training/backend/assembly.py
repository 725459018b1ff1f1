"""Which engine trains some members: as one program, or in turn, and on a CPU in several lanes side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from eyechart.training.backend.choose import is_convolutional, layer_kinds, module_of, weights_of
from eyechart.training.backend.engine import OPTIMIZER, Engine
from eyechart.training.backend.in_turn import InTurn
from eyechart.training.backend.lanes import Lanes
from eyechart.training.backend.stacked import RATE

MOST_LANES = 8  # each compiles its own programs
MOST_STEPS = 64  # of a recurrent layer that is unrolled: the time to compile it grows with them


def make_engine(
    *,
    models: Sequence[Any],
    optimizer: Callable[[Any], Any],
    rates: Sequence[float],
    element_wise: bool = True,
    compiled: bool,
    device: str,
    lanes: int | None = None,
    **arguments: Any,
) -> tuple[Engine, str]:
    """The engine of the active backend, and, where its members cannot be trained as one program, why not.

    On a CPU several members are trained in as many lanes as there are cores: steps of small networks leave one core
    waiting for another, which lanes of their own do not.

    Args:
        models: of each member, alike, with the weights that it begins with. They take uint8 images and give
            probabilities: for each image, or for each image and time step.
        optimizer: makes the optimizer from a learning rate, or from float32 (members, 1).
        rates: the learning rate of each member.
        element_wise: whether the optimizer takes each number by itself.
        compiled: whether XLA compiles the epoch of one member.
        device: `cpu` or `gpu`.
        lanes: how many, at most; None: as many as cores on a CPU, one on a GPU.
        arguments: the others of the engine on TensorFlow.
    """
    import keras

    backend, members = keras.config.backend(), len(models)
    module = module_of(backend)
    shared = {**arguments, "device": device}

    def alone(model: Any, rate: float) -> tuple[Engine, str | None]:
        """An engine of one member, and the name in its state of the learning rate, if that is a variable."""
        made = optimizer(rate)
        engine: Engine = module.Engine(model=model, optimizer=made, compiled=compiled, **shared)
        # the optimizer that scales the loss has one of the same name, which it does not use
        scaled = made.inner_optimizer if isinstance(made, keras.optimizers.LossScaleOptimizer) else made
        named = [number for number, variable in enumerate(made.variables) if variable is _rate_of(scaled)]
        return engine, f"{OPTIMIZER}{named[0]}" if named else None

    def in_turn(model: Any, own: slice) -> Engine:
        return InTurn(lambda rate: alone(model, rate), rates[own])

    def mapped(model: Any, own: slice) -> Engine:
        if len(rates[own]) == 1:
            return in_turn(model, own)
        engine: Engine = module.MappedEngine(
            model=model,
            optimizer=optimizer,
            rates=rates[own],
            compiled=compiled or unrolled,
            unrolled=unrolled,
            **shared,
        )
        return engine

    if members == 1:
        return alone(models[0], rates[0])[0], ""
    unrolled = _worth_unrolling(models[0])
    obstacle = _obstacle(models[0], optimizer(rates[0]), element_wise, backend, device)
    if lanes is None:
        lanes = 1 if device == "gpu" else min(len(os.sched_getaffinity(0)), MOST_LANES)
    lanes = min(lanes, members)
    owns = [slice(members * lane // lanes, members * (lane + 1) // lanes) for lane in range(lanes)]
    engines: list[Engine] = []
    if not obstacle:
        try:
            engines = [mapped(model, own) for model, own in zip(models, owns, strict=False)]
        except (ValueError, TypeError, NotImplementedError) as error:  # what TensorFlow raises where it cannot map
            reason = " ".join(str(error).strip().rpartition("\n")[2].split())[:120]
            obstacle = f"{backend} cannot map {models[0].name} over several networks ({reason})"
    if obstacle:
        if arguments["steps_per_chunk"] is None:
            shared |= module.on_device(arguments["images"], arguments["labels"], device)  # once for all lanes
        engines = [in_turn(model, own) for model, own in zip(models, owns, strict=False)]
    engine = engines[0] if lanes == 1 else Lanes(engines)
    engine.set_weights([weights_of(model) for model in models])
    return engine, obstacle


def _rate_of(optimizer: Any) -> Any:
    """The variable in which an optimizer keeps its learning rate; None where a schedule gives it."""
    return next((variable for variable in optimizer.variables if variable.name == RATE), None)


def _worth_unrolling(model: Any) -> bool:
    """Whether the recurrent layers of a model are to be unrolled where it is mapped over its members.

    Measured on two CPU cores: simple ones are then twice as fast on TensorFlow, which can compile them only so, and
    1.5 times on JAX. LSTMs are slower, and compile for half a minute.
    """
    import keras

    recurrent = [layer for layer in model._flatten_layers(include_self=False) if isinstance(layer, keras.layers.RNN)]
    simple = all(isinstance(layer, keras.layers.SimpleRNN) for layer in recurrent)
    return bool(recurrent) and simple and all(layer.input.shape[1] <= MOST_STEPS for layer in recurrent)


def _obstacle(model: Any, optimizer: Any, element_wise: bool, backend: str, device: str) -> str:
    """Why members are not trained as one program, as far as it is known beforehand; empty if nothing is."""
    import keras

    kinds = layer_kinds(model)
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return (
            "trainer.precision=mixed_float16 scales the loss of all by what one of them needs; "
            "trainer.precision=mixed_bfloat16 does not"
        )
    if not element_wise:
        return f"optimizer={type(optimizer).__name__.lower()} may not take each number by itself; adam does"
    if device == "cpu" and is_convolutional(kinds):
        return "convolutions with filters of each network's own are slower on a CPU"
    recurrent = any(issubclass(kind, keras.layers.RNN) for kind in kinds)
    if device == "cpu" and backend == "tensorflow" and recurrent and not _worth_unrolling(model):
        return "recurrent layers other than short simple ones are no faster together on TensorFlow on a CPU"
    return ""
