"""A person's own data set: one YAML without a hash. What is found is the data set, and is kept as it was found."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
from data.pictures import flowers
from omegaconf import OmegaConf
from support import (
    IDX_FILES,
    REPOSITORY,
    error_line,
    files_below,
    idx_bytes,
    run_program,
    tiny_config,
    tiny_images,
    write_idx,
)

from eyechart.core.errors import DataError
from eyechart.data import open_dataset
from eyechart.data.config import FORMATS, DatasetConfig, FormConfig, PrepareConfig, read_config
from eyechart.data.fetch import fetch, read_raw
from eyechart.data.prepare import prepare

PAGE = (REPOSITORY / "docs/data-sets.md").read_text()
*YAMLS, MADE_OF_ANOTHER = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("text", YAMLS)
def test_the_data_sets_of_the_documents_are_of_ten_lines(text):
    dataset = read_config(PrepareConfig, OmegaConf.create({"dataset": OmegaConf.create(text)})).dataset
    assert text.startswith(f"# python pipelines/fetch.py dataset={dataset.name}\n")
    assert len(text.splitlines()) <= 10
    assert dataset.sha256 is None


def test_the_data_set_of_the_documents_that_is_made_of_another_is_that_of_conf():
    file = REPOSITORY / "conf/dataset/mnist_background.yaml"
    assert OmegaConf.create(MADE_OF_ANOTHER) == OmegaConf.load(file)
    assert MADE_OF_ANOTHER.splitlines()[0] == file.read_text().splitlines()[0]


def test_the_documents_name_every_data_set_and_every_format():
    for name in (*FORMATS, *(path.stem for path in (REPOSITORY / "conf/dataset").glob("*.yaml"))):
        assert f"| `{name}` |" in PAGE


def of_folder(size: tuple[int, int] = (4, 4)) -> DatasetConfig:
    form = FormConfig("folder", ["flowers"], caches=["~/pictures"], image_size=list(size), channels=3)
    return DatasetConfig(name="flowers", forms=[form])


def of_idx(*places: str) -> DatasetConfig:
    return DatasetConfig(name="mine", forms=[FormConfig("idx", IDX_FILES, caches=list(places))])


@pytest.fixture
def pictures(home: Path) -> Path:
    """19 images of three unequal classes, and a file that is none, in the home."""
    top = flowers(home / "pictures" / "flowers", {"daisy": 12, "rose": 5, "tulip": 2})
    (top / "notes.txt").write_text("x")
    return top


def test_a_folder_by_the_programs_with_nothing_but_ten_lines(pictures, root, tmp_path):
    """The lines lie in a folder of their own here, so that the checkout stays as it is."""
    (tmp_path / "mine/dataset").mkdir(parents=True)
    (tmp_path / "mine/dataset/flowers.yaml").write_text(YAMLS[0])

    def program(name: str, *arguments: str):
        return run_program(
            root,
            name,
            f"--config-dir={tmp_path / 'mine'}",
            "dataset=flowers",
            *arguments,
            env={"HOME": str(pictures.parents[1])},
        )

    done = program("fetch")
    assert done.stdout == (
        f"flowers fetched from ~/pictures and verified: {root}/data/raw/flowers\n"
        "next: python pipelines/preprocess.py dataset=flowers\n"
    ), done.stderr
    assert f"note: passed over 1 file in {pictures} that is no image: 1 .txt\n" in done.stderr
    done = program("preprocess")
    assert done.stdout.startswith("flowers prepared: 16 training and 3 test images of 64x64x3 in 3 classes: "), (
        done.stderr
    )
    description = json.loads((root / "data/prepared/flowers/dataset.json").read_text())
    assert description["class_names"] == ["daisy", "rose", "tulip"]
    assert sum(map(sum, description["class_counts"].values())) == 19
    assert len(description["digest"]) == 64
    (pictures / "rose/broken.jpg").write_text("x")
    message = error_line(program("fetch"))
    assert "data set 'flowers' in ~/pictures: of 20 images 1 cannot be read: flowers/rose/broken.jpg" in message


def test_the_raw_folder_is_a_faithful_copy(pictures, root):
    fetched = fetch(of_folder())
    copy = root / "data/raw/flowers/flowers"
    names = sorted(path.relative_to(pictures) for path in pictures.rglob("*.png"))
    assert sorted(path.relative_to(copy) for path in copy.rglob("*") if path.is_file()) == names
    assert all((copy / name).read_bytes() == (pictures / name).read_bytes() for name in names)
    assert len(fetched.files) == len(names) == 19
    assert fetch(of_folder()).place is None


def test_another_size_needs_no_other_copy(pictures):
    fetch(of_folder())
    prepare(of_folder())
    first = open_dataset("flowers").digest
    shutil.rmtree(pictures)
    assert fetch(of_folder((8, 6))).place is None
    prepare(of_folder((8, 6)))
    assert open_dataset("flowers").image_shape == (8, 6, 3)
    assert open_dataset("flowers").digest != first


def test_what_changes_at_the_source_is_fetched_and_what_goes_is_kept(pictures):
    fetch(of_folder())
    before = read_raw(of_folder()).digest()
    picture = pictures / "rose/000.png"
    shutil.copy(pictures / "tulip/000.png", picture)
    assert fetch(of_folder()).place == "~/pictures"
    assert read_raw(of_folder()).digest() != before
    for change in (picture.unlink, lambda: shutil.copy(pictures / "daisy/000.png", picture)):
        change()
        assert fetch(of_folder()).place == "~/pictures"
        assert fetch(of_folder()).place is None
    shutil.rmtree(pictures)
    assert fetch(of_folder()).place is None
    shutil.rmtree(pictures.parent)
    assert fetch(of_folder()).place is None
    assert len(read_raw(of_folder()).class_names) == 3


def test_a_source_where_the_raw_folder_is_to_lie_loses_nothing(pictures, root, monkeypatch):
    monkeypatch.chdir(root)
    raw = root / "data/raw/flowers"
    shutil.copytree(pictures, raw)
    (raw / "rose/notes.txt").write_text("which fetch.py passes over")
    config = of_folder()
    config.forms[0].files, config.forms[0].caches = ["flowers"], ["data/raw"]
    before = files_below(root)
    with pytest.raises(DataError, match=rf"received {raw} with daisy, notes.txt, rose and 1 more: move that elsewhere"):
        fetch(config)
    assert files_below(root) == before


@pytest.mark.parametrize("change", ["damaged", "removed", "added"])
def test_a_raw_folder_that_is_not_as_it_was_fetched(pictures, root, change):
    fetch(of_folder())
    copy = root / "data/raw/flowers/flowers"
    if change == "damaged":
        shutil.copy(copy / "rose/000.png", copy / "rose/001.png")
    elif change == "removed":
        (copy / "rose/001.png").unlink()
    else:
        shutil.copy(copy / "rose/001.png", copy / "rose/more.png")
    with pytest.raises(DataError, match=r"damaged: they are not those.*type: python pipelines/fetch.py dataset=flow"):
        read_raw(of_folder())
    if change == "added":  # it may be a person's
        with pytest.raises(DataError, match=r"with flowers/rose/more.png: move that elsewhere"):
            fetch(of_folder())
        (copy / "rose/more.png").unlink()
    else:
        assert fetch(of_folder()).place == "~/pictures"
    read_raw(of_folder())


def test_a_failure_keeps_what_was_there(pictures, root):
    fetch(of_folder())
    (pictures / "rose/broken.jpg").write_text("x")
    with pytest.raises(DataError, match=r"of 20 images 1 cannot be read: flowers/rose/broken.jpg"):
        fetch(of_folder())
    assert len(read_raw(of_folder()).train_labels) == 16
    assert [path.name for path in (root / "data/raw").iterdir()] == ["flowers"]


def test_a_folder_in_a_mirror(pictures, tmp_path, serve):
    shutil.move(pictures, tmp_path / "disk" / "flowers")
    url = serve(tmp_path / "disk")
    with pytest.raises(DataError, match=f"{url}: flowers: a folder cannot be had from a web server"):
        fetch(of_folder(), [url])
    assert fetch(of_folder(), [url, str(tmp_path / "disk")]).place == str(tmp_path / "disk")


def broken_link(path: Path) -> None:
    path.symlink_to("nowhere")


def loop(path: Path) -> None:
    path.symlink_to(path)


def unreadable(path: Path) -> None:
    path.symlink_to("/proc/self/mem")  # a file that root cannot read either


@pytest.mark.parametrize(
    ("place", "spoil"),
    [
        *itertools.product(("", "flowers", "flowers/rose", "flowers/rose/000.png"), (broken_link, loop, os.mkfifo)),
        ("flowers/rose/000.png", unreadable),
        ("flowers", Path.touch),
        ("", Path.touch),
    ],
)
def test_what_is_there_and_cannot_be_read_is_named_and_no_other_place_taken(pictures, tmp_path, root, place, spoil):
    shutil.copytree(pictures, tmp_path / "second" / "flowers")
    spoilt = pictures.parent / place
    shutil.rmtree(spoilt) if spoilt.is_dir() else spoilt.unlink()
    spoil(spoilt)
    config = of_folder()
    config.forms[0].caches.append(str(tmp_path / "second"))
    with pytest.raises(DataError, match=rf"^data set 'flowers' in ~/pictures: {spoilt} (is|cannot)"):
        fetch(config)
    assert not (root / "data/raw/flowers").exists()


@pytest.mark.parametrize("spoil", [broken_link, loop, unreadable, os.mkfifo, Path.mkdir])
def test_so_is_a_file(tmp_path, spoil):
    for name in ("one", "two"):
        write_idx(tmp_path / name, tiny_images(), packed=False)
    spoilt = tmp_path / "one" / IDX_FILES[2].removesuffix(".gz")
    spoilt.unlink()
    spoil(spoilt)
    with pytest.raises(DataError, match=rf"^data set 'mine' in {tmp_path}/one: {spoilt} "):
        fetch(of_idx(str(tmp_path / "one"), str(tmp_path / "two")))


@pytest.mark.parametrize("spoil", [broken_link, loop, os.mkfifo])
def test_so_is_a_folder_of_its_own_in_a_mirror(tmp_path, spoil):
    write_idx(tmp_path / "disk", tiny_images())
    spoil(tmp_path / "disk/mine")
    with pytest.raises(DataError, match=rf"^data set 'mine' in {tmp_path}/disk: {tmp_path}/disk/mine "):
        fetch(of_idx(), [str(tmp_path / "disk")])


def test_a_known_data_set_comes_from_another_place_and_it_is_said(tmp_path):
    config = tiny_config(tiny_images(), caches=[str(tmp_path / name) for name in ("one", "two")])
    write_idx(tmp_path / "one", tiny_images())
    (tmp_path / "one" / IDX_FILES[0]).unlink()
    os.mkfifo(tmp_path / "one" / IDX_FILES[0])
    with pytest.raises(
        DataError, match=rf"no source holds a sound copy of data set 'tiny'. .*{IDX_FILES[0]} is a pipe"
    ):
        fetch(config)
    write_idx(tmp_path / "two", tiny_images())
    fetched = fetch(config)
    assert fetched.place == str(tmp_path / "two")
    assert fetched.notes == (f"{tmp_path}/one: {tmp_path}/one/{IDX_FILES[0]} is a pipe, expected a file or a folder",)


def test_a_server_that_does_not_answer_is_told_of_where_the_next_may_hold_other_data(tmp_path, serve):
    write_idx(tmp_path / "web", tiny_images())
    config = of_idx()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
        config.forms[0].urls = [closed, serve(tmp_path / "web")]
        assert fetch(config).notes == (f"{closed}: {IDX_FILES[0]}: Connection refused",)


@pytest.mark.parametrize("known", [True, False])
def test_a_pipe_in_the_raw_folder_does_not_hang(tmp_path, root, known):
    write_idx(tmp_path / "one", tiny_images())
    config = of_idx(str(tmp_path / "one"))
    config.sha256 = tiny_images().digest() if known else None
    fetch(config)
    file = root / "data/raw/mine" / IDX_FILES[0]
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(DataError, match=r"are damaged: .*type: python pipelines/fetch.py dataset=mine"):
        read_raw(config)


def test_files_of_a_known_format(tmp_path):
    images = tiny_images()
    write_idx(tmp_path / "one", images)
    config = of_idx(str(tmp_path / "one"))
    fetch(config)
    dataset = prepare(config)
    assert dataset.class_names == ("0", "1", "2")
    assert dataset.digest == images.digest()
    write_idx(tmp_path / "one", tiny_images(seed=1))
    assert fetch(config).place == str(tmp_path / "one")
    assert prepare(config).digest == tiny_images(seed=1).digest()
    config.class_names = ["a", "b", "c"]
    assert prepare(config).class_names == ("a", "b", "c")


def test_the_first_place_that_holds_it_decides(tmp_path):
    for seed, name in enumerate(("one", "two")):
        write_idx(tmp_path / name, tiny_images(seed=seed))
    config = of_idx(str(tmp_path / "none"), str(tmp_path / "one"), str(tmp_path / "two"))
    fetch(config)
    assert read_raw(config).digest() == tiny_images(seed=0).digest()
    shutil.rmtree(tmp_path / "root/data")
    (tmp_path / "one" / IDX_FILES[0]).write_bytes(b"what is this")
    with pytest.raises(DataError, match=r"data set 'mine' in .*one: .*is not an IDX file"):
        fetch(config)


def test_one_class_is_none(tmp_path):
    images = tiny_images()
    write_idx(tmp_path / "one", images)
    zeros = np.zeros(30, np.uint8)
    (tmp_path / "one" / IDX_FILES[1]).write_bytes(idx_bytes(zeros))
    (tmp_path / "one" / IDX_FILES[3]).write_bytes(idx_bytes(zeros[:12]))
    with pytest.raises(DataError, match="expected labels of two or more classes"):
        fetch(of_idx(str(tmp_path / "one")))
