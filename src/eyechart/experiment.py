"""One run, from a checked configuration to its result. Reads like a table of contents."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from omegaconf import OmegaConf

from eyechart import paths
from eyechart.config import TRAINING_VERSION, Config
from eyechart.data import Dataset, Splits, open_dataset
from eyechart.errors import EyechartError
from eyechart.files import remove_unfinished, replacing, write_json, write_text
from eyechart.holding import Hold
from eyechart.standing import Outcome, attempt, finished, set_aside
from eyechart.tracking import Courier, Journal, read_journal
from eyechart.tracking.config import hide_password
from eyechart.training.checkpoint import remove_checkpoints
from eyechart.training.records import Consumer

if TYPE_CHECKING:
    from eyechart.training.backend import Engine

IDENTITY = "eyechart.run_key"


class Pruned(EyechartError):
    """A search gave a run up, which can still be trained to its end."""


class Pruner(Consumer, Protocol):
    """Hears of every epoch of a run, and may ask for its end because others do better.

    Attributes:
        gave_up: whether it asked for the end.
    """

    gave_up: bool


def run(
    config: Config,
    courier: Courier,
    *,
    name: str = "",
    overrides: Sequence[str] = (),
    sweep: str | None = None,
    since: int | None = None,
    pruner: Pruner | None = None,
) -> Outcome:
    """Train, evaluate and record one run; hand back the record if it was finished before.

    Args:
        config: checked.
        courier: brings the journal to MLflow.
        name: of the run in tables; the model and data set if empty.
        overrides: what was typed on the command line, for the record.
        sweep: the id of the sweep that this run is a part of.
        since: what was begun before this time, in milliseconds since 1970, is set aside and trained anew.
        pruner: hears of every epoch, and may give the run up.

    Raises:
        EyechartError: the data set is not prepared or the model cannot read it.
        Pruned: the pruner gave the run up.
    """
    dataset = open_dataset(config.dataset.name)
    config = config.settled(dataset.own_validation)
    splits = splits_of(config, dataset)
    run_key = config.run_key(dataset.digest, dataset.own_validation)
    folder = paths.runs() / run_key
    with Hold.take(folder, f"run {run_key}"):
        if since is not None:
            set_aside(folder, since, courier)
        outcome = finished(run_key)
        if outcome is None:
            remove_unfinished(folder)
            journal = Journal(folder)
            try:
                _introduce(journal, config, dataset, run_key, name, overrides, sweep)
                courier.tell(folder)
                result = _train_and_evaluate(
                    journal, courier, config, dataset, splits, rows=sweep is None, pruner=pruner
                )
                journal.append("end", status="FINISHED", result=result)
                outcome = Outcome(run_key, folder, result, True)
            except (KeyboardInterrupt, SystemExit):  # the second is how Ray ends a worker
                journal.append("end", status="KILLED", message="interrupted; the same command goes on from here")
                raise
            except Pruned as pruned:
                journal.append("tags", values={"eyechart.pruned": str(pruned)})
                journal.append("end", status="KILLED", message=str(pruned), pruned=True)
                raise
            except BaseException as error:
                with suppress(OSError):  # on a full disk what went wrong is of more use than that it cannot be written
                    journal.append("end", status="FAILED", message=f"{type(error).__name__}: {error}")
                raise
            finally:
                journal.close()
                courier.tell(folder)
        else:
            courier.tell(folder)
        remove_checkpoints(folder)
    return outcome


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


def _introduce(
    journal: Journal,
    config: Config,
    dataset: Dataset,
    run_key: str,
    name: str,
    overrides: Sequence[str],
    sweep: str | None,
) -> None:
    """Say who this run is and what it was given."""
    from eyechart.tracking.machine import git_tags, machine_tags

    before = read_journal(journal.folder)
    journal.append(
        "start",
        identity=[IDENTITY, run_key],
        attempt=attempt(run_key),
        name=name or f"{config.model_name} on {dataset.name}",
        experiment_name=config.tracking.experiment_name,
        parent=sweep,
        source="pipelines/train.py",
    )
    if any(record.get("pruned") for record in before):
        journal.append("tags", values={"eyechart.pruned": ""})
    if any(record["kind"] == "params" for record in before):  # a further attempt
        return
    typed = [hide_password(override) for override in overrides]
    tags: dict[str, Any] = {"eyechart.data_digest": dataset.digest, "eyechart.overrides": " ".join(typed)}
    tags["eyechart.training_version"] = TRAINING_VERSION
    journal.append("tags", values=tags | git_tags(paths.SOURCE) | machine_tags())
    profile = {"train": dataset.counts["train"], "test": dataset.counts["test"], "classes": len(dataset.class_names)}
    journal.append(
        "input", name=dataset.name, digest=dataset.digest, source=str(paths.prepared(dataset.name)), profile=profile
    )
    artifacts = journal.folder / "artifacts"
    write_text(artifacts / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(config.choices())))
    write_text(artifacts / "overrides.yaml", OmegaConf.to_yaml(OmegaConf.create(typed)))
    for file in ("config.yaml", "overrides.yaml"):
        journal.append("artifact", path=f"artifacts/{file}", folder="config")
    journal.append("params", values=config.parameters())  # last: where they are, all of the above is


def _train_and_evaluate(
    journal: Journal,
    courier: Courier,
    config: Config,
    dataset: Dataset,
    splits: Splits,
    *,
    rows: bool,
    pruner: Pruner | None,
) -> dict[str, Any]:
    from eyechart.models.layer_table import layer_table
    from eyechart.tracking.listener import JournalListener
    from eyechart.training import losses
    from eyechart.training.backend import activate, make_engine, set_seed, steps_that_fit, worth_compiling
    from eyechart.training.checkpoint import Checkpoint
    from eyechart.training.consumers import Best
    from eyechart.training.loop import train
    from eyechart.training.progress import EpochTable

    trainer, held_back = config.trainer, splits.validation
    device = activate(config.backend, trainer.device, trainer.precision)
    set_seed(config.seed)
    model = config.model.build(dataset.image_shape, len(dataset.class_names))
    layers = layer_table(model)
    write_text(journal.folder / "artifacts" / "layers.txt", layers)
    journal.append("artifact", path="artifacts/layers.txt")
    if rows:
        print(f"\n{layers}", flush=True)
    size = len(splits.train)
    steps_per_epoch = -(-size // trainer.batch_size)
    rate = config.schedule.build(config.optimizer.learning_rate, steps_per_epoch, trainer.epochs)
    steps_per_chunk = steps_that_fit(dataset.image_shape, size, trainer.batch_size, trainer.device_gigabytes)
    class_weights = losses.balanced(splits.train.labels, len(dataset.class_names)) if trainer.class_weights else None
    engine = make_engine(
        model=model,
        optimizer=config.optimizer.build(rate, trainer.precision),
        loss=losses.crossentropy(class_weights),
        augment=config.augmentation.apply if config.augmentation else None,
        images=splits.train.load() if steps_per_chunk is None else splits.train,
        labels=splits.train.labels,
        batch_size=trainer.batch_size,
        steps_per_chunk=steps_per_chunk,
        compiled=worth_compiling(model, device),
        device=device,
    )
    journal.append("tags", values={"eyechart.engine": f"{config.backend}, 1 member", "eyechart.device": device})

    best = Best(config.callbacks.monitor if held_back else None, config.callbacks.patience, config.callbacks.min_delta)
    listener = JournalListener(journal, courier)
    checkpoint = Checkpoint(journal.folder, [best, listener])
    done = checkpoint.load(engine)
    if done:
        print(f"going on after epoch {done}", flush=True)
    title = f"{config.model_name} on {dataset.name}"
    with EpochTable(title=title, epochs=trainer.epochs, size=size, done=done, rows=rows) as table:
        train(
            engine,
            [best, listener, checkpoint, table, *([pruner] if pruner else [])],  # a row that was seen is safe
            seed=config.seed,
            size=size,
            epochs=trainer.epochs,
            done=done,
            validation=(held_back.load(), held_back.labels) if held_back else None,
            draw=partial(config.augmentation.draw, config.seed, indices=splits.train.indices)
            if config.augmentation
            else None,
            tick=table.tick,
        )
    if pruner and pruner.gave_up:
        raise Pruned(f"given up by the search after epoch {len(listener.history)} of {trainer.epochs}")
    best.put_back(engine)
    from eyechart.tracking.machine import model_requirements

    _save_model(model, journal.folder / "artifacts" / "model.keras")
    journal.append(
        "model",
        path="artifacts/model.keras",
        image_shape=list(dataset.image_shape),
        classes=len(dataset.class_names),
        backend=config.backend,
        requirements=model_requirements(config.backend),
    )
    history = listener.history
    numbers = {
        "best_epoch": best.epoch,
        "parameters": int(model.count_params()),
        "seconds": sum(row["seconds"] for row in history),
    }
    journal.metrics(0, numbers)  # MLflow draws bars, run by run, of what has one value, at step 0
    summary = {"monitor": best.monitor, "epochs": len(history), **numbers}
    result = summary | _evaluate(journal, engine, dataset, splits, history, best.epoch, title)
    about = {"run_key": journal.folder.name, "title": title, "dataset": dataset.name, "result": result}
    write_json(journal.folder / "artifacts" / "run.json", about)
    return result


def _save_model(model: Any, path: Path) -> None:
    from eyechart.quiet import without_notes

    with replacing(path) as temporary, without_notes():  # Keras looks for TensorFlow here, also under JAX
        model.save(temporary)


def _evaluate(
    journal: Journal,
    engine: Engine,
    dataset: Dataset,
    splits: Splits,
    history: list[dict[str, float]],
    best_epoch: int,
    title: str,
) -> dict[str, Any]:
    """Predict with the best weights, and record everything that follows from the predictions."""
    import pandas as pd

    from eyechart import scorecard
    from eyechart.evaluation import predictions
    from eyechart.training.answers import ask

    parts, step_accuracy = {}, {}
    for part in ("validation", "test"):
        piece = getattr(splits, part)
        if piece is not None:
            (answers,) = ask(engine, piece.load(), piece.labels)
            parts[part] = (piece.indices, piece.labels, answers.probabilities)
            if answers.step_accuracy is not None:
                step_accuracy[part] = answers.step_accuracy
    by_step = None
    if step_accuracy:
        by_step = pd.DataFrame(step_accuracy)
        by_step.insert(0, "step", range(1, len(by_step) + 1))
    table = predictions.make_table(parts)
    artifacts = journal.folder / "artifacts"
    predictions.write(table, artifacts / "predictions.parquet")
    scores = scorecard.write(
        artifacts,
        table=table,
        history=pd.DataFrame(history),
        best_epoch=best_epoch,
        by_step=by_step,
        test_images=splits.test.images,
        class_names=dataset.class_names,
        title=title,
    )
    row = history[best_epoch - 1]
    result = {"train/loss": row["train/loss"], "train/accuracy": row["train/accuracy"]} | scores.overall
    best = {f"best_{name.replace('/', '_')}": value for name, value in result.items() if not name.startswith("test")}
    test = {name: value for name, value in result.items() if name.startswith("test")}
    journal.metrics(0, {**best, **test, **scores.per_class})
    for part, accuracies in step_accuracy.items():
        for step, accuracy in enumerate(accuracies, 1):
            journal.metrics(step, {f"{part}/accuracy_by_step": accuracy})
    for file in ("predictions.parquet", *scores.files):
        journal.append("artifact", path=f"artifacts/{file}")
        if file.endswith(".png"):
            journal.append("image", path=f"artifacts/{file}", key=Path(file).stem)
    for file in scorecard.TABLES:
        journal.append("table", path=f"artifacts/{file}")
    return result
