"""A sweep as people write one: `model.fit` in a loop over seeds, each a run in MLflow; no pictures, no error bars.

python benchmarks/plain_sweep.py PREPARED FOLDER SEEDS EPOCHS    for benchmarks/fused_sweep.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import keras
import mlflow
from support import dense, read_prepared

BATCH = 128


def main() -> None:
    prepared, folder, seeds, epochs = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    x, y, x_held, y_held, x_test, y_test = read_prepared(prepared)
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("plain", (folder / "artifacts").as_uri()))
    for seed in range(seeds):
        keras.utils.set_random_seed(seed)
        model = dense(x.shape[1:])
        with mlflow.start_run(run_name=f"seed={seed}"):
            mlflow.log_params({"seed": seed, "epochs": epochs, "batch_size": BATCH})
            log = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: mlflow.log_metrics(logs, epoch))
            data = {"validation_data": (x_held, y_held), "batch_size": BATCH, "epochs": epochs}
            model.fit(x, y, callbacks=[log], verbose=0, **data)
            loss, accuracy = model.evaluate(x_test, y_test, batch_size=500, verbose=0)
            mlflow.log_metrics({"test_loss": loss, "test_accuracy": accuracy})
            requirements = [f"keras=={keras.__version__}"]  # to have them inferred takes MLflow 12 seconds
            mlflow.keras.log_model(model, name="model", pip_requirements=requirements)
        print(f"seed={seed}: {accuracy:.4f}", flush=True)


main()
