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
from eyechart.scan import Composition, Photograph, composed, scan

TINY = ["dataset=digits", "trainer.epochs=1", "limit=[200,60]", "tracking=none"]
CANVAS = Composition(40, 3, 0, None)


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


def refusal(*arguments: object) -> str:
    with pytest.raises(EyechartError) as caught:
        scan(*arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- from outside


def test_a_canvas_is_scanned(trained, run, tmp_path):
    # without the tracking of runs, which a scan has nothing to do with
    done = run_program(
        trained, "scan", f"run={run['cnn_strided']}", "size=50", "digits=6", env=forbid(tmp_path / "modules", "mlflow")
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "windows of 8×8 pixels: 11×11 at strides of 4×4, 43×43 at every pixel" in done.stdout
    folder = trained / "results" / "scan"
    assert sorted(path.name for path in folder.iterdir()) == ["map.npz", "places.csv", "scan.png", "stitching.png"]
    for name in ("scan.png", "stitching.png"):
        with Image.open(folder / name) as image:
            assert len(set(np.asarray(image.convert("L")).flat)) > 10
    with np.load(folder / "map.npz") as found:
        full, coarse = found["probabilities"], found["coarse"]
        assert (full.dtype, full.shape, coarse.shape) == (np.float16, (43, 43, 10), (11, 11, 10))
        np.testing.assert_allclose(full.astype(float).sum(axis=-1), 1, atol=0.01)
        np.testing.assert_allclose(full[np.ix_(found["coarse_rows"], found["coarse_columns"])], coarse, atol=0.01)
        assert found["rows"].tolist() == found["columns"].tolist() == list(range(43))
        assert found["window"].tolist() == [8, 8]
        assert found["class_names"].tolist() == list("0123456789")
    rows = list(csv.DictReader((folder / "places.csv").open()))
    assert len(rows) == 6
    assert {row["class"] for row in rows} <= set("0123456789")
    assert all(0 <= int(row[side]) <= 42 for row in rows for side in ("top", "left"))

    # an image takes the place of the canvas, by the other method to nearly the same numbers
    Image.fromarray(RANDOM := np.random.default_rng(0).integers(0, 256, (30, 21, 3), np.uint8)).save(trained / "a.png")
    assert RANDOM.any()
    maps = {}
    for method in ("one_pass", "shift_and_stitch"):
        done = run_program(trained, "scan", f"run={run['fnn']}", "image=a.png", f"method={method}", "invert=true")
        assert done.returncode == 0, done.stderr
        assert sorted(path.name for path in folder.iterdir()) == ["map.npz", "scan.png", "stitching.png"]
        with np.load(folder / "map.npz") as found:
            maps[method] = found["probabilities"].astype(float)
    assert maps["one_pass"].shape == (23, 14, 10)
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


# --- from inside, one sentence each


def test_a_recurrent_network_cannot_scan(run, tmp_path):
    message = refusal(run["rnn"], CANVAS, tmp_path / "new", "one_pass")
    assert "(SimpleRNN): a recurrent layer reads a sequence" in message
    assert message.endswith("type run= and a run of another model, such as model=lenet")
    assert not (tmp_path / "new").exists()


def test_a_run_that_has_lost_its_model(run, trained, tmp_path):
    model = trained / ".eyechart" / "runs" / run["fnn"] / "artifacts" / "model.keras"
    model.rename(model.with_suffix(".away"))
    try:
        message = refusal(run["fnn"], CANVAS, tmp_path / "new", "one_pass")
    finally:
        model.with_suffix(".away").rename(model)
    assert message.startswith(f"run {run['fnn']} has lost its model.keras")


def test_a_folder_with_something_else(run, tmp_path):
    (tmp_path / "precious.txt").write_text("a text")
    assert "received a folder with precious.txt: type to=NEW" in refusal(run["fnn"], CANVAS, tmp_path, "one_pass")


def test_images_that_cannot_be_scanned(run, tmp_path, monkeypatch):
    to = tmp_path / "new"
    with pytest.raises(EyechartError, match="received what cannot be read \\(no file\\): type image= and another"):
        scan(run["fnn"], Photograph(tmp_path / "none.png", False), to, "one_pass")
    file = tmp_path / "a.png"
    file.write_text("no image")
    assert "(no PNG, JPEG or WebP)" in refusal(run["fnn"], Photograph(file, False), to, "one_pass")
    Image.new("L", (20, 20), 77).save(file)
    file.write_bytes(file.read_bytes()[:60])
    assert "received what cannot be read" in refusal(run["fnn"], Photograph(file, False), to, "one_pass")
    Image.new("L", (20, 7), 77).save(file)
    assert "expected an image of 8x8 pixels or more" in refusal(run["fnn"], Photograph(file, False), to, "one_pass")
    monkeypatch.setattr("eyechart.scan.MOST_PIXELS", 139)
    message = refusal(run["fnn"], Photograph(file, False), to, "one_pass")
    assert "pixels at most, received 7x20: shrink it, until" in message
    assert not to.exists()


# --- the canvas


def test_the_seed_decides_on_the_canvas(digits):
    dataset = open_dataset("digits")
    one, again, other = (composed(dataset, Composition(60, 5, seed, None)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.image, again.image)
    assert one.places == again.places
    assert not np.array_equal(one.image, other.image)
    given = composed(dataset, Composition(60, 99, 3, one.places))
    np.testing.assert_array_equal(given.image, one.image)
    assert given.labels == one.labels


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Composition(7, 1, 0, None), "expected a canvas of 8 pixels, the size of the images of 'digits', to 2000, rec"),
        (Composition(2001, 1, 0, None), "received size=2001: type another size="),
        (Composition(20, 9, 0, None), "expected a canvas that 9 images of 8x8 pixels fit on at random, received size"),
        (Composition(2000, 9999, 0, None), r"expected 1 to \d+ test images of 'digits', received 9,999: type another"),
        (Composition(20, 1, 0, ((0, 0), (7, 7))), r"that do not overlap, received \[0,0\] and \[7,7\]"),
        (Composition(20, 1, 0, ((0, 13),)), r"received \[0,13\]: type rows from 0 to 12 and columns from 0 to 12"),
    ],
)
def test_a_canvas_that_cannot_be(digits, wanted, message):
    with pytest.raises(EyechartError, match=message):
        composed(open_dataset("digits"), wanted)
