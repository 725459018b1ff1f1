"""A finished run trained once more, apart from all others, and compared with what it came to the first time."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from hydra import compose
from omegaconf import OmegaConf, open_dict

from eyechart.config import TRAINING_VERSION, Config, check
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.data.config import DatasetConfig
from eyechart.data.dataset import FIRST
from eyechart.evaluation import predictions
from eyechart.evaluation.history import read_history
from eyechart.runner.job import Job
from eyechart.runner.run import run as train_run
from eyechart.runs.machine import git_tags, machine_tags
from eyechart.runs.run import Run
from eyechart.runs.tags import DEVICE, GIT_CHANGED, GIT_COMMIT, MACHINE, PYTHON, TRAINED_BY_VERSION
from eyechart.tracking import MLflowCourier
from eyechart.tracking.config import TrackingConfig

if TYPE_CHECKING:
    import pandas as pd

ROOT = "EYECHART_ROOT"


@dataclass(frozen=True)
class Reproduction:
    """What a run came to twice.

    Attributes:
        numbers: the recorded value and the one of today, by the name of the metric.
        history: whether every metric of every epoch is equal.
        predictions: whether the answers to all images are equal, bit for bit.
        reasons: why they may differ, each in a clause.
    """

    numbers: dict[str, tuple[float, float]]
    history: bool
    predictions: bool
    reasons: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return self.history and self.predictions and all(first == second for first, second in self.numbers.values())


def reproduce(run: Run) -> Reproduction:
    """Train a finished run again from what it recorded, and compare.

    It is trained below `.eyechart/reproduced/`, where an interrupted one goes on, and leaves nothing there at its end.

    Raises:
        EyechartError: the run is not finished, has lost a file, was trained by code with other semantics, or another
            process reproduces it at this moment.
        DataError: its data set is not prepared, or is not what it was.
    """
    run.require("config.yaml", "history.csv", "predictions.parquet")
    table = predictions.read(run.file("predictions.parquet"))  # before any work
    tags = run.tags
    choices = _choices(run.file("config.yaml"))
    dataset = run.dataset(str(choices.dataset.name))
    version = int(tags.get(TRAINED_BY_VERSION, 1))
    if version != TRAINING_VERSION:
        raise EyechartError(
            f"run {run.key} was trained by version {version} of the training, and this code is version "
            f"{TRAINING_VERSION}, which gives other results: check out commit {tags.get(GIT_COMMIT, 'of that time')}"
        )
    choices.dataset.name = dataset.name  # it may have been renamed
    config = _config(choices, name := str(run.params["model"]))
    _check_code(run, config, dict(choices.get("code", {})))
    known = [config, config.without_code()]  # the second for a run of a time when code was not recorded
    if run.key not in [each.run_key(dataset.digest, dataset.own_validation) for each in known]:
        raise EyechartError(
            f"expected {run.file('config.yaml')} to be what run {run.key} was trained with, received other "
            f"choices: restore the file, or train the run anew"
        )
    with _apart(run.key) as root:
        again = train_run(Job.of(config, name=name), MLflowCourier(config.tracking)).run
        numbers = {
            metric: (float(value), float(again.result[metric]))
            for metric, value in run.result.items()
            if metric != "seconds" and metric != "members" and isinstance(value, int | float)
        }
        first, second = (_history(each.file("history.csv")) for each in (run, again))
        same = table.equals(predictions.read(again.file("predictions.parquet")))
        comparison = Reproduction(numbers, first.equals(second), same, tuple(_reasons(run.result, tags)))
        shutil.rmtree(root)
    return comparison


def _check_code(run: Run, config: Config, recorded: dict[str, str]) -> None:
    """Raise EyechartError where a choice has other code here than the run was trained with."""
    own = config.code.own and config.code.first and not recorded  # of a time when the code was not recorded
    if own or recorded == dict(config.code.tokens):
        return
    files = ", ".join(config.code.changed(run.code_files())) if run.code_files() else ""
    what = files or f"the code of {' and '.join(sorted({*recorded, *config.code.tokens}))}"
    raise EyechartError(
        f"{what} changed since run {run.key} was trained: check out commit {run.tags.get(GIT_COMMIT, 'of that time')}, "
        f"or undo the change"
    )


def differences_of_code(run: Run) -> list[str]:
    """In what the code here is not that of the run, a line each."""
    tags = run.tags
    here = git_tags(paths.SOURCE)
    recorded, now = tags.get(GIT_COMMIT), here.get(GIT_COMMIT)
    lines = []
    if recorded and now and recorded != now:
        lines.append(f"the run was trained at commit {recorded[:12]}, and this is {now[:12]}")
    for which, said in (("the run was trained with", tags), ("here are", here)):
        if said.get(GIT_CHANGED) == "true":
            lines.append(f"{which} changes that were not committed")
    return lines


def _choices(path: Path) -> Any:
    """What a run recorded as its configuration, or EyechartError where the file is broken."""
    try:
        choices = OmegaConf.load(path)
        _ = choices.dataset.name
    except Exception as error:  # YAML's, OmegaConf's, and what no text raises
        reason = str(error).partition("\n")[0]
        raise EyechartError(f"{path} is broken ({reason}): restore it, or train the run anew") from None
    return choices


def _config(choices: Any, name: str) -> Config:
    """The configuration that a run recorded, with nothing tracked; `name` is the model's."""
    config = compose("config")
    with open_dict(config):
        config.limit_order = FIRST  # where a record does not name it
        for group, value in choices.items():
            if group == "code":
                continue  # it is what lies here, and is compared with what was recorded
            if group == "dataset" or group == "trainer":  # what was recorded of these is a part
                config[group] = OmegaConf.merge(config[group], value)
            else:
                config[group] = value
        config.model.name = name
    os.environ.pop("KERAS_BACKEND", None)  # the run says on which it was trained
    recorded = DatasetConfig(name=choices.dataset.name, forms=[])  # its name is all that a run records of it
    return dataclasses.replace(check(config), dataset=recorded, tracking=TrackingConfig(mode="none"))


