"""A run as it lies on disk. Read from its state folder alone, without a tracking server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eyechart.core import paths
from eyechart.core.errors import TO_HAVE_AGAIN, DataError, EyechartError, nearest
from eyechart.core.within import plain
from eyechart.data import Dataset, as_found, names_of, open_dataset
from eyechart.runs.cursor import run_ids
from eyechart.runs.files import checked, file_of
from eyechart.runs.journal import BrokenJournal, JournalState, read_metrics
from eyechart.runs.listing import passing_over
from eyechart.runs.status import RunStatus, selected_by
from eyechart.runs.tags import DATA_DIGEST

CODE = "code.json"  # the code that a run was trained with, as tokens and files
RUN_JSON = "run.json"  # what a run came to, in a file that goes with its other files


@dataclass(frozen=True)
class Run:
    """A run, begun or not. What it says is read when it is asked for, so it is always what lies on disk now.

    Attributes:
        key: its run key.
        folder: its state folder; its files lie in `artifacts` below it.
    """

    key: str
    folder: Path = field(init=False, repr=False)

    def __post_init__(self) -> None:
        folder = paths.runs() / plain(self.key)  # it stays there, whatever EYECHART_ROOT becomes
        object.__setattr__(self, "folder", folder)

    @classmethod
    def all(cls) -> Iterator[Run]:
        """Every run of this workspace whose journal can be read, by run key; the others are named on stderr."""
        for run in cls._folders():
            readable = False
            with passing_over():
                readable = run.journal is not None
            if readable:
                yield run

    @classmethod
    def _folders(cls) -> list[Run]:
        return [cls(path.name) for path in sorted(paths.runs().glob("*"))]

    @classmethod
    def find(cls, name: str | None) -> Run:
        """Find the run that a person named.

        Args:
            name: a run key or 6 digits or more of its beginning, the id of its MLflow run, or `last` or None: the run
                that finished last, of those that did not diverge.

        Raises:
            EyechartError: there is no such run, or more than one.
        """
        if name in (None, "last"):
            finished = [run for run in cls.all() if run.finished]
            ends = [(end["t"], run.key) for run in finished if (end := run.journal.end) and not run.diverged]
            if ends:
                return cls(max(ends)[1])
            if finished:
                raise EyechartError(f"every finished run diverged: type run={finished[0].key} to have it nevertheless")
            raise EyechartError("there is no finished run yet: type, for example, python pipelines/train.py model=cnn")
        name, runs = str(name), cls._folders()
        found = [run for run in runs if run.key == name]
        found = found or [run for run in runs if len(name) >= 6 and run.key.startswith(name)]
        if not found and name:
            found = [run for run in runs if name in run_ids(run.folder)]
        if len(found) == 1:
            return found[0]
        if found:
            keys = ", ".join(run.key for run in found)
            raise EyechartError(f"run={name} is the beginning of {len(found)} run keys ({keys}): type one whole")
        raise EyechartError(
            f"there is no run '{name}': expected last, a run key as train.py prints it, or the id of its MLflow run."
            f"{nearest(name, [run.key for run in runs])}"
        )

    @property
    def artifacts(self) -> Path:
        """The folder with the run's files: model, predictions table, history, pictures."""
        return self.folder / "artifacts"

    def file(self, name: str) -> Path:
        """A file of the run, which is there and whole.

        Raises:
            EyechartError: the run has lost it, or it does not hold what was written to it.
        """
        try:
            return file_of(self.folder, f"artifacts/{name}")
        except FileNotFoundError:
            raise EyechartError(
                f"run {self.key} has lost its {name}: expected it in {self.artifacts}; "
                f"move {self.folder} away and train the run anew"
            ) from None

    def has(self, name: str) -> bool:
        """Whether it has a file of this name."""
        return (self.artifacts / name).is_file()

    @property
    def journal(self) -> JournalState:
        """What its journal says."""
        return JournalState.read(self.folder)

    @property
    def status(self) -> RunStatus:
        """How far it has come."""
        return RunStatus.of(self.folder)

    @property
    def finished(self) -> bool:
        """Whether it has a result."""
        return self.journal.finished

    @property
    def diverged(self) -> int:
        """The epoch in which its network diverged, of a finished run; 0: in none."""
        return self.journal.diverged

    @property
    def params(self) -> Mapping[str, Any]:
        """What was chosen, flat and named as on the command line."""
        return self.journal.params

    @property
    def tags(self) -> Mapping[str, Any]:
        """What its journal says of the machine, the code and the data."""
        return self.journal.tags

    @property
    def result(self) -> dict[str, Any]:
        """Numbers and names: the best epoch, scores on validation and test, parameters, seconds.

        Raises:
            EyechartError: it is not finished.
        """
        end = self.require().journal.end
        assert end is not None
        return dict(end["result"])

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know who reads its accuracy, one line each; older runs say nothing."""
        end = self.journal.end or {}
        return tuple(end.get("warnings", ()))

    def numbers(self, *names: str) -> dict[str, Any]:
        """The result, which has numbers under these names.

        Raises:
            EyechartError: the run is not finished.
            BrokenJournal: its result lacks one.
        """
        result = self.result
        for name in names:
            if not isinstance(result.get(name), int | float):
                raise BrokenJournal(
                    f"the result of run {self.key} has no number '{name}': move {self.folder} away and train it anew"
                )
        return result

    @property
    def selection_score(self) -> float:
        """The number by which runs are compared before anyone looks at the test part.

        Raises:
            EyechartError: it is not finished.
        """
        name = selected_by(self.result)
        return float(self.numbers(name)[name])

    def metrics(self, name: str) -> dict[int, float]:
        """The values of a metric by epoch."""
        return read_metrics(self.folder, name)

    def require(self, *files: str) -> Run:
        """This run, or EyechartError where it is not finished, or one of these files is lost or damaged."""
        if not self.finished:
            raise EyechartError(f"run {self.key} is not finished: type the command that trains it again, it goes on")
        for name in files:
            self.file(name)
        return self

    def code_files(self) -> dict[str, str]:
        """Of each file whose code it was trained with, a hash; empty where that was not recorded."""
        try:
            files: dict[str, str] = self.read_json(CODE, "files")["files"]
        except EyechartError:
            return {}
        return files if isinstance(files, dict) else {}

    def read_json(self, name: str, *keys: str) -> dict[str, Any]:
        """What a JSON file of the run says under these keys.

        Raises:
            EyechartError: the run is not finished, or the file is lost or broken.
        """
        return _read_keys(self.require().file(name), keys)

    @property
    def title(self) -> str:
        """What was trained on what, or EyechartError where its file `run.json` does not say."""
        return str(self.read_json("run.json", "title")["title"])

    @property
    def backend(self) -> str:
        """The backend that its model was trained on."""
        return str(self.journal.model["backend"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of its classes: as its data are called now where they are prepared, else as when it was trained.

        Raises:
            EyechartError: its file `per_class.json` does not say them.
        """
        recorded = tuple(map(str, self.read_json("per_class.json", "class")["class"]))
        names = names_of(self.tags.get(DATA_DIGEST), str(self.params.get("dataset", "")))
        return names.class_names if names and len(names.class_names) == len(recorded) else recorded

    def dataset(self, name: str | None = None) -> Dataset:
        """The data set as it was when the run was trained.

        Args:
            name: of the data set; None: that its file `run.json` has. Where it was renamed since, it is found by its
                content.

        Raises:
            EyechartError: `run.json` does not say which.
            DataError: no prepared data set has its content.
        """
        name = name or self.read_json("run.json", "dataset")["dataset"]
        return _data_of(self.key, str(name), self.tags.get(DATA_DIGEST))

    def images(self) -> Dataset:
        """The data set whose test images the run is asked about: that it was trained on, as it was found.

        Raises:
            EyechartError: as for `dataset`.
        """
        return as_found(self.dataset())


