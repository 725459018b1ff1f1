"""One attempt at a run: what its journal says from the beginning to the end, however it ends."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from omegaconf import OmegaConf

from eyechart.config import TRAINING_VERSION
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.core.files import remove_unfinished, write_json, write_text
from eyechart.core.passwords import hide_password
from eyechart.data import Dataset
from eyechart.runner.job import Job
from eyechart.runs.checkpoints import remove_checkpoints
from eyechart.runs.courier import Courier
from eyechart.runs.files import checksums
from eyechart.runs.journal import Journal, MovedAway, RecordKind, RunState
from eyechart.runs.replaced import attempt_number
from eyechart.runs.run import CODE, Run
from eyechart.runs.tags import (
    CHOICES_KEY,
    CONFIRMS,
    DATA_DIGEST,
    DIVERGED,
    OVERRIDES,
    PRUNED,
    RUN_KEY,
    TRAINED_BY_VERSION,
    VERSIONS,
)
from eyechart.tracking.description import of_run
from eyechart.training.callback import Callback

INTERRUPTED = "interrupted; the same command goes on from here"


@dataclass(frozen=True)
class FinishedRun:
    """What came of a run that was asked for.

    Attributes:
        run: it.
        trained: False where it had been finished before.
    """

    run: Run
    trained: bool


class Pruned(EyechartError):
    """A search gave a run up, which can still be trained to its end."""


class Pruner(Callback, Protocol):
    """Hears of every epoch of a run, and may ask for its end because others do better.

    Attributes:
        gave_up: whether it asked for the end.
    """

    gave_up: bool


class Attempt:
    """One process's effort at a run. From `begin` to `finish` or `end` its journal is open.

    Args:
        job: what is to be trained; this process has locked its run.
        dataset: that it is trained on.
        courier: brings the journal to MLflow.
        sweep: the id of the sweep that the run is a part of.
        pruner: hears of every epoch, and may give the run up.

    Attributes:
        journal: of the run, from `begin` on.
        outcome: what came of it; None while it is at work.
    """

    def __init__(
        self, job: Job, dataset: Dataset, courier: Courier, sweep: str | None = None, pruner: Pruner | None = None
    ):
        self.job, self.run, self.pruner = job, job.run, pruner
        self.folder = self.run.folder
        self.outcome: FinishedRun | Exception | None = None
        self._dataset, self._courier, self._sweep = dataset, courier, sweep
        self._open = False

    def begin(self) -> None:
        """Say who this run is and what it was given."""
        remove_unfinished(self.folder)
        self.journal = Journal(self.folder)
        self._open = True
        self._introduce()

    def finish(self, result: dict[str, Any], warnings: Sequence[str] = (), diverged: int = 0) -> None:
        """Say that it has been finished.

        Args:
            result: what it came to.
            warnings: what should be known of the result, one line each.
            diverged: the epoch in which the network diverged; 0: in none.
        """
        self.journal.check_in_place()
        if diverged:
            self.journal.append(RecordKind.TAGS, values={DIVERGED: str(diverged)})
        self.journal.append(RecordKind.DESCRIPTION, text=self._described(result, diverged))
        about: dict[str, Any] = {"files": checksums(self.folder, "artifacts")}
        about |= {"warnings": list(warnings)} if warnings else {}
        about |= {"diverged": diverged} if diverged else {}
        self.journal.append(RecordKind.END, status=RunState.FINISHED, result=result, **about)
        self.outcome = FinishedRun(self.run, trained=True)
        self._close()
        remove_checkpoints(self.folder)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """What goes wrong in the block ends this attempt, and not those of others."""
        try:
            yield
        except Exception as error:
            self.end(error)

    def end(self, error: BaseException) -> None:
        """Say that this ended it; nothing if it has ended before."""
        if not self._open:
            return
        # on a full disk what went wrong is of more use than that it cannot be written
        with suppress(OSError, MovedAway):
            if isinstance(error, KeyboardInterrupt | SystemExit):  # the second is how Ray ends a worker
                self.journal.append(RecordKind.END, status=RunState.KILLED, message=INTERRUPTED)
            elif isinstance(error, Pruned):
                self.journal.append(RecordKind.TAGS, values={PRUNED: str(error)})
                self.journal.append(RecordKind.END, status=RunState.KILLED, message=str(error), pruned=True)
            else:
                self.journal.append(RecordKind.END, status=RunState.FAILED, message=f"{type(error).__name__}: {error}")
        if isinstance(error, Exception):
            self.outcome = error
        self._close()

    def _described(self, result: Mapping[str, Any], diverged: int) -> str:
        by_dvc = "DVC_STAGE" in os.environ  # which typed what is in dvc.yaml, and wrote the rest into params.yaml
        alone = [word for word in self.job.overrides if not word.startswith("confirm=")]  # which is for sweeps
        typed = [] if by_dvc else [hide_password(override) for override in alone]
        return of_run(self.folder.name, self._dataset.name, result, self.run.tags, typed, diverged)

    def _close(self) -> None:
        self._open = False
        in_place = self.journal.in_place
        self.journal.close()
        if in_place:  # else there is nothing to be delivered from there, and nothing is made there
            self._courier.tell(self.folder)

    def _introduce(self) -> None:
        from eyechart.runs.machine import machine_tags, versions

        journal, dataset, config = self.journal, self._dataset, self.job.config
        before = self.run.journal
        journal.append(
            RecordKind.START,
            identity=[RUN_KEY, self.folder.name],
            attempt=attempt_number(self.run),
            name=self.job.name or f"{config.model_name} on {dataset.name}",
            experiment_name=config.tracking.experiment_name,
            parent=self._sweep,
            source="pipelines/train.py",
            private=config.tracking.mode == "none",
        )
        if before.tags.get(PRUNED):
            journal.append(RecordKind.TAGS, values={PRUNED: ""})
        if self.job.confirms and not before.tags.get(CONFIRMS):
            journal.append(RecordKind.TAGS, values={CONFIRMS: self.job.confirms})
        if before.params:  # a further attempt
            return
        typed = [hide_password(override) for override in self.job.overrides]
        tags: dict[str, Any] = {DATA_DIGEST: dataset.digest, OVERRIDES: " ".join(typed)}
        tags |= {TRAINED_BY_VERSION: TRAINING_VERSION, CHOICES_KEY: self.job.choices_key}
        tags[VERSIONS] = versions(config.backend)
        journal.append(RecordKind.TAGS, values=tags | _git() | machine_tags())
        counts = dataset.counts
        profile = {"train": counts["train"], "test": counts["test"], "classes": len(dataset.class_names)}
        source = str(paths.prepared(dataset.name))
        journal.append(RecordKind.INPUT, name=dataset.name, digest=dataset.digest, source=source, profile=profile)
        artifacts = self.folder / "artifacts"
        write_text(artifacts / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(config.recorded())))
        write_text(artifacts / "overrides.yaml", OmegaConf.to_yaml(OmegaConf.create(typed)))
        write_json(artifacts / CODE, {"tokens": config.code.tokens, "files": config.code.files})
        for file in ("config.yaml", "overrides.yaml", CODE):
            journal.append(RecordKind.ARTIFACT, path=f"artifacts/{file}", folder="config")
        journal.append(RecordKind.PARAMS, values=config.parameters())  # last: where they are, all of the above is


@functools.cache
def _git() -> dict[str, str]:
    """What git says of the code that runs here; asked once, because what is imported stays as it was."""
    from eyechart.runs.machine import git_tags

    return git_tags(paths.SOURCE)
