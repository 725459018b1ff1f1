"""`pipelines/explain.py`: what it leaves of small runs on the digits, and what it says where it cannot."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image
from support import error_line, forbid, link_data, mlflow_runs, run_program

from eyechart.core import paths
from eyechart.core.errors import DataError, EyechartError
from eyechart.data import Slice
from eyechart.inference.explain import explain, sample
from eyechart.runs.journal import Journal, read_journal
from eyechart.runs.run import Run
from eyechart.tracking import MLflowCourier
from eyechart.tracking.config import TrackingConfig

TINY = ["dataset=digits", "trainer.epochs=1", "limit=[200,60]"]
NOWHERE = MLflowCourier(TrackingConfig(mode="none"))


# --- from outside, on runs that were trained


@pytest.fixture(scope="module")
def trained(digits_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which first a dense net, then a convolutional net has been trained."""
    root = link_data(digits_root, tmp_path_factory.mktemp("explain") / "root")
    done = run_program(root, "train", "-m", *TINY, "model=fnn,cnn", "tracking=local")
    assert done.returncode == 0, done.stderr
    return root


def keys(root: Path) -> dict[str, str]:
    """The run key of each model."""
    found = {}
    for file in (root / ".eyechart" / "runs").glob("*/artifacts/run.json"):
        about = json.loads(file.read_text())
        found[about["title"].split()[0]] = about["run_key"]
    return found


def pictures(folder: Path) -> dict[str, bytes]:
    """Every picture in a folder, each larger than an empty page and of more than one colour."""
    found = {}
    for path in sorted(folder.glob("*.png")):
        with Image.open(path) as image:
            assert len(set(np.asarray(image.convert("L")).flat)) > 10, path
        found[path.name] = path.read_bytes()
    return found


@pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")
def test_a_convolutional_run_is_explained_once_and_for_all(trained, monkeypatch):
    key = keys(trained)["cnn"]
    done = run_program(trained, "explain", f"run={key}", "images=2")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert f"4 new to run {key}" in done.stdout
    first = pictures(trained / "results" / "explain")
    assert sorted(first) == ["feature_maps_1.png", "feature_maps_2.png", "filters.png", "fixed_filters.png"]

    done = run_program(trained, "explain", f"run={key}", "images=3", "tracking=local")
    assert done.returncode == 0, done.stderr
    assert f"1 new to run {key}" in done.stdout
    more = pictures(trained / "results" / "explain")
    assert more == first | {"feature_maps_3.png": more["feature_maps_3.png"]}

    (run,) = [run for run in mlflow_runs(trained) if run.data.tags.get("eyechart.run_key") == key]
    assert run.info.status == "FINISHED"
    for name, content in more.items():
        assert (run.artifacts / name).read_bytes() == content
        assert len(list((run.artifacts / "images").glob(f"{Path(name).stem}+step*.png"))) == 1
    kinds = [record["kind"] for record in read_journal(trained / ".eyechart" / "runs" / key)]
    assert kinds.count("end") == 1
    assert kinds[kinds.index("end") + 1 :] == ["artifact", "image"] * 5
    monkeypatch.setenv("EYECHART_ROOT", str(trained))
    assert Run(key).finished


