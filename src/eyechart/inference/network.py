"""The trained network that a person named: of a run, or a champion."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.code.own import import_own
from eyechart.core.errors import EyechartError
from eyechart.core.within import PathError
from eyechart.data import names_of
from eyechart.data.backgrounds import CLASS
from eyechart.data.dataset import Names
from eyechart.runs.run import Run
from eyechart.tracking.package import read_package

if TYPE_CHECKING:
    from eyechart.tracking.store import Store

CHAMPION = "champion"


@dataclass(frozen=True)
class Network:
    """A trained network, and what is to be known to ask it.

    Attributes:
        title: what was trained on what, and which run or champion it is.
        file: the model, as `.keras`.
        backend: that it was trained on.
        class_names: in the order of its answers.
        run: that trained it; None: it was trained elsewhere.
    """

    title: str
    file: Path
    backend: str
    class_names: tuple[str, ...]
    run: Run | None = None

    def import_own(self) -> bool:
        """Import the module of a person's own architecture that it was built by, if one is known; whether it was."""
        return self.run is not None and import_own_code(self.run)

    @property
    def background(self) -> int | None:
        """The number of the class that stands for nothing; None: there is none."""
        return self.class_names.index(CLASS) if CLASS in self.class_names else None


def import_own_code(run: Run) -> bool:
    """Import the module of a person's own architecture that a run trained, if it is one; whether it was imported."""
    target = run.params.get("model._target_")
    return bool(target) and import_own(str(target))


@contextmanager
def open_network(run: str | None, name: str | None, store: Store | None) -> Iterator[Network]:
    """The network that a person named. Its file is there until the block is left.

    Args:
        run: one of the names of `Run.find`, or `champion`.
        name: of the registered model whose champion is meant; None: the only one there is.
        store: knows the champion; None: there is none at hand.

    Raises:
        EyechartError: there is no such run or champion, the run is not finished, or it has lost a file.
    """
    if run != CHAMPION:
        if name is not None:
            raise EyechartError(f"name={name} is for the champion of a registered model: type run=champion as well")
        yield of_run(Run.find(run))
        return
    if store is None:
        raise EyechartError("champions are known to MLflow only, received no tracking: leave tracking= out")
    from eyechart.tracking import registry

    version = registry.champion(store, name)
    title = f"{version.name}, version {version.number}"
    if (run_here := _trained_here(version.run_key)) is not None:
        yield of_run(run_here, title)
        return
    with tempfile.TemporaryDirectory() as place:  # it was trained elsewhere
        names = names_of(registry.data_digest(store, version))
        yield _of_package(registry.download_model(store, version, Path(place) / "model"), title, names)


def _trained_here(run_key: str) -> Run | None:
    """The finished run of this key, as a registry has it; None if there is none on this machine."""
    with suppress(PathError):  # it is none, or empty
        if (run := Run(run_key)).finished:
            return run
    return None


def of_run(run: Run, title: str = "") -> Network:
    """The network of a finished run of this machine.

    Args:
        run: finished.
        title: what else it is.

    Raises:
        EyechartError: the run is not finished, or it has lost a file.
    """
    run.require("run.json", "per_class.json", "model.keras")
    title = f"{run.title}, run {run.key}" + (f" ({title})" if title else "")
    return Network(title, run.file("model.keras"), run.backend, run.class_names, run)


def _of_package(file: Path, title: str, names: Names | None) -> Network:
    """The network of a logged model that was fetched from MLflow; `names` are those of its data, if they are here."""
    backend, class_names = read_package(file)
    if names and len(names.class_names) == len(class_names):
        class_names = names.class_names
    if not class_names:
        raise EyechartError(
            f"expected {title} to name its classes, received a model that an earlier version of Eyechart logged: "
            f"type run=champion where it was trained, or train it anew"
        )
    return Network(title, file, backend, class_names)
