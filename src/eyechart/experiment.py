"""One run, from a checked configuration to its result. Reads like a table of contents."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from omegaconf import OmegaConf

from eyechart import paths
from eyechart.config import Config
from eyechart.data import Dataset, Splits, open_dataset
from eyechart.files import replacing, write_json, write_text
from eyechart.tracking import Courier, Journal, read_journal
from eyechart.tracking.config import hide_password

if TYPE_CHECKING:
    from eyechart.training.backend import Engine

IDENTITY = "eyechart.run_key"


@dataclass(frozen=True)
class Outcome:
    """A finished run.

    Attributes:
        run_key: its name.
        folder: its state folder; its files lie in `artifacts/` below it.
        result: numbers and names: the best epoch, scores on validation and test, parameters, seconds.
        trained: False where it had been finished before.
    """

    run_key: str
    folder: Path
    result: dict[str, Any]
    trained: bool

    @property
    def artifacts(self) -> Path:
        """The folder with the run's files: model, predictions table, history, pictures."""
        return self.folder / "artifacts"


def finished(run_key: str) -> Outcome | None:
    """The run of this key if it has been finished, from its journal alone."""
    folder = paths.runs() / run_key
    for record in reversed(read_journal(folder)):
        if record["kind"] == "end":
            return Outcome(run_key, folder, record["result"], False) if record["status"] == "FINISHED" else None
        if record["kind"] == "start":
            return None
    return None


def run(
    config: Config,
    courier: Courier,
    *,
    name: str = "",
    overrides: Sequence[str] = (),
    sweep: str | None = None,
) -> Outcome:
    """Train, evaluate and record one run; hand back the record if it was finished before.

    Args:
        config: checked.
        courier: brings the journal to MLflow.
        name: of the run in tables; the model and data set if empty.
        overrides: what was typed on the command line, for the record.
        sweep: the id of the sweep that this run is a part of.

    Raises:
        EyechartError: the data set is not prepared or the model cannot read it.
    """
    dataset = open_dataset(config.dataset.name)
    config = config.settled(dataset.own_validation)
    splits = splits_of(config, dataset)
    run_key = config.run_key(dataset.digest, dataset.own_validation)
    folder = paths.runs() / run_key
    with _alone(folder):
        outcome = finished(run_key)
        if outcome is None:
            journal = Journal(folder)
            try:
                _introduce(journal, config, dataset, run_key, name, overrides, sweep)
                courier.tell(folder)
                result = _train_and_evaluate(journal, courier, config, dataset, splits, rows=sweep is None)
                journal.append("end", status="FINISHED", result=result)
                (folder / "checkpoint.npz").unlink(missing_ok=True)
                outcome = Outcome(run_key, folder, result, True)
            except KeyboardInterrupt:
                journal.append("end", status="KILLED", message="interrupted; the same command goes on from here")
                raise
            except BaseException as error:
                journal.append("end", status="FAILED", message=f"{type(error).__name__}: {error}")
                raise
            finally:
                journal.close()
                courier.tell(folder)
        else:
            courier.tell(folder)
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


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the run's lock. The system frees it when a process ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"another process trains {folder.name}: waiting for it", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


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

    known = {record["kind"] for record in read_journal(journal.folder)}
    journal.append(
        "start",
        identity=[IDENTITY, run_key],
        name=name or f"{config.model_name} on {dataset.name}",
        experiment_name=config.tracking.experiment_name,
        parent=sweep,
        source="pipelines/train.py",
    )
    if "params" in known:  # a further attempt
        return
    typed = [hide_password(override) for override in overrides]
    tags = {"eyechart.data_digest": dataset.digest, "eyechart.overrides": " ".join(typed)}
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
    journal: Journal, courier: Courier, config: Config, dataset: Dataset, splits: Splits, *, rows: bool
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
    checkpoint = Checkpoint(journal.folder / "checkpoint.npz", [best, listener])
    done = checkpoint.load(engine)
    if done:
        print(f"going on after epoch {done}", flush=True)
    title = f"{config.model_name} on {dataset.name}"
    with EpochTable(title=title, epochs=trainer.epochs, size=size, done=done, rows=rows) as table:
        train(
            engine,
            [best, listener, checkpoint, table],  # a row that a person has seen is safe
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
