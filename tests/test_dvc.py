"""The stages, in a copy of the repository: composed, run, restored, queued."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from omegaconf import OmegaConf
from support import REPOSITORY, compose, environment, files_below, forbid, mlflow_runs

from eyechart.core.folders import MARK

COPIED = ("conf", "pipelines", "src", ".dvcignore", ".gitignore", "dvc.yaml", "params.yaml")
OUTPUTS = {
    "data/raw/digits": [MARK, "digits.csv.gz", "source.json"],
    "results/train": [MARK, "history.csv", "model.keras", "predictions.parquet", "run.json"],
}
IDENTITY = [f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
WORDS = ["-S", "dataset=digits", "-S", "model=fnn", "-S", "trainer.epochs=1"]


# --- params.yaml


def test_params_are_the_composed_configuration():
    config = compose()
    OmegaConf.resolve(config)
    # `dvc exp run` writes it; after editing conf/ type: dvc exp run, or copy what `train.py --cfg job` prints
    assert (REPOSITORY / "params.yaml").read_text() == OmegaConf.to_yaml(config)


def test_params_hold_nothing_of_the_environment(monkeypatch):
    text = OmegaConf.to_yaml(compose())
    for name in os.environ:
        if name != "PATH":
            monkeypatch.setenv(name, "changed")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://changed")
    config = compose()
    OmegaConf.resolve(config)
    assert OmegaConf.to_yaml(config) == text
    assert "oc.env" not in "".join(path.read_text() for path in (REPOSITORY / "conf").rglob("*.yaml"))


def test_every_parameter_of_a_stage_is_in_params():
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    stages = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    assert list(stages) == ["fetch", "preprocess", "code", "train", "evaluate"]
    for name, stage in stages.items():
        for group in stage.get("params", []):
            assert group in params, name
    chosen = set(stages["train"]["params"])
    deciding_nothing = {"confirm", "export", "force", "mirrors", "plan", "tracking", "verify"}
    assert set(params) - chosen == deciding_nothing


def test_every_dependency_and_plot_of_the_checkout_exists():
    content = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())
    made = ("data/", "results/")
    for stage in content["stages"].values():
        for path in stage.get("deps", []):
            assert path.startswith(made) or (REPOSITORY / path).exists(), path


# --- a copy of the repository


class Project:
    """A copy of the repository, with git and DVC around it."""

    def __init__(self, folder: Path):
        self.folder = folder
        home = folder.parent / "home"
        home.mkdir()
        self.env = environment(
            folder,
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            HOME=str(home),
            DVC_SITE_CACHE_DIR=str(home / "site"),
            DVC_GLOBAL_CONFIG_DIR=str(home / "global"),
            DVC_SYSTEM_CONFIG_DIR=str(home / "system"),
            **{
                f"GIT_{who}_{what}": "test@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
            },
        )
        del self.env["EYECHART_ROOT"]  # DVC's own variable has to do
        for name in COPIED:
            if (REPOSITORY / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
            else:
                shutil.copy(REPOSITORY / name, folder / name)
        (folder / ".dvc").mkdir()
        shutil.copy(REPOSITORY / ".dvc/config", folder / ".dvc/config")
        (folder / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "A copy"]):
            subprocess.run(["git", *words], cwd=folder, env=self.env, check=True, capture_output=True)

    def dvc(self, *words: str, fails: bool = False, **env: str) -> str:
        """Run a command of DVC that has to go well, or to fail; what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *words],
            cwd=self.folder,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr if fails else done.stdout

    def metrics(self) -> dict[str, float]:
        return json.loads((self.folder / "results/evaluate/metrics.json").read_text())

    def journals(self) -> dict[str, float]:
        """The journal of every run, and when it was last written to."""
        found = (self.folder / ".eyechart/runs").glob("*/journal.jsonl")
        return {path.parent.name: path.stat().st_mtime_ns for path in found}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dvc") / "project"
    folder.mkdir()
    return Project(folder)


