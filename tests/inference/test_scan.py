"""`pipelines/scan.py`: what it leaves of small runs on the digits, and what it says where it cannot."""

from __future__ import annotations

import csv
import json
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import REPOSITORY, command, environment, error_line, files_below, forbid, link_data, run_program

from eyechart.core.errors import EyechartError
from eyechart.core.folders import MARK
from eyechart.inference.network import Network, open_network
from eyechart.inference.scan import Photograph, photograph, scan
from eyechart.inference.scanning import Geometry
from eyechart.inference.scanning.canvas import Composition
from eyechart.inference.scanning.tiling import Tile

TINY = ["dataset=digits", "trainer.epochs=1", "limit=[200,60]", "tracking=none"]
WRITTEN = {
    MARK, "coarse.npy", "detections.csv", "detections.png", "map.json", "probabilities.npy", "scan.png",
    "stitching.png",
}  # fmt: skip
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
    full, coarse = (np.load(folder / name, mmap_mode="r") for name in ("probabilities.npy", "coarse.npy"))
    assert (full.dtype, full.shape) == (np.float16, (45, 45, 10))
    assert (coarse.dtype, coarse.shape) == (np.float16, (12, 12, 10))
    np.testing.assert_allclose(full.astype(float).sum(axis=-1), 1, atol=0.01)
    np.testing.assert_allclose(full[::4, ::4], coarse, atol=0.01)
    about = json.loads((folder / "map.json").read_text())
    assert about == {"window": [16, 16], "stride": [4, 4], "class_names": list("0123456789")}
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
        assert {path.name for path in folder.iterdir()} == WRITTEN - {"coarse.npy", "stitching.png"}  # at a stride of 1
        assert "right" not in done.stdout
        maps[method] = np.load(folder / "probabilities.npy").astype(float)
    assert maps["one_pass"].shape == (15, 6, 10)
    np.testing.assert_allclose(maps["one_pass"], maps["shift_and_stitch"], atol=1e-3)


def test_what_is_typed_wrongly(program):
    assert "method must be one of one_pass, shift_and_stitch, received 'stitch'" in error_line(
        program("scan", "method=stitch")
    )
    assert "places must be a list of [row,column], received [[1, 2], [3]]" in error_line(
        program("scan", "places=[[1,2],[3]]")
    )
    assert "places must be a list of [row,column], received [1, 2]" in error_line(program("scan", "places=[1,2]"))
    assert "type image=FILE as well" in error_line(program("scan", "invert=true"))
    for word in ("background=true", "size=300", "digits=2", "seed=1", "places=[[0,0]]", "size=200", "++seed=0"):
        said = error_line(program("scan", word, "image=a.png"))
        assert said.startswith(f"error: {word.partition('=')[0].lstrip('+')}= is for a canvas: type it without image=")
    assert "there is no champion yet: type" in error_line(program("scan", "run=champion"))
    assert "digits must be 1 or more, received 0" in error_line(program("scan", "digits=0"))
    assert "there is no finished run yet" in error_line(program("scan"))


def test_what_a_person_wrote_into_the_yaml_is_not_typed(program, tmp_path):
    conf = tmp_path / "conf"
    shutil.copytree(REPOSITORY / "conf", conf)
    text = (conf / "scan.yaml").read_text()
    changed = text.replace("size: 200 ", "size: 300 ").replace("invert: false ", "invert: true ")
    (conf / "scan.yaml").write_text(changed)

    def said(*words: str) -> str:
        return error_line(program("scan", f"--config-path={conf}", *words))

    assert "size: 300\n" in program("scan", f"--config-path={conf}", "--cfg", "job").stdout
    for words in (["image=a.png"], []):
        assert "there is no finished run yet" in said(*words)
    for word in ("size=200", "size=300"):  # the default of the package, and that of the person
        assert said(word, "image=a.png").startswith("error: size= is for a canvas: type it without image=")
    assert "type image=FILE as well" in said("invert=true")


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


def test_an_interruption_leaves_what_was_there(trained, run, tmp_path):
    to = tmp_path / "results"
    to.mkdir()
    for name in ("scan.png", "map.npz"):  # as an earlier version left them
        (to / name).write_text("of before")
    process = subprocess.Popen(
        command("scan", f"run={run['fnn']}", "size=6000", f"to={to}"),
        cwd=tmp_path,
        env=environment(trained),
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not any(tmp_path.rglob("probabilities.npy")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "interrupted\n")
    assert files_below(tmp_path) == ["results/map.npz", "results/scan.png"]


def test_a_file_that_cannot_be_written(trained, run, tmp_path):
    def full_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    done = subprocess.run(
        command("scan", f"run={run['fnn']}", f"to={tmp_path}/new"),
        cwd=trained,
        env=environment(trained, PYTHONDONTWRITEBYTECODE="1"),
        preexec_fn=full_disk,
        capture_output=True,
        text=True,
        timeout=60,
    )
    told = "raise the limit on the size of files (ulimit -f), then type the same again"
    assert error_line(done) == f"error: File too large, at {tmp_path}/new: {told}"
    assert files_below(tmp_path) == []


# --- from inside, before Keras is needed


def network(run_key: str) -> Network:
    with open_network(run_key, None, None) as found:
        return found


def test_a_disk_without_room_for_the_maps(run, tmp_path, monkeypatch):
    class Huge:
        channels, geometry = 1, Geometry((16, 16), (1, 1), (0, 0), (0, 0), False)

        def tiles(self, image: np.ndarray, method: str) -> list[Tile]:
            return []

        def shape(self, image: np.ndarray, method: str) -> tuple[int, int, int]:
            return 10**6, 10**6, 10

    monkeypatch.setattr("eyechart.inference.scan.scanner_of", lambda network: Huge())
    with pytest.raises(
        EyechartError, match=r"room for maps of 20000\.0 GB, received a disk with .* GB to spare: type to="
    ):
        scan(network(run["fnn"]), CANVAS, tmp_path / "new", "one_pass")
    assert files_below(tmp_path) == []


def test_a_canvas_for_a_network_that_was_trained_elsewhere(tmp_path):
    champion = Network("digits, version 1", tmp_path / "model.keras", "jax", ("a", "b"))
    with pytest.raises(
        EyechartError, match=r"received digits, version 1, which was trained elsewhere: type image=FILE"
    ):
        scan(champion, CANVAS, tmp_path / "new", "one_pass")


def test_a_folder_with_something_else(run, tmp_path):
    (tmp_path / "precious.txt").write_text("a text")
    with pytest.raises(EyechartError, match=r"received a folder with precious.txt: type to=NEW"):
        scan(network(run["fnn"]), CANVAS, tmp_path, "one_pass")


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
    monkeypatch.setattr("eyechart.inference.scan.MOST_PIXELS", 299)
    assert "pixels at most, received 15x20: shrink it, until what is to be found" in refusal()
