"""The program as a person starts it. Few processes train, and many tests look at what they left."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
import yaml
from support import REPOSITORY, command, compose, environment, files_below, forbid, link_data, mlflow_runs, run_program

from eyechart.config import check
from eyechart.runs.journal import read_journal

WORDS = ["model=fnn", "dataset=digits", "optimizer.learning_rate=0.002", "trainer.epochs=200"]
FOLDER = REPOSITORY / "conf/experiment"
FILES = sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.yaml"))
SWEEPS = [name for name in FILES if name.startswith("compare/")]  # say themselves what is swept
OF_DATA = [name for name in FILES if name.startswith("scan/")]  # and these sweep data sets
EXPERIMENTS = [name for name in FILES if name not in SWEEPS + OF_DATA]
TINY = ["dataset=digits", "limit=[64,32]", "trainer.epochs=1", "tracking=none"]


@pytest.fixture(scope="module")
def fresh(digits_root, tmp_path_factory):
    """Makes workspaces with the prepared digits."""
    return lambda name: link_data(digits_root, tmp_path_factory.mktemp(name) / "root")


def trained(done: subprocess.CompletedProcess[str]) -> str:
    """The output of a program that went well, in full silence on stderr."""
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def run_folder(root: Path) -> Path:
    (folder,) = (root / ".eyechart/runs").iterdir()
    return folder


def weights(root: Path) -> bytes:
    """Of the saved model: the other files in the archive carry its date."""
    with ZipFile(run_folder(root) / "artifacts/model.keras") as archive:
        return archive.read("model.weights.h5")


def history(root: Path) -> pd.DataFrame:
    return pd.read_csv(run_folder(root) / "artifacts/history.csv").drop(columns="seconds")


# --- one run


@pytest.fixture(scope="module")
def once(fresh):
    """One run, from a folder of no interest."""
    root = fresh("once")
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    return SimpleNamespace(
        root=root, elsewhere=elsewhere, out=trained(run_program(root, "train", *WORDS, cwd=elsewhere))
    )


@pytest.fixture(scope="module")
def run(once):
    """That run in MLflow, with its artifacts on disk."""
    (found,) = mlflow_runs(once.root)
    return found


def test_what_it_prints(once):
    lines = once.out.splitlines()
    assert lines[0] == (
        "training fnn on digits: 200 epochs, Adam, learning rate 0.002, batch size 128, seed 0, tensorflow"
    )
    assert lines[2].split() == ["layer", "output", "shape", "parameters"]
    epochs = lines.index("", 2) + 1
    assert lines[epochs].split() == ["epoch", "train", "loss", "accuracy", "validation", "loss", "accuracy", "seconds"]
    assert [int(line.split()[0]) for line in lines[epochs + 1 : -1]] == list(range(1, 201))
    assert lines[-1].startswith("test accuracy 0.")
    assert lines[-1].endswith(f"run key {run_folder(once.root).name}")


def test_the_working_folder_stays_empty(once):
    assert list(once.elsewhere.iterdir()) == []
    assert {path.name for path in once.root.iterdir()} == {"data", ".eyechart", "mlflow.db", "mlartifacts"}


def test_it_has_learned(run):
    assert run.data.metrics["test/accuracy"] > 0.8


def test_parameters_are_named_as_on_the_command_line(run):
    params = run.data.params
    assert params["model"] == "fnn"
    assert params["dataset"] == "digits"
    assert params["model.units"] == "[32, 16]"
    assert params["optimizer"] == "adam"
    assert params["optimizer.learning_rate"] == "0.002"
    assert params["trainer.epochs"] == "200"
    assert params["seed"] == "0"


def test_a_metric_per_epoch(run, once):
    table = history(once.root)
    for name in ("train/loss", "train/accuracy", "validation/loss", "validation/accuracy"):
        points = run.history(name)
        assert [step for step, _ in points] == list(range(1, 201)), name
        np.testing.assert_allclose([value for _, value in points], table[name])
    for name in (
        "epoch_seconds",
        "system/cpu_utilization_percentage",
        "system/system_memory_usage_megabytes",
        "system/process_memory_megabytes",
    ):
        assert len(run.history(name)) == 200, name


def test_the_best_epoch_is_a_metric_of_its_own(run, once):
    table = history(once.root).set_index("epoch")
    best = table["validation/accuracy"].idxmax()  # the first of equal ones
    metrics = run.data.metrics
    assert metrics["best_epoch"] == best
    assert best < 200  # otherwise it would not show that the best weights were put back
    assert metrics["best_validation_accuracy"] == table["validation/accuracy"][best]
    assert metrics["best_train_loss"] == pytest.approx(table["train/loss"][best])
    assert metrics["best_validation_loss"] == pytest.approx(table["validation/loss"][best])


def test_scores_per_class(run, once):
    table = pd.read_parquet(run_folder(once.root) / "artifacts/predictions.parquet")
    test = table[table["part"] == "test"]
    assert run.data.metrics["test/accuracy"] == pytest.approx((test["label"] == test["prediction"]).mean())
    for score in ("precision", "recall", "f1"):
        expected = {f"test_{score}/{digit}" for digit in range(10)}
        assert {name for name in run.data.metrics if name.startswith(f"test_{score}/")} == expected
    threes = test[test["label"] == 3]
    assert run.data.metrics["test_recall/3"] == pytest.approx((threes["prediction"] == 3).mean())


def test_tags(run, once):
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True).stdout.strip()
    tags = run.data.tags
    assert tags["eyechart.run_key"] == run_folder(once.root).name
    assert tags["eyechart.data_digest"] == run.digest
    assert tags.get("mlflow.source.git.commit", "") == commit
    assert tags["eyechart.engine"] == "tensorflow, 1 member"
    assert tags["eyechart.device"] in ("cpu", "gpu")
    assert tags["eyechart.overrides"] == " ".join(WORDS)
    assert run.info.run_name == "fnn on digits"
    assert run.info.status == "FINISHED"


def test_the_data_set_is_an_input(run):
    (given,) = run.inputs.dataset_inputs
    assert given.dataset.name == "digits"
    assert given.dataset.digest == run.digest[:36]
    assert json.loads(given.dataset.profile) == {"train": 1437, "test": 360, "classes": 10}


def test_artifacts(run):
    files = files_below(run.artifacts)
    for file in (  # at the root, where the page that compares runs looks for them
        "confusion_matrix.png",
        "learning_curves.png",
        "mistakes.png",
        "classification_report.txt",
        "predictions.parquet",
        "history.csv",
        "confusion_matrix.json",
        "per_class.json",
        "config/config.yaml",
        "config/overrides.yaml",
    ):
        assert file in files
    for key in ("confusion_matrix", "learning_curves", "mistakes"):
        (picture,) = [f for f in files if f.startswith(f"images/{key}+step+0") and f.endswith(".png")]
        assert (run.artifacts / picture).read_bytes().startswith(b"\x89PNG")


def test_the_configuration_that_was_used(run):
    config = yaml.safe_load((run.artifacts / "config/config.yaml").read_text())
    assert config["optimizer"]["learning_rate"] == 0.002
    assert config["optimizer"]["beta_1"] == 0.9
    assert config["dataset"] == {"name": "digits"}
    assert yaml.safe_load((run.artifacts / "config/overrides.yaml").read_text()) == WORDS


def test_tables_compare_run_by_run(run):
    columns = json.loads((run.artifacts / "per_class.json").read_text())
    assert columns["columns"] == [
        "class",
        "precision",
        "recall",
        "f1",
        "support",
        "precision_low",
        "precision_high",
        "recall_low",
        "recall_high",
    ]
    assert len(columns["data"]) == 10
    assert len(json.loads((run.artifacts / "confusion_matrix.json").read_text())["data"]) == 10


LOAD = """
import sys
import mlflow, numpy as np
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
images = np.load(sys.argv[3])
np.save(sys.argv[4], model.predict(images))
"""


@pytest.fixture(scope="module")
def loaded(once, run):
    """What the logged model predicts for the raw pixels of the test images, loaded as any program would."""
    images, predicted = once.root / "data/prepared/digits/test_images.npy", once.root / "predicted.npy"
    uri = f"sqlite:///{once.root}/mlflow.db"
    done = subprocess.run(
        [sys.executable, "-c", LOAD, uri, f"models:/{run.model_id}", str(images), str(predicted)],
        cwd=once.root,
        env=environment(once.root, TF_CPP_MIN_LOG_LEVEL="3"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return np.load(predicted)


def test_the_logged_model_predicts_what_was_recorded(loaded, run):
    table = pd.read_parquet(run.artifacts / "predictions.parquet")
    expected = table[table["part"] == "test"].sort_values("index").filter(regex=r"^p\d+$").to_numpy()
    np.testing.assert_allclose(loaded, expected, atol=1e-6)


def test_the_logged_model_says_what_it_needs(run):
    described = yaml.safe_load((run.model / "MLmodel").read_text())
    (inputs,) = json.loads(described["signature"]["inputs"])
    assert inputs["tensor-spec"] == {"dtype": "uint8", "shape": [-1, 16, 16, 1]}
    (outputs,) = json.loads(described["signature"]["outputs"])
    assert outputs["tensor-spec"] == {"dtype": "float32", "shape": [-1, 10]}
    requirements = (run.model / "requirements.txt").read_text().split()
    assert {line.partition("==")[0] for line in requirements} >= {"keras", "tensorflow", "numpy"}
    assert all("==" in line for line in requirements)


def test_no_process_leaves_half_a_file(once):
    assert not [file for file in files_below(once.root) if "/." in file.removeprefix(".")]


# --- again


@pytest.fixture(scope="module")
def again(once, run, tmp_path_factory):
    """The same command a second time, where nothing can be trained."""
    forbidden = forbid(tmp_path_factory.mktemp("again") / "forbidden", "tensorflow", "keras", "jax")
    before = files_below(once.root / "mlartifacts")
    return before, trained(run_program(once.root, "train", *WORDS, env=forbidden))


def test_again_it_is_finished_and_nothing_is_trained(again, once):
    _, out = again
    assert "finished before, not trained again" in out
    assert run_folder(once.root).name in out
    assert len(out.splitlines()) == 2


def test_again_nothing_is_doubled(again, once, run):
    before, _ = again
    (now,) = mlflow_runs(once.root)
    assert files_below(once.root / "mlartifacts") == before
    for name in run.data.metrics:
        assert now.history(name) == run.history(name)
    assert now.data.tags == run.data.tags
    assert now.info.end_time == run.info.end_time
    assert len(now.inputs.dataset_inputs) == 1


# --- a server that is not there


@pytest.fixture(scope="module")
def unreachable(fresh):
    """A run whose tracking server does not answer."""
    root = fresh("unreachable")
    words = ["model=fnn", "dataset=digits", "limit=[64,32]", "trainer.epochs=1"]
    done = run_program(root, "train", *words, env={"MLFLOW_TRACKING_URI": "http://me:secret@127.0.0.1:9"})
    return SimpleNamespace(root=root, done=done)


def test_an_unreachable_server_is_a_warning(unreachable):
    assert unreachable.done.returncode == 0, unreachable.done.stderr
    notice, warning = unreachable.done.stderr.splitlines()
    assert notice.startswith("notice: MLFLOW_TRACKING_URI=http://***@127.0.0.1:9 in the environment wins")
    folder = run_folder(unreachable.root)
    assert warning.startswith(f"warning: the journal in {folder} could not be delivered to http://***@127.0.0.1:9 (")
    assert warning.endswith("it keeps everything, and the next run or python pipelines/sync.py delivers it")
    assert "test accuracy" in unreachable.done.stdout
    assert read_journal(run_folder(unreachable.root))[-1]["status"] == "FINISHED"


def test_the_warning_tells_no_password(unreachable):
    assert "secret" not in unreachable.done.stdout + unreachable.done.stderr


# --- interrupted, taken up again, and by two at once


@pytest.fixture(scope="module")
def interrupted(fresh, empty_database):
    """Ctrl-C in the first epochs."""
    root = fresh("interrupted")
    shutil.copyfile(empty_database, root / "mlflow.db")  # the time that an interrupted one waits is not for making it
    with subprocess.Popen(
        command("train", *WORDS),
        cwd=root,
        env=environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("    3 "):
                process.send_signal(signal.SIGINT)
                break
        out, err = process.communicate(timeout=120)
    (run,) = mlflow_runs(root)
    return SimpleNamespace(root=root, code=process.returncode, out=out, err=err, run=run)


def test_ctrl_c(interrupted):
    assert interrupted.code == 130
    assert interrupted.err == "interrupted; the same command goes on where this one stopped\n"
    assert "test accuracy" not in interrupted.out
    assert interrupted.run.info.status == "KILLED"
    assert 1 <= len(interrupted.run.history("train/loss")) < 200


@pytest.fixture(scope="module")
def resumed(interrupted):
    """The same command again, by two processes at once."""
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(run_program, interrupted.root, "train", *WORDS) for _ in range(2)]
        done = sorted((job.result() for job in jobs), key=lambda done: "going on after epoch" in done.stdout)
    return SimpleNamespace(record=done[0], training=done[1])


def test_the_same_command_goes_on(resumed, interrupted):
    out = resumed.training.stdout
    assert resumed.training.returncode == 0, resumed.training.stderr
    epoch = int(out.partition("going on after epoch ")[2].split()[0])
    assert 2 <= epoch <= len(interrupted.run.history("train/loss"))
    assert f"\n{epoch + 1:>5} " in out
    assert f"\n{epoch:>5} " not in out


def test_of_two_at_once_one_trains_and_the_other_gets_the_record(resumed):
    assert resumed.record.returncode == 0
    assert "finished before, not trained again" in resumed.record.stdout


# not strict: only where both deliver in the same moment
def test_who_has_to_wait_says_so_and_no_more(resumed, interrupted):
    key = run_folder(interrupted.root).name
    waits = re.compile(rf"((process \d+ on \S+|another process) works on run {key}: waiting for it\n)?")
    assert waits.fullmatch(resumed.training.stderr)
    assert waits.fullmatch(resumed.record.stderr)


def test_an_interruption_leaves_no_trace_in_the_result(resumed, interrupted, once):
    assert weights(interrupted.root) == weights(once.root)  # also of two separate runs of one configuration
    pd.testing.assert_frame_equal(history(interrupted.root), history(once.root), check_exact=True)


def test_in_mlflow_it_is_one_run(resumed, interrupted, run):
    (whole,) = mlflow_runs(interrupted.root)
    assert whole.info.status == "FINISHED"
    for name in ("train/loss", "train/accuracy", "validation/loss", "validation/accuracy"):
        assert whole.history(name) == run.history(name), name
    timed = ("system/", "epoch_seconds", "seconds")
    same = {name: value for name, value in run.data.metrics.items() if not name.startswith(timed)}
    assert {name: value for name, value in whole.data.metrics.items() if not name.startswith(timed)} == same
    assert whole.data.params == run.data.params


@pytest.fixture(scope="module")
def at_once(fresh):
    """Two processes in a workspace without a store, which they must not both create; `debug=fast` makes it short."""
    root = fresh("at_once")
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(run_program, root, "train", "model=fnn", "dataset=digits", "debug=fast") for _ in range(2)]
        done = [job.result() for job in jobs]
    assert [process.returncode for process in done] == [0, 0], done
    return SimpleNamespace(root=root, done=done, runs=mlflow_runs(root))


def test_two_at_once_where_nothing_is_yet(at_once):
    assert sorted("finished before" in process.stdout for process in at_once.done) == [False, True]
    (found,) = at_once.runs
    assert found.info.status == "FINISHED"
    assert len(found.history("train/loss")) == 1


# not strict: only where both deliver in the same moment
def test_two_at_once_deliver_everything_once(at_once):
    (found,) = at_once.runs
    assert found.models == 1
    pictures = [file for file in files_below(found.artifacts / "images") if file.endswith(".png")]
    assert len(pictures) == 3


def test_debug_fast_and_limit(at_once):
    (found,) = at_once.runs
    assert found.data.params["limit"] == "[512, 256]"
    assert found.data.params["trainer.epochs"] == "1"
    table = pd.read_parquet(run_folder(at_once.root) / "artifacts/predictions.parquet")
    assert table["part"].value_counts().to_dict() == {"test": 256, "validation": 51}


# --- without MLflow, and nothing held back

LAST = ["model=fnn", "dataset=digits", "trainer.epochs=3", "trainer.validation_fraction=0"]


@pytest.fixture(scope="module")
def offline(fresh):
    """A run without MLflow, of which nothing is held back."""
    root = fresh("offline")
    forbidden = forbid(root.parent / "forbidden", "mlflow")
    return SimpleNamespace(root=root, out=trained(run_program(root, "train", *LAST, "tracking=offline", env=forbidden)))


def test_offline_makes_no_store(offline):
    assert {path.name for path in offline.root.iterdir()} == {"data", ".eyechart"}


def test_where_nothing_is_held_back_the_last_epoch_counts(offline):
    assert "nothing was held back: the last of 3 epochs counts" in offline.out
    result = read_journal(run_folder(offline.root))[-1]["result"]
    assert result["best_epoch"] == 3
    assert result["monitor"] is None
    assert not any(name.startswith("validation") for name in result)
    assert "validation/loss" not in history(offline.root)
    table = pd.read_parquet(run_folder(offline.root) / "artifacts/predictions.parquet")
    assert set(table["part"]) == {"test"}


def test_the_end_of_the_journal_says_what_each_file_holds(offline):
    folder = run_folder(offline.root)
    said = read_journal(folder)[-1]["files"]
    held = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.glob("artifacts/*")}
    assert {"artifacts/model.keras", "artifacts/predictions.parquet", "artifacts/run.json"} <= set(said)
    assert said == {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in held.items()
    }
    of_others = json.loads(held["artifacts/run.json"])["files"]  # goes with the files, wherever they are copied
    assert of_others == {Path(name).name: about for name, about in said.items() if not name.endswith("run.json")}
    assert trained(run_program(offline.root, "runs", "verify")) == "1 run: 1 whole\n"


def test_the_board_says_that_nothing_was_held_back(offline):
    board = " ".join(trained(run_program(offline.root, "compare")).split())  # a title may be broken between words
    assert "nothing was held back" in board
    assert "training accuracy" in board


@pytest.fixture(scope="module")
def delivered(offline):
    """The same command with a store."""
    done = run_program(offline.root, "train", *LAST)
    assert done.returncode == 0, done.stderr
    return done


def test_a_finished_run_is_delivered_later(offline, delivered):
    assert "finished before, not trained again" in delivered.stdout
    (found,) = mlflow_runs(offline.root)
    assert found.info.status == "FINISHED"
    assert found.data.params["trainer.validation_fraction"] == "0.0"
    assert len(found.history("train/loss")) == 3
    assert "confusion_matrix.png" in files_below(found.artifacts)
    assert (found.model / "MLmodel").is_file()


def test_a_late_delivery_is_silent(delivered):
    assert delivered.stderr == ""


# --- every experiment


@pytest.fixture(scope="module")
def experiments(fresh) -> Any:
    """Every experiment of `conf/experiment`, as one sweep of a tiny step each, without MLflow."""
    root = fresh("experiments")
    forbidden = forbid(root.parent / "forbidden", "mlflow")
    done = run_program(root, "train", "-m", f"experiment={','.join(EXPERIMENTS)}", *TINY, env=forbidden)
    return SimpleNamespace(root=root, out=trained(done))


def test_there_are_experiments():
    assert len(EXPERIMENTS) >= 13
    assert len(SWEEPS) >= 3


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_runs(experiments, name):
    digest = json.loads((experiments.root / "data/prepared/digits/dataset.json").read_text())["digest"]
    key = check(compose(f"experiment={name}", *TINY)).run_key(digest)
    assert read_journal(experiments.root / ".eyechart/runs" / key)[-1]["status"] == "FINISHED"


def test_tracking_none_makes_no_store(experiments):
    assert not [file for file in os.listdir(experiments.root) if file.startswith("ml")]


@pytest.mark.parametrize("name", SWEEPS)
def test_an_experiment_may_be_a_sweep(fresh, name):
    root = fresh("sweep")
    done = run_program(root, "train", "-m", f"experiment={name}", *TINY, "seed=0")  # what is typed wins
    runs = [read_journal(folder) for folder in (root / ".eyechart/runs").iterdir()]
    expected = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())["hydra"]["sweeper"]["params"]
    assert set(expected) > {"seed"}
    ((key, values),) = [(key, value.split(",")) for key, value in expected.items() if key != "seed"]
    assert {journal[0]["name"] for journal in runs} == {f"{key}={value}" for value in values}
    assert {journal[-1]["status"] for journal in runs} == {"FINISHED"}
    assert f"{len(values)} runs: 0 finished, {len(values)} to train" in trained(done)


@pytest.mark.parametrize("name", OF_DATA)
def test_an_experiment_may_sweep_data_sets(name):
    swept = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())["hydra"]["sweeper"]["params"]
    assert swept["seed"] == "range(5)"
    for dataset in swept["dataset"].split(","):
        assert check(compose(f"experiment={name}", f"dataset={dataset}")).dataset.name == dataset


# --- a network that answers after each time step


@pytest.fixture(scope="module")
def per_step(fresh):
    """One such run with MLflow, and its report made again as the DVC stage does."""
    root = fresh("per_step")
    out = trained(run_program(root, "train", "model=rnn_per_step", "dataset=digits", "trainer.epochs=2"))
    (run,) = mlflow_runs(root)
    key = run.data.tags["eyechart.run_key"]
    trained(run_program(root, "evaluate", f"run={key}", "to=report", env=forbid(root.parent / "no_keras", "keras")))
    return SimpleNamespace(root=root, out=out, run=run)


def test_the_accuracy_by_steps_read_is_a_series(per_step):
    for part, over_steps in (
        ("validation", "best_validation_accuracy_over_steps"),
        ("test", "test/accuracy_over_steps"),
    ):
        series = per_step.run.history(f"{part}/accuracy_by_step")
        assert [step for step, _ in series] == list(range(1, 17))  # the digits have 16 rows
        mean = np.mean([value for _, value in series])
        assert per_step.run.data.metrics[over_steps] == pytest.approx(mean)
    assert series[-1][1] == pytest.approx(per_step.run.data.metrics["test/accuracy"])


def test_the_accuracy_by_steps_read_is_a_curve(per_step):
    table = pd.read_csv(per_step.run.artifacts / "accuracy_by_step.csv")
    assert list(table) == ["step", "validation", "test"]
    assert len(table) == 16
    for folder in (per_step.run.artifacts, per_step.root / "report"):
        assert (folder / "accuracy_by_step.png").read_bytes().startswith(b"\x89PNG")
    assert len(per_step.run.history("validation/accuracy_over_steps")) == 2


def test_the_layers_are_shown_and_kept(per_step):
    layers = (per_step.run.artifacts / "layers.txt").read_text()
    assert "simple_rnn     16 x 50            3,350\n" in layers  # 16*50 + 50*50 + 50
    assert layers in per_step.out