def test_of_a_dense_net_the_weights_are_shown_where_nothing_is_delivered(trained, tmp_path):
    done = run_program(
        trained, "explain", f"run={keys(trained)['fnn']}", f"to={tmp_path}/new", "tracking=none",
        env=forbid(tmp_path / "modules", "mlflow"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == (
        "notice: no layer of this network makes maps of an image: there are no feature maps to show\n"
    )
    assert sorted(pictures(tmp_path / "new")) == ["filters.png", "fixed_filters.png"]


# --- which run, and what is wrong with it


def a_run(key: str, ended: int = 0, status: str = "FINISHED", digest: str = "") -> Path:
    """The journal and the files of a run that says what it has to, with a model that nobody reads."""
    folder = paths.runs() / key
    journal = Journal(folder)
    journal.append("start", name=key)
    journal.append("tags", values={"eyechart.data_digest": digest})
    journal.append("end", status=status, result={})
    journal.close()
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    lines[-1]["t"] = ended
    journal.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    artifacts = folder / "artifacts"
    artifacts.mkdir()
    (artifacts / "run.json").write_text(json.dumps({"title": "a net on digits", "dataset": "digits"}))
    (artifacts / "config.yaml").write_text("backend: tensorflow\n")
    (artifacts / "model.keras").write_text("no model")
    return folder


def refusal(run: str | None = None, to: Path | None = None, images: int = 1) -> str:
    with pytest.raises(EyechartError) as caught:
        explain(Run.find(run), to or paths.results() / "explain", images, NOWHERE)
    return str(caught.value)


def test_a_run_that_was_kept_from_mlflow_stays_so(trained):
    done = run_program(trained, "train", *TINY, "model=fnn", "seed=7", "tracking=none")
    assert done.returncode == 0, done.stderr
    done = run_program(trained, "explain", "tracking=local")
    assert done.returncode == 0, done.stderr
    assert "2 new to run" in done.stdout
    assert len(mlflow_runs(trained)) == 3  # a sweep and its runs


def test_a_model_that_is_another_file(trained, tmp_path):
    key = keys(trained)["fnn"]
    copy = trained / ".eyechart/runs/copy"
    shutil.copytree(copy.with_name(key), copy)
    (copy / "artifacts/model.keras").write_text("no model")
    try:
        line = error_line(run_program(trained, "explain", "run=copy", f"to={tmp_path}/new", "tracking=none"))
    finally:
        shutil.rmtree(copy)
    assert line.startswith(f"error: {copy}/artifacts/model.keras is damaged: expected ")
    assert line.endswith("to have it again, move the run's folder away and train the run again")


def test_more_images_than_anybody_looks_at(root):
    a_run("k")
    assert refusal(images=101) == "images must be 100 or less, received 101: each has a picture of its own"


def test_without_any_run(program):
    assert "there is no finished run yet: type" in error_line(program("explain"))


def test_an_unknown_run(root):
    assert refusal("..").startswith("there is no run '..'")


def test_an_unfinished_run(root):
    a_run("k", status="KILLED")
    assert refusal("k").startswith("run k is not finished: type the command that trains it again")


def test_a_run_that_is_being_trained(root):
    folder = a_run("k")
    with FileLock(folder / "lock"):
        assert refusal("k").startswith("run k is in the hands of another process")
    assert "image" not in {record["kind"] for record in read_journal(folder)}


@pytest.mark.parametrize("file", ["model.keras", "run.json"])
def test_a_run_that_has_lost_a_file(root, file):
    folder = a_run("k")
    (folder / "artifacts" / file).unlink()
    assert refusal("k").startswith(f"run k has lost its {file}: expected it in {folder}/artifacts; move ")


def test_a_data_set_that_is_no_longer_prepared(root):
    a_run("k")
    with pytest.raises(DataError, match="data set 'digits' is not prepared"):
        explain(Run("k"), root / "new", 1, NOWHERE)
    assert not (root / "new").exists()


def test_a_data_set_with_other_content(digits):
    a_run("k", digest="0" * 64)
    assert refusal("k").startswith("expected 'digits' as run k was trained on it (digest 000000000000), received other")


def test_only_pictures_of_an_earlier_run_are_replaced(root):
    a_run("k")
    precious = root / "holiday" / "beach.png"
    precious.parent.mkdir()
    precious.write_text("a picture")
    message = "expected no folder, or one with what an earlier explain.py left, received "
    assert refusal("k", precious.parent).startswith(f"{message}a folder with beach.png")
    assert refusal("k", precious).startswith(f"{message}a file")
    assert precious.read_text() == "a picture"
    shutil.move(precious, precious.with_name("filters.png"))
    assert refusal("k", precious.parent).startswith(f"{message}a folder with filters.png")
    (precious.parent / "fixed_filters.png").touch()  # as earlier versions left it
    assert "data set 'digits' is not prepared" in refusal("k", precious.parent)  # it is the next thing that is wrong


def test_no_image_is_asked_for(program):
    assert "images must be 1 or more, received 0" in error_line(program("explain", "images=0"))


# --- which images


def test_the_first_of_each_class_then_the_second():
    labels = np.array([2, 0, 0, 2, 1, 0, 2], np.int32)
    test = Slice(np.zeros((7, 1, 1, 1), np.uint8), labels, np.arange(7))
    assert sample(test, 7).tolist() == [1, 4, 0, 2, 3, 5, 6]
    assert sample(test, 4).tolist() == [1, 4, 0, 2]
    assert len(sample(test, 100)) == 7
