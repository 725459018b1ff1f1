"""The same sweep by KerasTuner's grid search: `pip install keras-tuner`, which the project itself does not need.

python benchmarks/tuner_sweep.py PREPARED FOLDER SEEDS EPOCHS    for benchmarks/fused_sweep.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_tuner
from support import dense, read_prepared


def main() -> None:
    prepared, folder, seeds, epochs = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    x, y, x_held, y_held, _, _ = read_prepared(prepared)

    def build(choices: Any) -> Any:
        keras.utils.set_random_seed(choices.Choice("seed", list(range(seeds))))
        return dense(x.shape[1:])

    goal = keras_tuner.Objective("val_accuracy", "max")
    tuner = keras_tuner.GridSearch(build, objective=goal, max_trials=seeds, directory=folder, project_name="tuner")
    tuner.search(x, y, validation_data=(x_held, y_held), batch_size=128, epochs=epochs, verbose=0)
    for trial in tuner.oracle.get_best_trials(seeds):
        print(trial.hyperparameters.values, trial.score, flush=True)


main()
