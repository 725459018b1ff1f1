"""A saved Keras model in the form that MLflow loads and serves. Neither Keras nor its backend is imported for it."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf


def package_model(logged: Any, run_id: str, file: Path, record: dict[str, Any], place: Path) -> None:
    """Write to `place` what `mlflow.keras.save_model` would write, which loads Keras and so chooses a backend.

    A journal is also delivered where no model is trained, or where another backend is just being loaded.

    Args:
        logged: MLflow's entity of the logged model.
        run_id: of the run that it belongs to.
        file: the model, as `.keras`.
        record: the journal's `model` record.
        place: an empty folder.
    """
    import mlflow
    import numpy as np
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    versions = dict(requirement.split("==") for requirement in record["requirements"])
    requirements = [f"mlflow=={mlflow.__version__}", *record["requirements"]]
    python = platform.python_version()

    (place / "data").mkdir()
    (place / "data" / "keras_module.txt").write_text("keras")
    shutil.copyfile(file, place / "data" / "model.keras")
    (place / "requirements.txt").write_text("\n".join(requirements))
    pip = {"pip": requirements}
    conda = {"name": "mlflow-env", "channels": ["conda-forge"], "dependencies": [f"python={python}", "pip", pip]}
    (place / "conda.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(conda)))
    environment = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    (place / "python_env.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(environment)))

    # what the numbers of an answer stand for; journals of earlier versions do not say it
    about = {name: record[name] for name in ("class_names", "dataset") if record.get(name)}
    model = Model(
        artifact_path=logged.artifact_location,
        run_id=run_id,
        model_uuid=logged.model_id,
        model_id=logged.model_id,
        metadata=about or None,
    )
    model.signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.uint8), (-1, *record["image_shape"]))]),
        outputs=Schema([TensorSpec(np.dtype(np.float32), (-1, record["classes"]))]),
    )
    model.add_flavor(
        "keras",
        data="data",
        keras_version=versions["keras"],
        keras_backend=record["backend"],
        save_exported_model=False,
    )
    pyfunc.add_to_model(model, loader_module="mlflow.keras", conda_env="conda.yaml", python_env="python_env.yaml")
    model.model_size_bytes = file.stat().st_size
    model.save(str(place / "MLmodel"))


def read_package(file: Path) -> tuple[str, tuple[str, ...]]:
    """The backend and the class names that a packaged model says of itself; no names where it does not say them.

    Args:
        file: the `.keras` file in the package.
    """
    about: Any = OmegaConf.load(file.parents[1] / "MLmodel")
    return str(about.flavors.keras.keras_backend), tuple(map(str, (about.get("metadata") or {}).get("class_names", ())))
