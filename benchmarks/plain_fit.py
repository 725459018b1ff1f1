"""The FNN of document 001 on MNIST as a plain script: `model.fit`, evaluate, save; no tracking, no pictures."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

prepared, target = Path(sys.argv[1]), Path(sys.argv[2])
x_train, y_train, x_test, y_test = (
    np.load(prepared / f"{name}.npy") for name in ("train_images", "train_labels", "test_images", "test_labels")
)
keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input(x_train.shape[1:]),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=128, epochs=10, verbose=0)
print(model.evaluate(x_test, y_test, verbose=0))
model.save(target)
