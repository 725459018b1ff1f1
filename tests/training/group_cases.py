"""Several members trained together, beside the same trained alone; run by `engine_cases.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
from runs import ALL, BACKEND, FOLDER, SMALL, Run, difference, synthetic

from eyechart.models import CNN, FNN, RNN
from eyechart.runner.checkpoint import Checkpoint, resume
from eyechart.training import losses, optimizers, schedules
from eyechart.training.callback import EpochRecord
from eyechart.training.early_stopping import EarlyStopping
from eyechart.training.member import all_finite, members_of
from eyechart.training.predict import predict

SEEDS, RATES = (3, 11, 12), (0.01, 0.003, 0.01)
STEPS = 20
SHAPE = (12, 12, 1)


def both(architecture: Any, data: Any, epochs: int, members: int = 2, **arguments: Any) -> tuple[Run, list[Run]]:
    """Members that have been trained together, and each alone."""
    arguments.setdefault("optimizer", optimizers.Adam(0.01))
    seeds, rates = SEEDS[:members], RATES[:members]
    together = Run(architecture, data, seeds=seeds, rates=rates, **arguments).train(epochs)
    pairs = zip(seeds, rates, strict=True)
    alone = [Run(architecture, data, seeds=[seed], rates=[rate], **arguments).train(epochs) for seed, rate in pairs]
    return together, alone


def compared(together: Run, alone: list[Run]) -> dict[str, Any]:
    """How far members are from what they are alone."""
    states = together.engine.state()
    expected = np.array([run.losses for run in alone]).T
    return {
        "engine": type(together.engine).__name__,
        "obstacle": together.obstacle,
        "loss": float(np.abs(np.array(together.losses) / expected - 1).max()),
        "accuracy": float(np.abs(np.array(together.accuracies) - np.array([run.accuracies for run in alone]).T).max()),
        "state": max(difference(run.state(), state) for run, state in zip(alone, states, strict=True)),
        "apart": min(difference(states[0], other) for other in states[1:]),
        "ticks": [sum(together.ticks), sum(sum(run.ticks) for run in alone)],
    }


def families() -> dict[str, Any]:
    """The first 20 steps, a step an epoch."""
    images = synthetic(16, SHAPE)
    nets = {"fnn": FNN(), "rnn": RNN(units=6), "per_step": SMALL["per_step"]}
    nets |= {name: SMALL[name] for name in ("birnn", "cnn", "lenet", "normalised")}
    return {name: compared(*both(net, images, STEPS, compiled=name == "fnn")) for name, net in nets.items()}


def variations() -> dict[str, Any]:
    """A dense net in everything else that members have in common: 3 steps of 16 and one of 5 an epoch."""
    data = synthetic(53)
    chosen: dict[str, dict[str, Any]] = {
        "sgd": {"optimizer": optimizers.SGD(0.1, momentum=0.5, nesterov=True)},
        "adamw": {"optimizer": optimizers.AdamW(0.01)},
        "rmsprop": {"optimizer": optimizers.RMSprop(0.01, momentum=0.5)},
        "cosine": {"schedule": schedules.Cosine(final=0.1, warmup_epochs=1)},
        "exponential": {"schedule": schedules.Exponential(0.5)},
        "augmented": {"augmentation": ALL},
        "class weights": {"class_weights": losses.balanced(data[1], 3)},
        "in chunks": {"steps_per_chunk": 3},
        "bfloat16": {"precision": "mixed_bfloat16"},
        "float16": {"precision": "mixed_float16"},
    }
    return {name: compared(*both(FNN(units=[8]), data, 3, **arguments)) for name, arguments in chosen.items()}


class Alone(optimizers.Adam):
    """An optimizer of which nobody has said that it takes each number by itself."""

    element_wise = False


def in_turn() -> dict[str, Any]:
    """What cannot be one program."""
    data = synthetic(20)
    return {
        "convolutional": compared(*both(CNN(filters=[3], units=4), data, 2, members=3)),
        "own optimizer": compared(*both(FNN(units=[4]), data, 2, members=3, optimizer=Alone(0.01))),
    }


def answers() -> dict[str, Any]:
    """What members say, as one program and in turn: 501 images are two batches."""
    data, many = synthetic(20, SHAPE), synthetic(501, SHAPE)[0]
    facts = {}
    for name in ("fnn", "cnn", "per_step"):
        together, alone = both(SMALL[name], data, 1)
        said = np.concatenate(list(together.engine.predict(many)), axis=1)
        facts[name] = float(np.abs(said - np.stack([run.answers(many) for run in alone])).max())
        together.engine.alone.set_weights([together.engine.weights()[1]])
        by_itself = np.concatenate(list(together.engine.alone.predict(many)), axis=1)[0]
        facts[f"{name} by itself"] = float(np.abs(by_itself - said[1]).max())
    return facts


def in_lanes() -> dict[str, Any]:
    """Four members, two by two and, where they are trained in turn, in three lanes."""
    data, many = synthetic(53, SHAPE), synthetic(501, SHAPE)[0]
    facts = {}
    for name, lanes in (("fnn", 2), ("cnn", 3)):
        arguments: dict[str, Any] = {"optimizer": optimizers.Adam(0.01), "lanes": lanes}
        seeds, rates = (*SEEDS, 13), (*RATES, 0.01)
        together = Run(SMALL[name], data, seeds=seeds, rates=rates, **arguments).train(2)
        pairs = zip(seeds, rates, strict=True)
        alone = [Run(SMALL[name], data, seeds=[seed], rates=[rate], **arguments).train(2) for seed, rate in pairs]
        said = np.concatenate(list(together.engine.predict(many)), axis=1)
        facts[name] = compared(together, alone) | {
            "lanes": [type(engine).__name__ for engine in together.engine._engines],
            "answers": float(np.abs(said - np.stack([run.answers(many) for run in alone])).max()),
        }
        try:
            together.train(1)
            kept = together.engine.state()
            together.ticks = Refusing()
            together.train(1)
        except ZeroDivisionError:
            facts[name]["ended"] = True
        together.engine.restore(kept)
        facts[name]["restored"] = max(difference(*pair) for pair in zip(kept, together.engine.state(), strict=True))
    return facts


class Refusing(list[int]):
    """Where a tick is told of, something goes wrong."""

    def append(self, _: int) -> None:
        raise ZeroDivisionError


def grouped_again() -> dict[str, Any]:
    """Members from their checkpoints: the same group, a smaller one, and one of them alone."""
    data = synthetic(40, SHAPE)
    facts = {}
    for name in ("fnn", "lenet"):
        arguments: dict[str, Any] = {"optimizer": optimizers.Adam(0.01), "compiled": name == "fnn"}
        straight = Run(SMALL[name], data, seeds=SEEDS, rates=RATES, **arguments).train(4)
        killed = Run(SMALL[name], data, seeds=SEEDS, rates=RATES, **arguments).train(2)
        checkpoints = [Checkpoint(FOLDER / f"{BACKEND}-{name}-{seed}", [EarlyStopping(None)]) for seed in SEEDS]
        for checkpoint, member in zip(checkpoints, members_of(killed.engine), strict=True):
            checkpoint(EpochRecord(2), member)
        found = {}
        for group in ([0, 1, 2], [0, 2], [1]):
            seeds, rates = [SEEDS[i] for i in group], [RATES[i] for i in group]
            run = Run(SMALL[name], data, seeds=seeds, rates=rates, **arguments).train(1)
            done = resume([checkpoints[i] for i in group], run.engine)
            run.losses[:] = killed.losses
            run.train(2)
            states = zip(run.engine.state(), (straight.engine.state()[i] for i in group), strict=True)
            found[str(len(group))] = {"done": done, "state": max(difference(*pair) for pair in states)}
        facts[name] = found
    return facts


def inactive() -> dict[str, Any]:
    """A member that has ended its training leaves the others as they are."""
    data = synthetic(40, SHAPE)
    facts = {}
    for name in ("fnn", "cnn"):
        arguments: dict[str, Any] = {"optimizer": optimizers.Adam(0.01), "compiled": name == "fnn"}
        whole = Run(SMALL[name], data, seeds=SEEDS, rates=RATES, **arguments).train(3)
        ended = Run(SMALL[name], data, seeds=SEEDS, rates=RATES, **arguments).train(1)
        before = ended.engine.state()[1]
        ended.train(2, np.array([True, False, True]))
        states = [run.engine.state() for run in (whole, ended)]
        facts[name] = {
            "others": max(difference(states[0][i], states[1][i]) for i in (0, 2)),
            "ended": difference(before, ended.engine.state()[1]),
        }
    return facts


def diverging() -> dict[str, Any]:
    """Members beside one that diverges, and beside one that does not."""
    data = synthetic(40, SHAPE)
    sane, wild = (
        Run(SMALL["fnn"], data, seeds=SEEDS, rates=(0.01, rate, 0.01), optimizer=optimizers.SGD(0.01)).train(3)
        for rate in (0.02, 1e30)
    )
    states = [run.engine.state() for run in (sane, wild)]
    answers = [predict(run.engine, *data) for run in (sane, wild)]
    return {
        "engine": type(wild.engine).__name__,
        "others": max(difference(states[0][i], states[1][i]) for i in (0, 2)),
        "numbers": [all_finite(weights) for weights in wild.engine.weights()],
        "same answers": [
            np.array_equal(one.probabilities, other.probabilities) for one, other in zip(*answers, strict=True)
        ],
    }


CASES = (families, variations, in_turn, answers, in_lanes, grouped_again, inactive, diverging)