@pytest.fixture(scope="module")
def first(project):
    """What `dvc exp run` composes and runs."""
    out = project.dvc("exp", "run", *WORDS)
    params = yaml.safe_load((project.folder / "params.yaml").read_text())
    return SimpleNamespace(out=out, metrics=project.metrics(), journals=project.journals(), params=params)


def test_all_four_stages_run(first, project):
    for stage in ("fetch", "preprocess", "train", "evaluate"):
        assert f"Running stage '{stage}'" in first.out
    for folder, files in OUTPUTS.items():
        assert sorted(os.listdir(project.folder / folder)) == files
    assert {"dataset.json", "samples.png"} <= set(os.listdir(project.folder / "data/prepared/digits"))
    scored = {"confusion.csv", "confusion_matrix.png", "learning_curves.png", "mistakes.png", "history.csv"}
    assert scored <= set(os.listdir(project.folder / "results/evaluate"))


def test_the_choices_are_written_down(first):
    assert first.params["dataset"]["name"] == "digits"
    assert first.params["model"]["name"] == "fnn"
    assert first.params["trainer"]["epochs"] == 1
    assert first.params["seed"] == 0


def test_metrics_for_dvc(first, project):
    assert 0 < first.metrics["test/accuracy"] <= 1
    (run,) = [json.loads((project.folder / "results/train/run.json").read_text())]
    assert run["result"]["test/accuracy"] == first.metrics["test/accuracy"]
    assert "test/accuracy" in project.dvc("metrics", "show")


def test_the_run_is_in_mlflow_too(first, project):
    runs = {run.data.tags["eyechart.run_key"]: run for run in mlflow_runs(project.folder)}
    (key,) = first.journals
    assert runs[key].data.metrics["test/accuracy"] == first.metrics["test/accuracy"]


def test_only_what_is_ignored_or_dvcs_is_new(first, project):
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=project.folder, env=project.env, capture_output=True, text=True
    ).stdout.split("\n")
    assert {line[3:] for line in changed if line} <= {"dvc.lock", "params.yaml"}


def test_confusion_counts_every_test_image(first, project):
    lines = (project.folder / "results/evaluate/confusion.csv").read_text().splitlines()
    assert lines[0] == "actual,predicted"
    assert len(lines) == 1 + 360


@pytest.fixture(scope="module")
def second(first, project):
    """The same once more, with what was there."""
    return project.dvc("repro")


def test_a_second_time_there_is_nothing_to_do(second, first, project):
    assert re.findall("Running stage '(.*)'", second) == ["code"]  # which asks whether a network was edited
    assert project.journals() == first.journals


@pytest.fixture(scope="module")
def restored(second, project, tmp_path_factory):
    """The outputs of the training are gone, from DVC's cache as well; nothing can be trained."""
    before = {name: (project.folder / "results/train" / name).read_bytes() for name in OUTPUTS["results/train"]}
    shutil.rmtree(project.folder / "results/train")
    cache = project.folder / ".dvc/cache"
    cache.rename(project.folder / ".dvc/tmp/away")
    forbidden = forbid(tmp_path_factory.mktemp("restored") / "forbidden", "tensorflow", "keras", "jax")
    out = project.dvc("repro", "--force", "--single-item", "train", **forbidden)
    shutil.rmtree(cache)
    (project.folder / ".dvc/tmp/away").rename(cache)
    after = {name: (project.folder / "results/train" / name).read_bytes() for name in OUTPUTS["results/train"]}
    return SimpleNamespace(out=out, before=before, after=after)


def test_outputs_of_a_finished_run_come_back_without_training(restored):
    assert "finished before, not trained again" in restored.out
    assert restored.after == restored.before


@pytest.fixture(scope="module")
def changed(restored, project):
    """Another learning rate, written into params.yaml by hand."""
    path = project.folder / "params.yaml"
    path.write_text(path.read_text().replace("learning_rate: 0.001", "learning_rate: 0.01"))
    return SimpleNamespace(out=project.dvc("repro"), metrics=project.metrics(), journals=project.journals())


def test_a_new_learning_rate_trains_and_evaluates_and_does_no_more(changed, first):
    for stage in ("train", "evaluate"):
        assert f"Running stage '{stage}'" in changed.out
    for stage in ("fetch", "preprocess"):
        assert f"Running stage '{stage}'" not in changed.out
    assert changed.metrics != first.metrics
    assert len(changed.journals) == 2


