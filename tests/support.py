"""What tests of several packages share and import: folders, small data, and the programs run as a person runs them."""

from __future__ import annotations

import contextlib
import functools
import gzip
import os
import shutil
import struct
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import hydra
import numpy as np
from omegaconf import DictConfig

from eyechart.data.config import DatasetConfig, FormConfig
from eyechart.data.formats import decode
from eyechart.data.images import Images

REPOSITORY = Path(__file__).resolve().parents[1]
LEAKS = ("EYECHART_", "MLFLOW_", "DVC_", "GIT_")  # a test decides itself what the environment says
GUARD = 1800.0  # seconds: what has not ended by then hangs; nothing fails for being slow
NAMES = ("KERAS_BACKEND", "HYDRA_FULL_ERROR", "PYTHONPATH")


@contextlib.contextmanager
def importing_benchmarks() -> Iterator[None]:
    """Let modules of `benchmarks/` be imported, and only here: some have the names of folders of tests."""
    folder = str(REPOSITORY / "benchmarks")
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def leaking(environment: Mapping[str, str]) -> list[str]:
    """The variables of `environment` that would change what a program does."""
    return [name for name in environment if name.startswith(LEAKS) or name in NAMES]


def environment(root: Path, **more: str) -> dict[str, str]:
    """This process's environment without what could leak into a program, for a workspace of its own."""
    leaks = leaking(os.environ)
    clean = {name: value for name, value in os.environ.items() if name not in leaks}
    return {**clean, "EYECHART_ROOT": str(root), **more}


def command(name: str, *arguments: str) -> list[str]:
    """The command line of a program of `pipelines/`."""
    return [sys.executable, str(REPOSITORY / "pipelines" / f"{name}.py"), *arguments]


