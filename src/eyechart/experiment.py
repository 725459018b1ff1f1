"""One run, or several that are trained together, from a checked configuration to a result: a table of contents."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart import paths
from eyechart.attempt import Attempt, Pruned, Task
from eyechart.config import Config
from eyechart.data import Dataset, Splits, open_dataset
from eyechart.files import replacing, write_json, write_text
from eyechart.holding import Hold
from eyechart.standing import Outcome, finished, set_aside
from eyechart.tracking import Courier, Journal
from eyechart.tracking.tags import DEVICE, ENGINE
from eyechart.training.checkpoint import remove_checkpoints

if TYPE_CHECKING:
    from eyechart.assistant import Assistants
    from eyechart.scorecard import Scores
    from eyechart.tracking.listener import JournalListener
    from eyechart.training.backend import Engine, Predictor
    from eyechart.training.consumers import Best
    from eyechart.training.records import Consumer


def run(task: Task, courier: Courier, *, sweep: str | None = None, since: int | None = None) -> Outcome:
    """Train, evaluate and record one run; hand back the record if it was finished before.

    Args:
        task: what is to be trained.
        courier: brings the journal to MLflow.
        sweep: the id of the sweep that this run is a part of.
        since: what was begun before this time, in milliseconds since 1970, is set aside and trained anew.

    Raises:
        EyechartError: the data set is not prepared or the model cannot read it.
        Pruned: the pruner gave the run up.
    """
    (outcome,) = run_together([task], courier, sweep=sweep, since=since)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def run_together(
    tasks: Sequence[Task],
    courier: Courier,
    *,
    sweep: str | None = None,
    since: int | None = None,
    assistants: Assistants | None = None,
) -> list[Outcome | Exception]:
    """The same for several runs that differ in nothing but what the members of a program may (`grouping.VARIES`).

    Runs that another process trains are waited for, one by one, when the others are done.

    Args:
        tasks: what is to be trained.
        courier: as for `run`, and so are `sweep` and `since`.
        sweep: the id of the sweep that the runs are a part of.
        since: what was begun before this time is trained anew.
        assistants: score and draw; None: this process does.

    Returns:
        Of each task its outcome, or what went wrong with it alone. What goes wrong with all of them is raised.
    """
    dataset = open_dataset(tasks[0].config.dataset.name)
    config = tasks[0].config.settled(dataset.own_validation)
    group = _Group(config, dataset, splits_of(config, dataset), courier, sweep is None, assistants)
    outcomes: dict[int, Outcome | Exception] = {}
    attempts: dict[int, Attempt] = {}
    elsewhere = []
    with ExitStack() as holds:
        for number, task in enumerate(tasks):
            run_key = task.config.run_key(dataset.digest, dataset.own_validation)
            folder, what = paths.runs() / run_key, f"run {run_key}"
            hold = Hold.take(folder, what) if len(tasks) == 1 else Hold.try_to_take(folder)
            if hold is None:
                elsewhere.append(number)
                continue
            holds.enter_context(hold)
            if since is not None:
                set_aside(folder, since, courier)
            if outcome := finished(run_key):
                outcomes[number] = outcome
                courier.tell(folder)
                remove_checkpoints(folder)
            else:
                attempts[number] = Attempt(task, folder, dataset, courier, sweep)
        if attempts:
            try:
                for attempt in attempts.values():
                    attempt.begin()
                # in an order that does not depend on what was typed or on what is left
                _train(sorted(attempts.values(), key=lambda attempt: attempt.folder.name), group)
            except BaseException as error:
                for attempt in attempts.values():
                    attempt.end(error)
                raise
            outcomes |= {number: attempt.outcome for number, attempt in attempts.items() if attempt.outcome}
    for number in elsewhere:
        try:
            outcomes[number] = run(tasks[number], courier, sweep=sweep, since=since)
        except Exception as error:  # the others have come to something
            outcomes[number] = error
    return [outcomes[number] for number in range(len(tasks))]


@dataclass(frozen=True)
class _Group:
    """What runs that are trained together share; `config` is that of the first, `rows` says whether to print epochs."""

    config: Config
    dataset: Dataset
    splits: Splits
    courier: Courier
    rows: bool
    assistants: Assistants | None

    @property
    def title(self) -> str:
        return f"{self.config.model_name} on {self.dataset.name}"


def splits_of(config: Config, dataset: Dataset) -> Splits:
    """Check that a configuration and a data set go together, and cut the data set as the configuration says.

    Raises:
        EyechartError: the model cannot read the images, or no image would be left for a part.
    """
    config.model.check(dataset.image_shape)
    return dataset.split(
        validation_fraction=config.trainer.validation_fraction,
        split_seed=config.trainer.split_seed,
        limit=config.limit,
    )


def _train(attempts: Sequence[Attempt], group: _Group) -> None:
    """Train and evaluate, half of the attempts at a time where all of them do not fit into memory."""
    from eyechart.training.backend import out_of_memory

    try:
        _train_and_evaluate(attempts, group)
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
            _train(left, group)


@dataclass(frozen=True)
class _Trained:
    """One member after its training."""

    best: Best
    listener: JournalListener


def _train_and_evaluate(attempts: Sequence[Attempt], group: _Group) -> None:
    from eyechart.tracking.listener import JournalListener
    from eyechart.tracking.machine import system_metrics
    from eyechart.training.backend import activate
    from eyechart.training.checkpoint import Checkpoint, go_on
    from eyechart.training.consumers import Best
    from eyechart.training.loop import train
    from eyechart.training.progress import EpochTable

    config, splits = group.config, group.splits
    trainer, held_back, augmentation = config.trainer, splits.validation, config.augmentation
    device = activate(config.backend, trainer.device, trainer.precision)
    model, engine, how = _build(attempts, group, device)
    for attempt in attempts:
        attempt.journal.append("tags", values={ENGINE: how, DEVICE: device})
        group.courier.tell(attempt.folder)  # not earlier: it imports MLflow, which would slow the other imports down

    load = functools.cache(lambda epoch: system_metrics())
    members = []
    for attempt in attempts:
        callbacks = attempt.task.config.callbacks
        best = Best(callbacks.monitor if held_back else None, callbacks.patience, callbacks.min_delta)
        members.append(_Trained(best, JournalListener(attempt.journal, group.courier, load)))
    checkpoints = [
        Checkpoint(attempt.folder, [member.best, member.listener])
        for attempt, member in zip(attempts, members, strict=True)
    ]
    done = go_on(checkpoints, engine)
    if done:
        print(f"going on after epoch {done}", flush=True)
    size = len(splits.train)
    with EpochTable(
        title=group.title, epochs=trainer.epochs, size=size, done=done, rows=group.rows, members=len(members)
    ) as table:
        consumers: list[list[Consumer]] = []
        for attempt, member, checkpoint in zip(attempts, members, checkpoints, strict=True):
            consumers.append([member.best, member.listener, checkpoint, table])  # a row that was seen is safe
            if attempt.task.pruner:
                consumers[-1].append(attempt.task.pruner)
        train(
            engine,
            consumers,
            seeds=[attempt.task.config.seed for attempt in attempts],
            size=size,
            epochs=trainer.epochs,
            done=done,
            validation=(held_back.load(), held_back.labels) if held_back else None,
            draw=functools.partial(augmentation.draw, indices=splits.train.indices) if augmentation else None,
            tick=table.tick,
        )
    drawn: list[tuple[Attempt, _Trained, _Predicted]] = []
    for attempt, member, weights in zip(attempts, members, engine.weights(), strict=True):
        pruner = attempt.task.pruner
        if pruner and pruner.gave_up:
            epochs = len(member.listener.history)
            attempt.end(Pruned(f"given up by the search after epoch {epochs} of {trainer.epochs}"))
            continue
        engine.alone.set_weights([member.best.weights or weights])
        with attempt.going_on():
            drawn.append((attempt, member, _predict(attempt.journal, model, engine.alone, member, group)))
    for attempt, member, predicted in drawn:
        with attempt.going_on():
            attempt.finish(_record(attempt.journal, member, predicted, group, len(attempts)))


def _build(attempts: Sequence[Attempt], group: _Group, device: str) -> tuple[Any, Engine, str]:
    """The model, the engine that trains each attempt as a member, and what is to be said of it."""
    from eyechart.models.layer_table import layer_table
    from eyechart.training import losses
    from eyechart.training.backend import set_seed, steps_that_fit, worth_compiling
    from eyechart.training.backend.assembly import make_engine

    config, dataset, splits = group.config, group.dataset, group.splits
    trainer, size = config.trainer, len(splits.train)
    models = []
    for attempt in attempts:  # each begins with the weights of its own seed, as if it were alone
        set_seed(attempt.task.config.seed)
        models.append(config.model.build(dataset.image_shape, len(dataset.class_names)))
    model = models[0]
    layers = layer_table(model)
    for attempt in attempts:
        write_text(attempt.folder / "artifacts" / "layers.txt", layers)
        attempt.journal.append("artifact", path="artifacts/layers.txt")
    if group.rows:
        print(f"\n{layers}", flush=True)
    steps_per_epoch = -(-size // trainer.batch_size)
    steps_per_chunk = steps_that_fit(dataset.image_shape, size, trainer.batch_size, trainer.device_gigabytes)
    class_weights = losses.balanced(splits.train.labels, len(dataset.class_names)) if trainer.class_weights else None

    def optimizer(rate: Any) -> Any:
        return config.optimizer.build(config.schedule.build(rate, steps_per_epoch, trainer.epochs), trainer.precision)

    engine, obstacle = make_engine(
        models=models,
        optimizer=optimizer,
        rates=[attempt.task.config.optimizer.learning_rate for attempt in attempts],
        element_wise=config.optimizer.element_wise,
        loss=losses.crossentropy(class_weights),
        augment=config.augmentation.apply if config.augmentation else None,
        images=splits.train.load() if steps_per_chunk is None else splits.train,
        labels=splits.train.labels,
        batch_size=trainer.batch_size,
        steps_per_chunk=steps_per_chunk,
        compiled=worth_compiling(model, device),
        device=device,
    )
    if len(attempts) == 1:
        return model, engine, f"{config.backend}, 1 member"
    together = f"in turn: {obstacle}" if obstacle else "as one program"
    print(f"{len(attempts)} runs of {group.title}, {together}", flush=True)
    return model, engine, f"{config.backend}, {len(attempts)} members{' in turn' if obstacle else ''}"


@dataclass(frozen=True)
class _Predicted:
    """What a trained member answered, and how to come by the scores of its answers."""

    parameters: int
    step_accuracy: dict[str, list[float]]
    scores: Callable[[], Scores]


def _predict(journal: Journal, model: Any, predictor: Predictor, member: _Trained, group: _Group) -> _Predicted:
    """Save the model with its best weights, predict with it, and have the predictions scored and drawn."""
    import pandas as pd

    from eyechart import scorecard
    from eyechart.evaluation import predictions
    from eyechart.tracking.machine import model_requirements
    from eyechart.training.answers import ask

    dataset, splits, artifacts = group.dataset, group.splits, journal.folder / "artifacts"
    _save_model(model, artifacts / "model.keras")
    journal.append(
        "model",
        path="artifacts/model.keras",
        image_shape=list(dataset.image_shape),
        classes=len(dataset.class_names),
        class_names=list(dataset.class_names),
        dataset=dataset.name,
        backend=group.config.backend,
        requirements=model_requirements(group.config.backend),
    )
    parts, step_accuracy = {}, {}
    for part in ("validation", "test"):
        piece = getattr(splits, part)
        if piece is not None:
            (answers,) = ask(predictor, piece.load(), piece.labels)
            parts[part] = (piece.indices, piece.labels, answers.probabilities)
            if answers.step_accuracy is not None:
                step_accuracy[part] = answers.step_accuracy.tolist()
    by_step = None
    if step_accuracy:
        by_step = pd.DataFrame(step_accuracy)
        by_step.insert(0, "step", range(1, len(by_step) + 1))
    table = predictions.make_table(parts)
    predictions.write(table, artifacts / "predictions.parquet")
    about: dict[str, Any] = {
        "table": table,
        "history": pd.DataFrame(member.listener.history),
        "best_epoch": member.best.epoch,
        "by_step": by_step,
        "class_names": dataset.class_names,
        "title": group.title,
    }
    scores: Callable[[], Scores]
    if group.assistants is None:
        scores = functools.partial(scorecard.write, artifacts, test_images=splits.test.images, **about)
    else:
        scores = group.assistants.score(artifacts, dataset.name, **about)
    return _Predicted(int(model.count_params()), step_accuracy, scores)


def _record(journal: Journal, member: _Trained, predicted: _Predicted, group: _Group, members: int) -> dict[str, Any]:
    """Say what follows from the predictions; the result of the run."""
    from eyechart import scorecard
    from eyechart.tracking.views import best_name

    best, history, artifacts = member.best, member.listener.history, journal.folder / "artifacts"
    numbers = {
        "best_epoch": best.epoch,
        "parameters": predicted.parameters,
        "seconds": sum(row["seconds"] for row in history),
    }
    journal.metrics(0, numbers)  # MLflow draws bars, run by run, of what has one value, at step 0
    scores, row = predicted.scores(), history[best.epoch - 1]
    result: dict[str, Any] = {"train/loss": row["train/loss"], "train/accuracy": row["train/accuracy"]} | scores.overall
    of_best = {best_name(name): value for name, value in result.items() if not name.startswith("test")}
    test = {name: value for name, value in result.items() if name.startswith("test")}
    journal.metrics(0, {**of_best, **test, **scores.per_class})
    for part, accuracies in predicted.step_accuracy.items():
        for step, accuracy in enumerate(accuracies, 1):
            journal.metrics(step, {f"{part}/accuracy_by_step": accuracy})
    for file in ("predictions.parquet", *scores.files):
        journal.append("artifact", path=f"artifacts/{file}")
        if file.endswith(".png"):
            journal.append("image", path=f"artifacts/{file}", key=Path(file).stem)
    for file in scorecard.TABLES:
        journal.append("table", path=f"artifacts/{file}")
    summary: dict[str, Any] = {"monitor": best.monitor, "epochs": len(history), **numbers}
    if members > 1:  # the seconds are a share of theirs
        summary["members"] = members
    result = summary | result
    about = {"run_key": journal.folder.name, "title": group.title, "dataset": group.dataset.name, "result": result}
    write_json(artifacts / "run.json", about)
    return result


def _save_model(model: Any, path: Path) -> None:
    from eyechart.quiet import without_notes

    with replacing(path) as temporary, without_notes():  # Keras looks for TensorFlow here, also under JAX
        model.save(temporary)
