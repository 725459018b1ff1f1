"""Recorded results of small trainings on the digits, and the training that they are compared with.

They fail when the same configuration no longer gives the same result. Then give what was edited its next version
(`python tools/record_code.py next`), or runs of before and after would be taken for the same work, and record what this
prints:

    python tests/golden.py
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from support import link_data, run_program

from eyechart.config import TRAINING_VERSION

LOSSES = ("train/loss", "validation/loss", "test/loss")
# a network of each kind, with what else has a say in the result
WORDS = [
    "model=fnn,lenet,birnn",
    "dataset=digits",
    "limit=[300,100]",
    "trainer.epochs=3",
    "trainer.batch_size=50",
    "schedule=cosine",
    "augmentation=flip_shift",
    "trainer.class_weights=balanced",
    "seed=3",
    "tracking=none",
]
# The losses on test images were recorded anew, and no others, when a limit came to take a stratified sample of the test
# images in place of the first: with `limit_order` in the run key, so that TRAINING_VERSION stayed.
RECORDED: dict[int, dict[str, dict[str, list[float]]]] = {
    1: {
        "tensorflow": {
            "birnn": [2.306137, 2.252567, 2.254833],
            "fnn": [2.304709, 2.227545, 2.238740],
            "lenet": [2.261142, 2.183978, 2.180077],
        },
        "jax": {
            "birnn": [2.310805, 2.260626, 2.259901],
            "fnn": [2.300386, 2.277520, 2.289714],
            "lenet": [2.261925, 2.209180, 2.220219],
        },
    },
}


def train(root: Path, backend: str) -> dict[str, list[float]]:
    """Losses on training, validation and test images of each network, trained in a workspace that has the digits."""
    done = run_program(root, "train", "-m", *WORDS, f"backend={backend}")
    assert done.returncode == 0, done.stderr
    found = {}
    for path in (root / ".eyechart" / "runs").glob("*/artifacts/run.json"):
        about = json.loads(path.read_text())
        found[about["title"].partition(" ")[0]] = [round(about["result"][name], 6) for name in LOSSES]
    return dict(sorted(found.items()))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        digits = Path(folder) / "digits"
        digits.mkdir()
        for name in ("fetch", "preprocess"):
            assert run_program(digits, name, "dataset=digits").returncode == 0
        results = {
            backend: train(link_data(digits, Path(folder) / backend), backend) for backend in ("tensorflow", "jax")
        }
        print(json.dumps({TRAINING_VERSION: results}, indent=4))
