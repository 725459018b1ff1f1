"""The training of the members of one program, half of them at a time where memory does not hold all."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eyechart.runner.attempt import Attempt, Pruned
from eyechart.runner.members import Setup, build_engine
from eyechart.runner.outputs import Predicted, Trained, record_result, save_predictions
from eyechart.runs.journal import RecordKind
from eyechart.runs.tags import DEVICE, ENGINE

if TYPE_CHECKING:
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
    from eyechart.runner.checkpoint import Checkpoint, resume
    from eyechart.runner.listener import JournalListener
    from eyechart.runs.machine import system_metrics
    from eyechart.training.backend.choose import activate
    from eyechart.training.early_stopping import EarlyStopping
    from eyechart.training.loop import train
    from eyechart.training.order import Reading
    from eyechart.training.progress import EpochTable

    config, splits = setup.config, setup.splits
    trainer, held_back, augmentation = config.trainer, splits.validation, config.augmentation
    device = activate(config.backend, trainer.device, trainer.precision)
    model, engine, how = build_engine(attempts, setup, device)
    for attempt in attempts:
        attempt.journal.append(RecordKind.TAGS, values={ENGINE: how, DEVICE: device})
        setup.courier.tell(attempt.folder)  # not earlier: it imports MLflow, which would slow the other imports down

    load = functools.cache(lambda epoch: system_metrics())
    members = []
    for attempt in attempts:
        chosen = attempt.job.config.callbacks
        best = EarlyStopping(chosen.monitor if held_back else None, chosen.patience, chosen.min_delta)
        members.append(Trained(best, JournalListener(attempt.journal, setup.courier, load)))
    checkpoints = [
        Checkpoint(attempt.folder, [member.best, member.listener])
        for attempt, member in zip(attempts, members, strict=True)
    ]
    done = resume(checkpoints, engine)
    if done:
        print(f"going on after epoch {done}", flush=True)
    reading = Reading(
        seeds=[attempt.job.config.seed for attempt in attempts],
        size=len(splits.train),
        draw=functools.partial(augmentation.draw, indices=splits.train.indices) if augmentation else None,
    )
    with EpochTable(
        title=setup.title, epochs=trainer.epochs, size=reading.size, done=done, rows=setup.rows, members=len(members)
    ) as table:
        callbacks: list[list[Callback]] = []
        for attempt, member, checkpoint in zip(attempts, members, checkpoints, strict=True):
            callbacks.append([member.best, member.listener, checkpoint, table])  # a row that was seen is safe
            if attempt.pruner:
                callbacks[-1].append(attempt.pruner)
        train(
            engine,
            callbacks,
            reading,
            epochs=trainer.epochs,
            done=done,
            validation=(held_back.load(), held_back.labels) if held_back else None,
            tick=table.tick,
        )
    drawn: list[tuple[Attempt, Trained, Predicted]] = []
    for attempt, member, weights in zip(attempts, members, engine.weights(), strict=True):
        if attempt.pruner and attempt.pruner.gave_up:
            epochs = len(member.listener.history)
            attempt.end(Pruned(f"given up by the search after epoch {epochs} of {trainer.epochs}"))
            continue
        engine.alone.set_weights([member.best.weights or weights])
        with attempt.going_on():
            drawn.append((attempt, member, save_predictions(attempt.journal, model, engine.alone, member, setup)))
    for attempt, member, predicted in drawn:
        with attempt.going_on():
            attempt.finish(record_result(attempt.journal, member, predicted, setup, len(attempts)))
