"""Members score as the runs that they would be alone, over many seeds; and memory does not grow with the groups."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from support import REPOSITORY, environment, link_data, run_program

pytestmark = pytest.mark.slow

SEEDS = 20


def accuracies(root, *words):
    """Test accuracy by run key."""
    sweep = [f"seed=range({SEEDS})", "dataset=digits", "trainer.epochs=8", "tracking=none"]
    done = run_program(root, "train", "-m", *sweep, *words, timeout=900)
    assert done.returncode == 0, done.stderr
    files = (root / ".eyechart" / "runs").glob("*/artifacts/run.json")
    return {path.parents[1].name: json.loads(path.read_text())["result"]["test/accuracy"] for path in files}


# in these, sums that are taken in another order grow into differences that can be seen
@pytest.mark.parametrize(("model", "backend"), [("fnn", "tensorflow"), ("rnn", "tensorflow"), ("birnn", "jax")])
def test_accuracies_are_spread_alike(digits_root, tmp_path, model, backend):
    words = [f"model={model}", f"backend={backend}", "optimizer.learning_rate=0.003"]
    words += ["model.units=12"] if model == "birnn" else []
    alone = accuracies(link_data(digits_root, tmp_path / "alone"), *words)
    together = accuracies(link_data(digits_root, tmp_path / "together"), *words, "hydra/launcher=fused")
    assert alone.keys() == together.keys()
    assert len(alone) == SEEDS
    one, other = np.array(list(alone.values())), np.array([together[key] for key in alone])
    assert one.std() > 0.003  # or being alike would prove nothing
    assert stats.ks_2samp(one, other).pvalue > 0.01
    assert abs((one - other).mean()) < max(0.01, 2.58 * (one - other).std(ddof=1) / np.sqrt(SEEDS))


GROUPS = """
import runpy, sys
import psutil
from eyechart import program

sys.path.insert(0, "{pipelines}")
whole = program.train_together


def train_together(*arguments):
    result = whole(*arguments)
    print("MB", psutil.Process().memory_info().rss / 1e6, flush=True)
    return result


program.train_together = train_together
sys.argv = ["train.py", *sys.argv[1:]]
if __name__ == "__main__":
    runpy.run_path("{pipelines}/train.py", run_name="__main__")
"""


def test_memory_does_not_grow_with_the_groups(digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    (tmp_path / "groups.py").write_text(GROUPS.format(pipelines=REPOSITORY / "pipelines"))
    filters = ",".join(map(str, range(4, 54)))
    words = ["hydra/launcher=fused", "dataset=digits", "model=cnn_small", f"model.units={filters}", "seed=0,1"]
    command = [sys.executable, str(tmp_path / "groups.py"), "-m", *words, "debug=fast", "tracking=none"]
    done = subprocess.run(
        command, cwd=root, env=environment(root), capture_output=True, text=True, timeout=900, check=True
    )
    memory = [float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("MB ")]
    assert len(memory) == 50
    assert max(memory[40:]) - max(memory[:10]) < 100  # a group's programs and images alone take more
