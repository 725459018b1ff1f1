"""`pipelines/predict.py`: what trained networks take images for that lie in files, and what it says where it cannot."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support import command, environment, error_line, files_below, link_data, mlflow_runs, run_program

from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.core.files import write_json
from eyechart.core.folders import MARK
from eyechart.core.words import counted
from eyechart.inference.network import Network, open_network
from eyechart.inference.predict import predict, printable
from eyechart.runs.journal import Journal
from eyechart.runs.run import Run
from eyechart.tracking import registry
from eyechart.tracking.registry import Version
from eyechart.tracking.store import Store

TINY = ["dataset=digits", "trainer.epochs=1", "limit=[200,60]"]


# --- from outside, on runs that were trained


@pytest.fixture(scope="module")
def trained(digits_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which networks have been trained, last a convolutional one, and whose data are gone."""
    root = link_data(digits_root, tmp_path_factory.mktemp("predict") / "root")
    done = run_program(root, "train", "-m", *TINY, "model=rnn_per_step,cnn", "tracking=local")
    assert done.returncode == 0, done.stderr
    (root / "data").unlink()
    return root


@pytest.fixture(scope="module")
def photos(digits_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test images that the runs were tested on, as `<index>.png`."""
    folder = tmp_path_factory.mktemp("photos")
    for index, image in enumerate(test_images(digits_root)):
        Image.fromarray(image).save(folder / f"{index}.png")
    return folder


def test_images(digits_root: Path) -> np.ndarray:
    return np.load(digits_root / "data" / "prepared" / "digits" / "test_images.npy")[..., 0]


test_images.__test__ = False  # type: ignore[attr-defined]


def artifacts(root: Path, model: str) -> Path:
    """The files of the run of a model."""
    runs = {
        json.loads(file.read_text())["title"].split()[0]: file.parent
        for file in (root / ".eyechart" / "runs").glob("*/artifacts/run.json")
    }
    return runs[model]


def answers(root: Path, to: str = "results/predict") -> tuple[list[str], dict[str, dict[str, str]]]:
    """The titles of the table of predictions, and its rows by the names of the files."""
    with (root / to / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return list(rows[0]), {Path(row["file"]).name: row for row in rows}


def probabilities(row: dict[str, str]) -> np.ndarray:
    return np.array([float(row[str(digit)]) for digit in range(10)])


@pytest.mark.parametrize("model", ["cnn", "rnn_per_step"])
def test_images_in_files_are_taken_for_what_the_run_took_them_for(trained, photos, model):
    run_key = artifacts(trained, model).parent.name
    done = run_program(trained, "predict", f"run={run_key}", f"images={photos}/*.png")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    titles, rows = answers(trained)
    assert titles == ["file", "class", "probability", *map(str, range(10))]
    assert len(rows) == len(list(photos.iterdir()))
    table = pd.read_parquet(artifacts(trained, model) / "predictions.parquet")
    for _, known in table[table["part"] == "test"].iterrows():
        row = rows[f"{known['index']}.png"]
        assert row["class"] == str(known["prediction"])
        assert np.allclose(probabilities(row), [known[f"p{digit}"] for digit in range(10)], rtol=0, atol=1e-6)
        assert float(row["probability"]) == probabilities(row).max()

    lines = done.stdout.splitlines()
    assert lines[0] == f"{model} on digits, run {run_key}"
    assert sum("photos" in line for line in lines) == 20
    assert f"and {len(rows) - 20} more in predictions.csv" in lines
    assert lines[-1] == f"contact_sheet.png, predictions.csv: {trained}/results/predict"
    with Image.open(trained / "results" / "predict" / "contact_sheet.png") as sheet:
        assert len(set(np.asarray(sheet.convert("L")).flat)) > 10


@pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")
def test_the_champion_here_and_where_it_was_not_trained(trained, photos, tmp_path):
    run_key = artifacts(trained, "rnn_per_step").parent.name
    store = Store(f"sqlite:///{trained}/mlflow.db")
    (run,) = [run for run in mlflow_runs(trained) if run.data.tags.get("eyechart.run_key") == run_key]
    registry.point(store, "champion", registry.register(store, "digits", run_key, run.info.run_id))

    done = run_program(trained, "predict", "run=champion", f"images={photos}/1*.png", "tracking=local")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines()[0] == f"rnn_per_step on digits, run {run_key} (digits, version 1)"
    here = answers(trained)

    elsewhere = ["tracking=server", f"tracking.uri={store.uri}", "name=digits"]
    (tmp_path / "root").mkdir()
    done = run_program(tmp_path / "root", "predict", "run=champion", f"images={photos}/1*.png", *elsewhere)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines()[0] == "digits, version 1"
    assert answers(tmp_path / "root") == here
    assert not (tmp_path / "root" / ".eyechart" / "runs").exists()


def test_no_champion_yet(program):
    assert "there is no champion yet: type python pipelines/promote.py" in error_line(
        program("predict", "run=champion", "images=.")
    )


def test_images_of_any_kind_and_name_and_some_that_are_none(trained, photos, digits_root, tmp_path):
    folder = tmp_path / "my photos"
    folder.mkdir()
    image = test_images(digits_root)[0]
    Image.fromarray(image).save(folder / "gray.png")
    Image.fromarray(image).convert("RGB").save(folder / "colour, (1).webp", lossless=True)
    turned = Image.Exif()
    turned[0x0112] = 3
    Image.fromarray(np.rot90(image, 2)).save(folder / "grüße 日本.PNG", exif=turned)
    Image.fromarray(image.repeat(9, axis=0).repeat(9, axis=1)).save(folder / "large.jpg", quality=95)
    (folder / "notes.txt").write_text("ignored in a folder")
    (folder / "broken.png").write_bytes((folder / "gray.png").read_bytes()[:60])
    (folder / "text.jpg").write_text("no image")

    done = run_program(trained, "predict", "images=my photos", "to=results/kinds", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "cannot read my photos/broken.png: truncated or corrupt",
        "cannot read my photos/text.jpg: no PNG, JPEG or WebP",
        "2 of 6 files could not be read",
    ]
    _, rows = answers(trained, "results/kinds")
    assert list(rows) == ["colour, (1).webp", "gray.png", "grüße 日本.PNG", "large.jpg"]
    gray = probabilities(rows["gray.png"])
    for name in ("colour, (1).webp", "grüße 日本.PNG"):
        assert np.allclose(probabilities(rows[name]), gray, rtol=0, atol=1e-6)
    assert np.allclose(probabilities(rows["large.jpg"]), gray, rtol=0, atol=0.1)
    assert "my photos/grüße 日本.PNG" in done.stdout


def test_one_image_inverted_and_the_same_command_twice(trained, digits_root, tmp_path):
    known = pd.read_parquet(artifacts(trained, "cnn") / "predictions.parquet").iloc[-1]
    Image.fromarray(255 - test_images(digits_root)[known["index"]]).save(tmp_path / "grüße, (1) it's.png")
    words = ["images=grüße, (1) it's.png", "invert=true", f"to={tmp_path}/new", "sheet=false"]
    written = []
    for _ in range(2):
        done = run_program(trained, "predict", *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert files_below(tmp_path / "new") == [MARK, "predictions.csv"]
        written.append((tmp_path / "new" / "predictions.csv").read_bytes())
    assert written[0] == written[1]
    (row,) = answers(tmp_path, "new")[1].values()
    assert np.allclose(probabilities(row), [known[f"p{digit}"] for digit in range(10)], rtol=0, atol=1e-6)


def test_no_file_can_be_read(trained, tmp_path):
    (tmp_path / "a.png").write_text("no image")
    done = run_program(trained, "predict", "images=a.png", f"to={tmp_path}/new", cwd=tmp_path)
    assert error_line(done) == "error: expected PNG, JPEG or WebP images, received 1 file, and none can be read"
    assert "cannot read a.png: no PNG, JPEG or WebP\n" in done.stderr
    assert not (tmp_path / "new").exists()


def test_the_backend_of_the_run_is_not_installed(trained, photos, tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise ModuleNotFoundError('No module named tensorflow')")
    done = run_program(trained, "predict", f"images={photos}", f"to={tmp_path}/new", env={"PYTHONPATH": str(tmp_path)})
    expected = "expected tensorflow, which is not installed (No module named tensorflow): type pip install tensorflow"
    assert error_line(done) == f"error: {expected}"


def test_no_images_are_named(program):
    assert "configuration key 'images': no value: type images=VALUE" in error_line(program("predict"))


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_what_was_there(trained, tmp_path, sent):
    to = tmp_path / "results"
    to.mkdir()
    (to / "predictions.csv").write_text("file,class,probability\nof before\n")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "0.png").write_text("told of on stderr, so that it is known when the reading has begun")
    Image.new("L", (3000, 3000)).save(tmp_path / "photos" / "1.png")
    for number in range(2, 2000):
        os.link(tmp_path / "photos" / "1.png", tmp_path / "photos" / f"{number}.png")
    process = subprocess.Popen(
        command("predict", "images=photos", f"to={to}"),
        cwd=tmp_path,
        env=environment(trained),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "cannot read photos/0.png: no PNG, JPEG or WebP\n"
    process.send_signal(sent)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert (to / "predictions.csv").read_text() == "file,class,probability\nof before\n"
    assert files_below(tmp_path) == sorted([*(f"photos/{n}.png" for n in range(2000)), "results/predictions.csv"])


# --- which run, and what is wrong with it


def a_run(key: str, status: str = "FINISHED", **files: str) -> Path:
    """The journal and the files of a run that says what it has to, with a model that nobody reads."""
    folder = paths.runs() / key
    journal = Journal(folder)
    journal.append("start", name=key)
    journal.append("model", path="artifacts/model.keras", backend="jax")
    journal.append("end", status=status, result={})
    journal.close()
    artifacts = folder / "artifacts"
    artifacts.mkdir()
    contents = {
        "run.json": '{"title": "a net on pets"}',
        "per_class.json": '{"class": ["cat", "dog"]}',
        "model.keras": "no model",
    }
    for name, text in (contents | files).items():
        (artifacts / name).write_text(text)
    return folder


def network(run: str | None = None, name: str | None = None, store: Any = None) -> Network:
    with open_network(run, name, store) as found:
        return found


def refusal(run: str | None = None, name: str | None = None, store: Any = None) -> str:
    with pytest.raises(EyechartError) as caught:
        network(run, name, store)
    return str(caught.value)


def test_what_is_to_be_known_of_a_run(root):
    folder = a_run("abcdef0123")
    title, file = "a net on pets, run abcdef0123", folder / "artifacts" / "model.keras"
    expected = Network(title, file, "jax", ("cat", "dog"), Run("abcdef0123"))
    assert network("abcdef") == network("last") == network(None) == expected


def prepared(name: str, digest: str, *class_names: str) -> None:
    """As much of a prepared data set as says what its classes are called."""
    write_json(paths.prepared(name) / "dataset.json", {"digest": digest, "class_names": class_names})


def test_classes_are_called_as_in_the_data_that_a_run_was_trained_on(root):
    folder = a_run("abcdef0123", **{"per_class.json": '{"class": ["cat", "dgo"]}'})
    recorded = ("cat", "dgo")
    assert network("abcdef").class_names == recorded
    prepared("pets", "d" * 64, "cat", "dog")
    assert network("abcdef").class_names == recorded  # it does not say what it was trained on
    journal = Journal(folder)
    journal.append("tags", values={"eyechart.data_digest": "d" * 64})
    journal.append("params", values={"model": "fnn", "dataset": "pets"})
    journal.close()
    assert network("abcdef").class_names == ("cat", "dog")
    for digest, class_names in (("e" * 64, ("cat", "dog")), ("d" * 64, ("cat", "dog", "cow"))):
        prepared("pets", digest, *class_names)
        assert network("abcdef").class_names == recorded
    assert json.loads((folder / "artifacts/per_class.json").read_text())["class"] == list(recorded)


def test_the_module_of_a_persons_own_network_is_found(root, tmp_path, monkeypatch):
    folder = a_run("abcdef0123")
    assert not network("abcdef").import_own()
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "gated_nets.py").write_text("class Gated:\n    pass\n")
    for name, found in (("gated_nets.Absent", False), ("nowhere.Gated", False), ("gated_nets.Gated", True)):
        journal = Journal(folder)
        journal.append("params", values={"model": "fnn", "model._target_": name})
        journal.close()
        assert network("abcdef").import_own() is found


def test_a_run_that_is_not_there(root):
    assert refusal().startswith("there is no finished run yet: type")
    a_run("abcdef0123")
    assert refusal("abcdee0123").startswith("there is no run 'abcdee0123'")


def test_an_unfinished_run(root):
    a_run("k", status="KILLED")
    assert refusal("k") == "run k is not finished: type the command that trains it again, it goes on"


@pytest.mark.parametrize("file", ["model.keras", "per_class.json", "run.json"])
def test_a_run_that_has_lost_a_file(root, file):
    folder = a_run("k")
    (folder / "artifacts" / file).unlink()
    assert refusal("k").startswith(f"run k has lost its {file}: expected it in {folder}/artifacts; move ")


@pytest.mark.parametrize(("file", "text"), [("per_class.json", "{}"), ("run.json", "{")])
def test_a_run_with_a_broken_file(root, file, text):
    folder = a_run("k", **{file: text})
    assert refusal("k").startswith(f"a file of the run in {folder}/artifacts is broken: ")


def test_a_model_name_without_a_champion(root):
    assert "type run=champion as well" in refusal("k", name="digits")


def test_a_champion_without_tracking(root):
    assert "received no tracking" in refusal("champion")


def a_package(folder: Path, metadata: str) -> Version:
    """A champion that was trained elsewhere, and what is downloaded of it."""
    (folder / "data").mkdir(parents=True)
    (folder / "MLmodel").write_text(f"flavors: {{keras: {{keras_backend: jax}}}}\nmetadata: {metadata}\n")
    return Version("pets", "3", "abcdef0123", "of MLflow", "m-1")


def test_a_champion_that_was_trained_elsewhere(root, monkeypatch):
    version = a_package(root / "package", "{class_names: ['1', no one], dataset: pets}")
    file = root / "package" / "data" / "model.keras"
    monkeypatch.setattr(registry, "champion", lambda store, name: version)
    monkeypatch.setattr(registry, "download_model", lambda store, version, to: file)
    monkeypatch.setattr(registry, "data_digest", lambda store, version: "d" * 64)
    assert network("champion", store=Store()) == Network("pets, version 3", file, "jax", ("1", "no one"))
    prepared("animals", "d" * 64, "one", "none")
    assert network("champion", store=Store()).class_names == ("one", "none")
    a_run("abcdef0123", status="KILLED")
    assert network("champion", store=Store()).file == file


def test_a_champion_that_does_not_name_its_classes(root, monkeypatch):
    version = a_package(root / "package", "null")
    monkeypatch.setattr(registry, "champion", lambda store, name: version)
    monkeypatch.setattr(registry, "download_model", lambda *_: root / "package" / "data" / "model.keras")
    monkeypatch.setattr(registry, "data_digest", lambda *_: None)
    assert refusal("champion", store=Store()).startswith("expected pets, version 3 to name its classes, received ")


# --- which images, and where to

NOBODY = Network("nobody", Path("model.keras"), "tensorflow", ("a", "b"))


def not_written(to: Path, *images: str) -> str:
    with pytest.raises(EyechartError) as caught:
        predict(NOBODY, images, to, sheet=True, invert=False)
    return str(caught.value)


def test_no_such_image(root, tmp_path):
    assert "received 'a.png', which nothing in" in not_written(root / "new", "a.png")
    assert "there is no image in" in not_written(root / "new", str(tmp_path))
    assert not (root / "new").exists()


def test_only_an_earlier_prediction_is_replaced(root):
    precious = root / "holiday" / "beach.png"
    precious.parent.mkdir()
    precious.write_text("a picture")
    expected = "expected no folder, or one with what an earlier predict.py left, received "
    assert not_written(precious.parent, "a.png") == f"{expected}a folder with beach.png: type to=NEW"
    assert not_written(precious, "a.png") == f"{expected}a file: type to=NEW"
    assert precious.read_text() == "a picture"
    shutil.move(precious, precious.with_name("predictions.csv"))
    assert not_written(precious.parent, "a.png") == f"{expected}a folder with predictions.csv: type to=NEW"
    (precious.parent / "predictions.csv").write_text("file,class,probability,0,1\n")  # as earlier versions left it
    assert "received 'a.png'" in not_written(precious.parent, "a.png")  # it is the next thing that is wrong


# --- what is typed, and what is shown


@given(st.text(st.characters()))
def test_any_name_can_be_shown(text):
    shown = printable(text)
    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert printable(shown) == shown
    assert shown == text or not text.isprintable()


@pytest.mark.parametrize(("number", "text"), [(0, "0 files"), (1, "1 file"), (2000, "2,000 files")])
def test_numbers_of_files(number, text):
    assert counted(number, "file") == text
