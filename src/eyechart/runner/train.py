"""The training of the members of one program, half of them at a time where memory does not hold all."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eyechart.runner.attempt import Attempt, Pruned
from eyechart.runner.members import Setup, build_engine
from eyechart.runner.outputs import Learner, Predicted, record_result, save_predictions
from eyechart.runs.journal import RecordKind
from eyechart.runs.tags import DEVICE, ENGINE, KERNELS

if TYPE_CHECKING:
    from eyechart.training.backend.engine import Engine
    from eyechart.training.callback import Callback


def train_members(attempts: Sequence[Attempt], setup: Setup) -> None:
    """Train and evaluate, half of the attempts at a time where all of them do not fit into memory."""
    from eyechart.training.backend.choose import out_of_memory

    try:
        _train_and_evaluate(attempts, setup)
    except Exception as error:
        if len(attempts) == 1 or not out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they hold the memory that the halves need
    else:
        return
    half = (len(attempts) + 1) // 2
    print(f"{len(attempts)} members do not fit into memory: going on with {half} at a time", flush=True)
    for part in (attempts[:half], attempts[half:]):
        left = [attempt for attempt in part if attempt.outcome is None]
        if left:
            train_members(left, setup)


def _train_and_evaluate(attempts: Sequence[Attempt], setup: Setup) -> None:
    from eyechart.training.backend.choose import activate, module_of

    config = setup.config
    device = activate(config.backend, config.trainer.device, config.trainer.precision)
    model, engine, how = build_engine(attempts, setup, device)
    where = {ENGINE: how, DEVICE: device, KERNELS: module_of(config.backend).kernels(device)}
    for attempt in attempts:
        attempt.journal.append(RecordKind.TAGS, values=where)
        setup.courier.tell(attempt.folder)  # not earlier: it imports MLflow, which would slow the other imports down
    learners = _make_learners(attempts, setup)
    _train(engine, learners, setup)
    _evaluate(model, engine, learners, setup)


def _make_learners(attempts: Sequence[Attempt], setup: Setup) -> list[Learner]:
    from eyechart.runner.listener import JournalListener
    from eyechart.runs.machine import system_metrics
    from eyechart.training.early_stopping import EarlyStopping

    load = functools.cache(lambda epoch: system_metrics())  # one measurement for all of them
    learners = []
    for attempt in attempts:
        chosen = attempt.job.config.callbacks
        monitor = chosen.monitor if setup.splits.validation else None
        best = EarlyStopping(monitor, chosen.patience, chosen.min_delta)
        learners.append(Learner(attempt, best, JournalListener(attempt.journal, setup.courier, load)))
    return learners


def _train(engine: Engine, learners: Sequence[Learner], setup: Setup) -> None:
    """Train from where the checkpoints are to the last epoch, or until nobody learns any more."""
    from eyechart.runner.checkpoint import Checkpoint, resume
    from eyechart.training.loop import train
    from eyechart.training.order import Reading
    from eyechart.training.progress import EpochTable

    splits, epochs, augmentation = setup.splits, setup.config.trainer.epochs, setup.config.augmentation
    checkpoints = [Checkpoint(one.attempt.folder, [one.best, one.listener]) for one in learners]
    done = resume(checkpoints, engine)
    if done:
        print(f"going on after epoch {done}", flush=True)
    reading = Reading(
        seeds=[one.attempt.job.config.seed for one in learners],
        size=len(splits.train),
        draw=functools.partial(augmentation.draw, indices=splits.train.indices) if augmentation else None,
    )
    with EpochTable(
        title=setup.title, epochs=epochs, size=reading.size, done=done, rows=setup.rows, members=len(learners)
    ) as table:
        callbacks: list[list[Callback]] = [
            # the table comes after the checkpoint: a row that was seen is safe
            [one.best, one.listener, checkpoint, table, *([one.attempt.pruner] if one.attempt.pruner else [])]
            for one, checkpoint in zip(learners, checkpoints, strict=True)
        ]
        train(
            engine,
            callbacks,
            reading,
            epochs=epochs,
            done=done,
            validation=(splits.validation.load(), splits.validation.labels) if splits.validation else None,
            tick=table.tick,
        )


def _evaluate(model: Any, engine: Engine, learners: Sequence[Learner], setup: Setup) -> None:
    """Save and predict one after another; then, when all of them are drawn or being drawn, record what came of it."""
    predicted: list[tuple[Learner, Predicted]] = []
    for one, weights in zip(learners, engine.weights(), strict=True):
        attempt = one.attempt
        if attempt.pruner and attempt.pruner.gave_up:
            epochs = len(one.listener.history)
            attempt.end(Pruned(f"given up by the search after epoch {epochs} of {setup.config.trainer.epochs}"))
            continue
        engine.alone.set_weights([one.best.weights or weights])
        with attempt.going_on():
            predicted.append((one, save_predictions(one, model, engine.alone, setup)))
    for one, answers in predicted:
        with one.attempt.going_on():
            one.attempt.finish(*record_result(one, answers, setup, len(learners)), one.best.diverged)
