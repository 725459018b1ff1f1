"""`pipelines/scan.py`: what it leaves of small runs on the digits, and what it says where it cannot."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import error_line, forbid, link_data, run_program

from eyechart.data import open_dataset
from eyechart.errors import EyechartError
from eyechart.scan import Composition, Photograph, composed, photograph, scan

TINY = ["dataset=digits", "trainer.epochs=1", "limit=[200,60]", "tracking=none"]
WRITTEN = {"detections.csv", "detections.png", "map.npz", "scan.png", "stitching.png"}
CANVAS = Composition(60, 3, 0, None)


@pytest.fixture(scope="module")
def trained(digits_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which a convolutional, a dense and a recurrent net have been trained."""
    root = link_data(digits_root, tmp_path_factory.mktemp("scan") / "root")
    done = run_program(root, "train", "-m", *TINY, "model=cnn_strided,fnn,rnn")
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def run(trained: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The run key of each model, in the workspace that is in force."""
    monkeypatch.setenv("EYECHART_ROOT", str(trained))
    abouts = [json.loads(file.read_text()) for file in trained.glob(".eyechart/runs/*/artifacts/run.json")]
    return {about["title"].split()[0]: about["run_key"] for about in abouts}


# --- from outside


def test_a_canvas_is_scanned(trained, run, tmp_path):
    # without the tracking of runs, which a scan has nothing to do with
    done = run_program(
        trained, "scan", f"run={run['cnn_strided']}", "size=60", "digits=6", env=forbid(tmp_path / "modules", "mlflow")
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "windows of 16×16 pixels: 12×12 at strides of 4×4, 45×45 at every pixel" in done.stdout
    folder = trained / "results" / "scan"
    assert {path.name for path in folder.iterdir()} == {*WRITTEN, "places.csv"}
    for name in ("scan.png", "stitching.png", "detections.png"):
        with Image.open(folder / name) as image:
            assert len(set(np.asarray(image.convert("L")).flat)) > 10
    with np.load(folder / "map.npz") as found:
        full, coarse = found["probabilities"], found["coarse"]
        assert (full.dtype, full.shape, coarse.shape) == (np.float16, (45, 45, 10), (12, 12, 10))
        np.testing.assert_allclose(full.astype(float).sum(axis=-1), 1, atol=0.01)
        np.testing.assert_allclose(full[np.ix_(found["coarse_rows"], found["coarse_columns"])], coarse, atol=0.01)
        assert found["rows"].tolist() == found["columns"].tolist() == list(range(45))
        assert found["window"].tolist() == [16, 16]
        assert found["class_names"].tolist() == list("0123456789")
    rows = list(csv.DictReader((folder / "places.csv").read_text().splitlines()))
    assert len(rows) == 6
    assert {row["class"] for row in rows} <= set("0123456789")
    assert all(0 <= int(row[side]) <= 44 for row in rows for side in ("top", "left"))

    assert "probability 0.50 or more: " in done.stdout
    for row in csv.DictReader((folder / "detections.csv").read_text().splitlines()):
        label, top, left = int(row["class"]), int(row["top"]), int(row["left"])
        assert (row["height"], row["width"]) == ("16", "16")
        assert full[top, left].argmax() == label
        assert float(row["probability"]) == pytest.approx(full[top, left, label], abs=1e-3)

    # an image takes the place of the canvas, by the other method to nearly the same numbers
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 21, 3), np.uint8)).save(trained / "a.png")
    maps = {}
    for method in ("one_pass", "shift_and_stitch"):
        done = run_program(trained, "scan", f"run={run['fnn']}", "image=a.png", f"method={method}", "invert=true")
        assert done.returncode == 0, done.stderr
        assert {path.name for path in folder.iterdir()} == WRITTEN
        assert "right" not in done.stdout
        with np.load(folder / "map.npz") as found:
            maps[method] = found["probabilities"].astype(float)
    assert maps["one_pass"].shape == (15, 6, 10)
    np.testing.assert_allclose(maps["one_pass"], maps["shift_and_stitch"], atol=1e-3)


def test_what_is_typed_wrongly(program):
    assert "method must be one of one_pass, shift_and_stitch, received 'stitch'" in error_line(
        program("scan", "method=stitch")
    )
    assert "places must be a list of [row,column], received [[1, 2], [3]]" in error_line(
        program("scan", "places=[[1,2],[3]]")
    )
    assert "type image=FILE as well" in error_line(program("scan", "invert=true"))
    assert "digits must be 1 or more, received 0" in error_line(program("scan", "digits=0"))
    assert "there is no finished run yet" in error_line(program("scan"))


def test_a_recurrent_network_cannot_scan(trained, run):
    message = error_line(run_program(trained, "scan", f"run={run['rnn']}", "to=results/new"))
    assert "(SimpleRNN): a recurrent layer reads a sequence" in message
    assert message.endswith("type run= and a run of another model, such as model=lenet")
    assert not (trained / "results" / "new").exists()


def test_an_image_smaller_than_the_window(trained, run, tmp_path):
    Image.new("L", (20, 15), 77).save(tmp_path / "a.png")
    done = run_program(trained, "scan", f"run={run['fnn']}", f"image={tmp_path}/a.png", "to=results/new")
    assert "expected an image of 16x16 pixels or more, the size of the training images, received 15x20" in (
        error_line(done)
    )
    assert not (trained / "results" / "new").exists()


# --- from inside, before Keras is needed


def test_a_run_that_has_lost_its_model(run, trained, tmp_path):
    model = trained / ".eyechart" / "runs" / run["fnn"] / "artifacts" / "model.keras"
    model.rename(model.with_suffix(".away"))
    try:
        with pytest.raises(EyechartError, match=f"run {run['fnn']} has lost its model.keras"):
            scan(run["fnn"], CANVAS, tmp_path / "new", "one_pass")
    finally:
        model.with_suffix(".away").rename(model)


def test_a_folder_with_something_else(run, tmp_path):
    (tmp_path / "precious.txt").write_text("a text")
    with pytest.raises(EyechartError, match=r"received a folder with precious.txt: type to=NEW"):
        scan(run["fnn"], CANVAS, tmp_path, "one_pass")


def test_files_that_are_no_images(tmp_path, monkeypatch):
    file = tmp_path / "a.png"

    def refusal() -> str:
        with pytest.raises(EyechartError, match=r"^expected [^\n]*$") as caught:
            photograph(Photograph(file, False), 1)
        return str(caught.value)

    assert "received what cannot be read (no file): type image= and another file, or leave it out" in refusal()
    file.write_text("no image")
    assert "received what cannot be read (no PNG, JPEG or WebP)" in refusal()
    noise = np.random.default_rng(0).integers(0, 256, (15, 20), np.uint8)
    Image.fromarray(noise).save(file)
    content = file.read_bytes()
    file.write_bytes(content[:200])
    assert "received what cannot be read (truncated or corrupt)" in refusal()
    file.write_bytes(content)
    np.testing.assert_array_equal(photograph(Photograph(file, False), 1)[..., 0], noise)
    np.testing.assert_array_equal(photograph(Photograph(file, True), 3)[..., 2], 255 - noise)
    monkeypatch.setattr("eyechart.scan.MOST_PIXELS", 299)
    assert "pixels at most, received 15x20: shrink it, until what is to be found" in refusal()


# --- the canvas


def test_the_seed_decides_on_the_canvas(digits):
    dataset = open_dataset("digits")
    one, again, other = (composed(dataset, Composition(90, 5, seed, None)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.image, again.image)
    assert one.places == again.places
    assert not np.array_equal(one.image, other.image)
    given = composed(dataset, Composition(90, 99, 3, one.places))
    np.testing.assert_array_equal(given.image, one.image)
    assert given.labels == one.labels


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            Composition(15, 1, 0, None),
            "expected a canvas of 16 pixels, the size of the images of 'digits', to 2000",
        ),
        (Composition(2001, 1, 0, None), "received size=2001: type another size="),
        (
            Composition(40, 9, 0, None),
            "expected a canvas that 9 images of 16x16 pixels fit on at random",
        ),
        (Composition(2000, 9999, 0, None), r"expected 1 to \d+ test images of 'digits', received 9,999: type another"),
        (Composition(40, 1, 0, ((0, 0), (15, 7))), r"that do not overlap, received \[0,0\] and \[15,7\]"),
        (Composition(20, 1, 0, ((0, 5),)), r"received \[0,5\]: type rows from 0 to 4 and columns from 0 to 4"),
    ],
)
def test_a_canvas_that_cannot_be(digits, wanted, message):
    with pytest.raises(EyechartError, match=message):
        composed(open_dataset("digits"), wanted)