@contextmanager
def _apart(run_key: str) -> Iterator[Path]:
    """A workspace with the same data, in which no run has been trained; it is this process's for the block."""
    root, data = paths.state() / "reproduced" / run_key, paths.workspace() / "data"
    root.mkdir(parents=True, exist_ok=True)
    before = os.environ.get(ROOT)
    lock = FileLock(root.parent / f"{run_key}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise EyechartError(f"another process reproduces run {run_key}: wait until it has ended") from None
    try:
        root.mkdir(exist_ok=True)
        if not (root / "data").is_symlink():
            (root / "data").symlink_to(data, target_is_directory=True)
        os.environ[ROOT] = str(root)
        yield root
    finally:
        os.environ.pop(ROOT, None)
        if before is not None:
            os.environ[ROOT] = before
        lock.release()


def _history(path: Path) -> pd.DataFrame:
    """The metrics of every epoch, without what tells of time."""
    return read_history(path).drop(columns=["seconds"], errors="ignore")


def _reasons(result: dict[str, Any], tags: Mapping[str, Any]) -> Iterator[str]:
    """What may make the last digits differ, and grow from there."""
    if "members" in result:
        yield f"it was trained together with {result['members'] - 1} others, whose sums are taken in another order"
    here = machine_tags()
    if tags.get(MACHINE) != here[MACHINE]:
        yield f"it was trained on {tags.get(MACHINE)}, and this is {here[MACHINE]}"
    if tags.get(PYTHON) != here[PYTHON]:
        yield f"it was trained with Python {tags.get(PYTHON)}, and this is {here[PYTHON]}"
    if not str(tags.get(DEVICE, "cpu")).lower().startswith("cpu"):
        yield "it was trained on a GPU, which takes sums in no fixed order"
