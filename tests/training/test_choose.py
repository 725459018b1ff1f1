from __future__ import annotations

import json
import os
import subprocess
import sys


def test_a_keras_json_of_the_users_changes_no_result(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"floatx": "float16", "epsilon": 0.01}))
    code = (
        "from eyechart.training.backend.choose import activate; activate('jax', 'cpu', 'float32'); import keras;"
        "print(keras.config.floatx(), keras.config.epsilon(), keras.config.dtype_policy().name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["float32", "1e-07", "float32"]
