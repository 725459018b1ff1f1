"""Groups at length: scores over many seeds, memory over many groups, batches of a search, two terminals at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from support import REPOSITORY, environment, link_data, mlflow_runs, run_program

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


def test_the_batches_of_a_search_are_groups(digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    words = ["hydra/launcher=fused", "hydra/sweeper=optuna", "hydra/sweeper/pruner=median", "dataset=digits"]
    words += ["model=fnn", "optimizer.learning_rate=tag(log,interval(1e-5,1e-1))", "trainer.epochs=6"]
    done = run_program(root, "train", "-m", *words, "hydra.sweeper.n_trials=20", "hydra.sweeper.n_jobs=4")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("4 runs of fnn on digits, as one program") == 5
    (file,) = (root / ".eyechart" / "sweeps").glob("*/trials.csv")
    states = pd.read_csv(file)["state"]
    assert set(states) == {"complete", "pruned"}
    assert done.stdout.count("given up by the search after epoch") == (states == "pruned").sum()
    status = Counter(run.info.status for run in mlflow_runs(root) if "eyechart.run_key" in run.data.tags)
    assert status == {"FINISHED": (states == "complete").sum(), "KILLED": (states == "pruned").sum()}


def test_two_terminals_train_each_run_once(digits_root, tmp_path):
    root = link_data(digits_root, tmp_path / "root")
    words = ["hydra/launcher=fused", "dataset=digits", "model=fnn", "seed=range(4)", "trainer.epochs=20"]
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(run_program, root, "train", "-m", *words) for _ in range(2)]
        done = [job.result() for job in jobs]
    assert [one.returncode for one in done] == [0, 0], done
    out = done[0].stdout + done[1].stdout
    assert out.count("s of training (its share of") + out.count("s of training, run key") == 4
    assert {run.info.status for run in mlflow_runs(root)} == {"FINISHED"}
    assert len(mlflow_runs(root)) == 5


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_the_benchmark_that_is_for_a_gpu_runs(digits_root, tmp_path, backend):
    root = link_data(digits_root, tmp_path / "root")
    command = [sys.executable, str(REPOSITORY / "benchmarks/members.py"), backend, "fnn,rnn", "1", "1,2,4", "digits"]
    done = subprocess.run(command, cwd=root, env=environment(root), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("|") and "(" in line]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert [row[:2] for row in rows] == [[model, count] for model in ("fnn", "rnn") for count in ("1", "2", "4")]


GROUPS = """
import runpy, sys
import psutil
from eyechart.sweeps import job

sys.path.insert(0, "{pipelines}")
whole = job.run_fused


def run_fused(*arguments):
    result = whole(*arguments)
    print("MB", psutil.Process().memory_info().rss / 1e6, flush=True)
    return result


job.run_fused = run_fused
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