def run_program(
    root: Path,
    name: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = GUARD,
) -> subprocess.CompletedProcess[str]:
    """Run a program of `pipelines/` as a process on the workspace `root`, from `cwd` (`root` unless told)."""
    return subprocess.run(
        command(name, *arguments),
        cwd=cwd or root,
        env=environment(root, **(env or {})),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def run_cases(cases: Path, backend: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `python CASES BACKEND FOLDER` where the other backend is as if it were not installed."""
    other = "tensorflow" if backend == "jax" else "jax"
    (folder / f"{other}.py").write_text("raise ModuleNotFoundError('as if it were not installed')\n")
    return subprocess.run(
        [sys.executable, str(cases), backend, str(folder)],
        env=environment(folder, PYTHONPATH=os.pathsep.join([str(folder), str(REPOSITORY / "tests")])),
        capture_output=True,
        text=True,
        timeout=GUARD,
    )


def error_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line beginning with `error:` with which a program failed; nothing comes after it."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.stderr.rstrip().endswith(line)
    return line


def link_data(digits_root: Path, root: Path) -> Path:
    """Give the workspace `root`, made if it is not there, the prepared digits."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "data").symlink_to(digits_root / "data", target_is_directory=True)
    return root


# --- a data set small enough for any test

IDX_FILES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]


def tiny_images(*, shape: tuple[int, ...] = (5, 4), seed: int = 0) -> Images:
    """30 training images of 3 classes and 12 test images."""
    random = np.random.default_rng(seed)
    return Images.of(
        random.integers(0, 256, (30, *shape), np.uint8),
        np.arange(30) % 3,
        random.integers(0, 256, (12, *shape), np.uint8),
        np.arange(12) % 3,
    )


def idx_bytes(array: np.ndarray) -> bytes:
    """The array as an IDX file of unsigned bytes."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_idx(folder: Path, images: Images, *, packed: bool = True) -> None:
    """Write the four files of MNIST's format."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = (images.train_images[..., 0], images.train_labels, images.test_images[..., 0], images.test_labels)
    for name, array in zip(IDX_FILES, arrays, strict=True):
        if packed:
            (folder / name).write_bytes(gzip.compress(idx_bytes(array)))
        else:
            (folder / name.removesuffix(".gz")).write_bytes(idx_bytes(array))


def decoded(format: str, files: Sequence[Path], *, classes: int | None = 3, **options: Any) -> Images:
    """The files as `decode` reads them, with so many class names (None: those of the files) and options of the form."""
    form = FormConfig(format=format, files=[file.name for file in files], **options)
    return decode(form, files, None if classes is None else [str(number) for number in range(classes)])


def tiny_config(images: Images, *, urls: list[str] | None = None, caches: list[str] | None = None) -> DatasetConfig:
    """The configuration of the data set that `write_idx` wrote."""
    return DatasetConfig(
        name="tiny",
        class_names=["a", "b", "c"],
        sha256=images.digest(),
        forms=[FormConfig(format="idx", files=IDX_FILES, urls=urls or [], caches=caches or [])],
    )


# --- configurations


def compose(*overrides: str, config_name: str = "config") -> DictConfig:
    """The configuration that these words on the command line of a program give."""
    with hydra.initialize_config_dir(str(REPOSITORY / "conf"), version_base="1.3"):
        return hydra.compose(config_name, list(overrides))


# --- a model that breaks

# a module for a folder on PYTHONPATH: `model=fnn model._target_=broken.Broken` passes every check
BROKEN = """
import os, signal
from dataclasses import dataclass
from eyechart.models import FNN

@dataclass(frozen=True)
class Broken(FNN):
    def layers(self, pixels, image_shape):
        if self.units == [1]:
            raise RuntimeError("broken on purpose")
        if self.units == [2]:
            raise MemoryError("a tensor of 640 GiB")
        if self.units == [3] and "SPARED" not in os.environ:  # as the system does when memory runs out
            os.kill(os.getpid(), signal.SIGKILL)
        return super().layers(pixels, image_shape)
"""


# --- other Pythons


@functools.cache
def interpreters() -> dict[str, str]:
    """The Pythons that are installed and run, by version as `3.12`. They have the standard library and nothing else."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {}
    for version in ("3.11", "3.12", "3.13"):
        name = f"python{version}"
        kept = sorted(map(str, versions.glob(f"{version}.*/bin/{name}")))
        for python in filter(None, [shutil.which(name), *kept]):  # a shim on the PATH may be there and not run
            done = subprocess.run(
                [python, "-S", "-c", "import sys; print(sys.version)"], capture_output=True, text=True
            )
            if done.returncode == 0 and done.stdout.startswith(f"{version}."):
                found[version] = python
                break
    return found


# --- what must not be imported

HEAVY = ("tensorflow", "keras", "jax", "mlflow")


def forbid(folder: Path, *modules: str) -> dict[str, str]:
    """The environment of a program that breaks down, and says so, where it imports one of these modules."""
    folder.mkdir(exist_ok=True)
    for name in modules:
        (folder / f"{name}.py").write_text(f"raise SystemExit('imported after all: {name}')\n")
    return {"PYTHONPATH": str(folder)}


def files_below(folder: Path) -> list[str]:
    """Every file in `folder`, by its path from there; links to folders are not followed."""
    return sorted(
        os.path.relpath(os.path.join(place, name), folder) for place, _, names in os.walk(folder) for name in names
    )


# --- what MLflow shows


class MlflowRun:
    """A run in the store of a workspace: `info`, `data` and `inputs` as MLflow gives them, and its files on disk.

    Attributes:
        artifacts: the folder of the run's artifacts.
        models: how many models were logged.
        model_id: of the logged model; empty if there is none.
        model: the folder of the logged model.
    """

    def __init__(self, run: Any, client: Any):
        self.info, self.data, self.inputs = run.info, run.data, run.inputs
        self.artifacts = Path(unquote(urlsplit(run.info.artifact_uri).path))
        self.digest = run.data.tags.get("eyechart.data_digest", "")
        logged = client.search_logged_models(
            [run.info.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'"
        )
        self.models = len(logged)
        self.model_id = logged[0].model_id if logged else ""
        self.model = Path(unquote(urlsplit(logged[0].artifact_location).path)) if logged else None
        self._metrics = {
            name: [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, name)]
            for name in run.data.metrics
        }

    def history(self, name: str) -> list[tuple[int, float]]:
        """Every recorded (step, value) of a metric."""
        return self._metrics[name]


def mlflow_runs(root: Path, experiment: str = "eyechart") -> list[MlflowRun]:
    """Every run of an MLflow experiment in the store of the workspace `root`, the oldest first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{root}/mlflow.db")
        found = client.get_experiment_by_name(experiment)
        assert found is not None
        runs = client.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"])
        return [MlflowRun(run, client) for run in runs]