@dataclass(frozen=True)
class ExportedRun:
    """The files of a run that `train.py export=FOLDER` copied, with a table of what they hold in `run.json`.

    Attributes:
        folder: that they lie in.
        again: what a person has to do to have them again.
    """

    folder: Path
    again: str = TO_HAVE_AGAIN

    def file(self, name: str) -> Path:
        """A file of the run, which is there and whole.

        Raises:
            EyechartError: it is lost, or does not hold what was written to it.
        """
        known: dict[str, Any] = {}
        if name != RUN_JSON:
            with suppress(EyechartError):  # one of an earlier version has no table; one that is broken is told of
                known = dict(self.read_json(RUN_JSON, "files")["files"])
        if not self.folder.is_dir():
            raise EyechartError(f"there is no run in {self.folder}: type dvc repro train, or run= and a run key")
        try:
            return checked(self.folder, name, known, self.again)
        except FileNotFoundError:
            raise EyechartError(f"the run in {self.folder} has no {name}: {self.again}") from None

    def has(self, name: str) -> bool:
        """Whether a file of this name lies there."""
        return (self.folder / name).is_file()

    def read_json(self, name: str, *keys: str) -> dict[str, Any]:
        """What a JSON file of the run says under these keys; EyechartError as for `file`, or where it is broken."""
        return _read_keys(self.file(name), keys, self.again)

    def dataset(self) -> Dataset:
        """The data set as it was when the run was trained.

        Raises:
            EyechartError: `run.json` does not say which.
            DataError: no prepared data set has its content.
        """
        about = self.read_json(RUN_JSON, "run_key", "dataset")
        digest = None
        with suppress(EyechartError):  # one of an earlier version does not say it, but the run may lie here
            digest = self.read_json(RUN_JSON, "digest")["digest"]
        if digest is None:
            digest = next((run.tags.get(DATA_DIGEST) for run in Run.all() if run.key == about["run_key"]), None)
        return _data_of(str(about["run_key"]), str(about["dataset"]), digest)


def _read_keys(path: Path, keys: Iterable[str], again: str = TO_HAVE_AGAIN) -> dict[str, Any]:
    """What a JSON file of a run says under these keys, or EyechartError where it is broken."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return {key: said[key] for key in keys}
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise EyechartError(f"a file of the run in {path.parent} is broken: {path.name} ({error}): {again}") from None


def _data_of(run_key: str, name: str, digest: str | None) -> Dataset:
    """The data set that a run was trained on.

    Args:
        run_key: of the run.
        name: of the data set. Where it was renamed since, it is found by its content.
        digest: of its content; None: what the run does not say, any will do.

    Raises:
        DataError: no prepared data set has its content.
    """
    dataset = open_dataset(name, digest)
    if digest not in (None, dataset.digest):
        raise DataError(
            f"expected '{dataset.name}' as run {run_key} was trained on it (digest {digest[:12]}), received other "
            f"content ({dataset.digest[:12]}): prepare it as it was, or train anew"
        )
    return dataset