@pytest.fixture(scope="module")
def queued(changed, project):
    """Two DVC experiments in throw-away copies; the first of them is the run that is finished."""
    words = ["-S", "dataset=digits", "-S", "trainer.epochs=1", "-S", "optimizer.learning_rate=0.001"]
    project.dvc("exp", "run", "--queue", "-S", "model=fnn,cnn", *words)
    project.dvc("exp", "run", "--run-all")
    return SimpleNamespace(journals=project.journals(), shown=project.dvc("exp", "show", "--csv"))


def test_queued_experiments_land_in_the_repository(queued, changed, project):
    new = set(queued.journals) - set(changed.journals)
    assert len(new) == 1  # the other was finished before
    runs = {run.data.tags["eyechart.run_key"]: run for run in mlflow_runs(project.folder)}
    assert set(runs) == set(queued.journals)
    (key,) = new
    assert runs[key].data.params["model"] == "cnn"
    assert all(run.info.status == "FINISHED" for run in runs.values())
    assert (runs[key].artifacts / "confusion_matrix.png").is_file()


def test_dvc_shows_the_metrics_of_queued_experiments(queued):
    table = pd.read_csv(io.StringIO(queued.shown))
    digits = table[table["dataset.name"] == "digits"]
    assert {"fnn", "cnn"} <= set(digits["model.name"])
    assert digits["test/accuracy"].astype(float).between(0, 1).all()


def test_no_copy_leaves_a_store_of_its_own(queued, project):
    stores = [file for file in files_below(project.folder) if file.endswith("mlflow.db")]
    assert stores == ["mlflow.db"]


NETS = """
from dataclasses import dataclass
from eyechart.models import FNN

@dataclass(frozen=True)
class Own(FNN):
    def layers(self, pixels, image_shape):
        from keras import layers
        return layers.Dense(8, activation="relu")(layers.Flatten()(pixels))
"""


@pytest.fixture(scope="module")
def edited(queued, project, tmp_path_factory):
    """A network of a person's own, which lies where DVC knows of nothing, and is edited."""
    own = tmp_path_factory.mktemp("own")
    where = {"PYTHONPATH": str(own)}
    (own / "nets.py").write_text(NETS)
    words = ["-S", "dataset=digits", "-S", "model=fnn", "-S", "model._target_=nets.Own", "-S", "trainer.epochs=1"]
    project.dvc("exp", "run", *words, **where)
    metrics, journals = project.metrics(), project.journals()
    (own / "nets.py").write_text("# a comment\n" + NETS)
    same = project.dvc("repro", **where)
    (own / "nets.py").write_text(NETS.replace("relu", "sigmoid"))
    return SimpleNamespace(same=same, changed=project.dvc("repro", **where), metrics=metrics, journals=journals)


def test_an_edited_network_of_ones_own_is_trained_anew(edited, project):
    assert re.findall("Running stage '(.*)'", edited.same) == ["code"]
    assert re.findall("Running stage '(.*)'", edited.changed) == ["code", "train", "evaluate"]
    assert len(project.journals()) == len(edited.journals) + 1
    assert project.metrics() != edited.metrics


def test_a_photograph_among_the_data_stays(first, project):
    """DVC removes the outputs of a stage before it runs, unless they persist."""
    folders = [project.folder / "data" / name / "digits" for name in ("raw", "prepared")]
    for folder in folders:
        (folder / "photo.png").write_text("of a person")
    said = project.dvc("repro", "--force", "preprocess", fails=True)
    assert f"{folders[0]}: photo.png, which fetch.py did not put there, and leaves there" in said
    assert f"error: expected no folder, or one with what an earlier preprocess.py left, received {folders[1]}" in said
    for folder in folders:
        assert (folder / "photo.png").read_text() == "of a person"
        (folder / "photo.png").unlink()
    project.dvc("repro", "--force", "preprocess")
    assert sorted(os.listdir(folders[0])) == OUTPUTS["data/raw/digits"]
