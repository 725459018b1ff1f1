from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from support import IDX_FILES, REPOSITORY, decoded, error_line, tiny_config, tiny_images, write_idx

from eyechart.core.errors import DataError
from eyechart.core.folders import MARK
from eyechart.data.config import FormConfig, PrepareConfig, read_config
from eyechart.data.fetch import fetch, mirrors_from_environment, read_raw


def of_conf(name: str):
    node = OmegaConf.load(REPOSITORY / "conf" / "dataset" / f"{name}.yaml")
    return read_config(PrepareConfig, OmegaConf.create({"dataset": node})).dataset


def left_in(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "data" / "raw").glob("*"))


# --- the program


def test_what_to_type_next_has_what_was_typed(program):
    words = ["dataset=digits", "dataset.name=over", "+dataset.background.of=digits", "+dataset.origin='by hand'"]
    typed = "dataset=digits dataset.name=over +dataset.background.of=digits '+dataset.origin='\"'\"'by hand'\"'\"''"
    for name, following in (("fetch", "preprocess"), ("preprocess", "train")):
        done = program(name, *words)
        assert done.stdout.splitlines()[-1] == f"next: python pipelines/{following}.py {typed}", done.stderr
        if name == "fetch":
            assert program("fetch", "dataset=digits").returncode == 0  # of which the other is made
            assert program("preprocess", "dataset=digits").returncode == 0


def test_digits_twice(program, root):
    first = program("fetch", "dataset=digits")
    assert first.stdout.startswith("digits fetched from package:sklearn")
    assert first.stdout.endswith("next: python pipelines/preprocess.py dataset=digits\n")
    assert first.stderr == ""
    second = program("fetch", "dataset=digits")
    assert second.stdout.startswith("digits is already fetched and verified: ")
    assert left_in(root) == ["digits"]
    assert sorted(os.listdir(root / "data/raw/digits")) == [MARK, "digits.csv.gz", "source.json"]


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("+x=1", "'x'"),
        ("+dataset.foo=1", "'dataset.foo'"),
        ("dataset=minst", "mnist"),
        ("mirors=[]", "mirrors"),
    ],
)
def test_a_typing_error_is_one_line(program, argument, expected):
    assert expected in error_line(program("fetch", argument))


def test_the_configuration_of_a_whole_training_will_do(program, root, tmp_path):
    dataset = OmegaConf.load(REPOSITORY / "conf" / "dataset" / "digits.yaml")
    OmegaConf.save({"dataset": dataset, "model": {"name": "lenet"}, "seed": 1}, tmp_path / "params.yaml")
    for name in ("fetch", "preprocess"):
        done = program(name, f"--config-path={tmp_path}", "--config-name=params", "hydra.output_subdir=null")
        assert done.returncode == 0, done.stderr
    assert (root / "data/prepared/digits/dataset.json").exists()
    wrong = program("fetch", f"--config-path={tmp_path}", "--config-name=params", "+dataset.foo=1")
    assert "dataset.foo" in error_line(wrong)


def test_from_a_web_server_by_the_program(program, root, tmp_path, serve):
    images = tiny_images()
    write_idx(tmp_path / "web" / "mnist", images)
    url = serve(tmp_path / "web")
    arguments = ["dataset=mnist", f"dataset.sha256={images.digest()}", "dataset.class_names=[a,b,c]"]
    done = program("fetch", *arguments, env={"EYECHART_MIRRORS": f"/no/such/folder , {url}"})
    assert done.returncode == 0, done.stderr
    assert f"mnist fetched from {url}/mnist" in done.stdout
    assert "note: passed over /no/such/folder: no such folder\n" in done.stderr
    assert f"downloading {url}/mnist/{IDX_FILES[0]}" in done.stderr
    record = json.loads((root / "data/raw/mnist/source.json").read_text())
    assert record["sha256"] == images.digest()
    assert [file["from"] for file in record["files"]] == [f"{url}/mnist/{file}" for file in IDX_FILES]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_by_ctrl_c_and_of_a_kill_nothing_for_long(root, tmp_path, serve, how):
    write_idx(tmp_path / "web", tiny_images())
    url = serve(tmp_path / "web", stall=IDX_FILES[2])
    command = [sys.executable, str(REPOSITORY / "pipelines/fetch.py"), "dataset=mnist", f"mirrors=['{url}']"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith(f"downloading {url}/{IDX_FILES[2]}"):
                break
        process.send_signal(how)
        process.communicate(timeout=20)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert left_in(root) == []
    else:
        (left,) = left_in(root)
        assert left.startswith(".mnist.")
        fetch(tiny_config(tiny_images()), [str(tmp_path / "web")])  # which begins next
        assert left_in(root) == ["tiny"]


def test_nothing_is_left_by_a_full_disk(root, tmp_path):
    """A limit on the size of a file stands in for the full disk: the same call fails."""
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / IDX_FILES[0]).write_bytes(os.urandom(200_000))
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "pipelines/fetch.py"), "dataset=mnist", f"mirrors=[{folder}]"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert "File too large" in error_line(done)
    assert left_in(root) == []


# --- the order of the places


def test_a_mirror_with_and_without_a_folder_of_its_own(tmp_path):
    images, others = tiny_images(), tiny_images(seed=1)
    config = tiny_config(images)
    write_idx(tmp_path / "direct", images)
    assert fetch(config, [str(tmp_path / "direct")]).place == str(tmp_path / "direct")
    shutil.rmtree(tmp_path / "root" / "data")
    write_idx(tmp_path / "both", others)
    write_idx(tmp_path / "both" / "tiny", images, packed=False)
    fetched = fetch(config, [f"{tmp_path}/both/"])
    assert fetched.place == str(tmp_path / "both" / "tiny")
    assert fetched.files == tuple(file.removesuffix(".gz") for file in IDX_FILES)
    assert fetched.notes == ()
    assert read_raw(config).digest() == images.digest()


def test_environment_before_mirrors_before_caches_before_urls(tmp_path, monkeypatch, serve, root):
    images = tiny_images()
    places = [tmp_path / name for name in ("environment", "mirror", "home/cache", "web")]
    for place in places:
        write_idx(place, images)
    monkeypatch.setenv("EYECHART_MIRRORS", str(places[0]))
    url = serve(places[3])
    config = tiny_config(images, caches=["~/cache"], urls=[url])
    for place, name in zip(places, (str(places[0]), str(places[1]), "~/cache", url), strict=True):
        assert fetch(config, [str(places[1])]).place == name
        shutil.rmtree(place)
        shutil.rmtree(root / "data")


def test_mirrors_that_cannot_be_read_are_passed_over(tmp_path):
    images = tiny_images()
    write_idx(tmp_path / "good", images)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "odd").mkdir()
    os.mkfifo(tmp_path / "odd" / IDX_FILES[0])
    odd = [str(tmp_path / name) for name in ("loop", "pipe", "odd")]
    mirrors = [*odd, "~nobody-of-this-name", "x" * 5000, "package:no_such_package/x", "http://[", "http://a b"]
    assert fetch(tiny_config(images), [*mirrors, str(tmp_path / "good")]).place == str(tmp_path / "good")


def test_environment_variable_is_separated_by_commas(monkeypatch):
    monkeypatch.setenv("EYECHART_MIRRORS", " /my data, https://example.org:8000/x ,,")
    assert mirrors_from_environment() == ["/my data", "https://example.org:8000/x"]


def test_what_is_bad_is_passed_over_and_named(tmp_path, serve):
    images = tiny_images()
    for name in ("corrupt", "other", "truncated", "good"):
        write_idx(tmp_path / name, images)
    (tmp_path / "corrupt" / IDX_FILES[2]).write_bytes(gzip.compress(b"what is this"))
    write_idx(tmp_path / "other", tiny_images(seed=1))
    truncated = serve(tmp_path / "truncated", truncate=IDX_FILES[0])
    mirrors = [str(tmp_path / "corrupt"), str(tmp_path / "other"), truncated, str(tmp_path / "good")]
    fetched = fetch(tiny_config(images), mirrors)
    assert fetched.place == mirrors[-1]
    assert [note.partition(": ")[0] for note in fetched.notes] == mirrors[:3]
    assert IDX_FILES[2] in fetched.notes[0]
    assert "other content" in fetched.notes[1]
    assert f"{IDX_FILES[0]} is truncated: the download ended after" in fetched.notes[2]


def test_nothing_reachable(tmp_path, root, serve):
    (tmp_path / "empty").mkdir()
    write_idx(tmp_path / "slow", tiny_images())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
        empty, slow = serve(tmp_path / "empty"), serve(tmp_path / "slow", stall=IDX_FILES[0])
        config = tiny_config(tiny_images(), caches=["~/cache"], urls=[empty, slow, closed])
        config.forms.append(FormConfig(format="npz", files=["tiny.npz"], urls=[closed]))
        with pytest.raises(DataError) as caught:
            fetch(config, [str(tmp_path / "none"), str(tmp_path / "empty")], timeout=0.4)
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        f"{tmp_path / 'none'}: no such folder; ",
        f"{tmp_path / 'empty'}: no {IDX_FILES[0]}, no tiny.npz; ",
        "~/cache: no such folder; ",
        f"{empty}: {IDX_FILES[0]}: HTTP 404; ",
        f"{slow}: {IDX_FILES[0]}: no answer within 0.4 seconds; ",
        f"{closed}: {IDX_FILES[0]}: Connection refused. ",
        f"({' + '.join(IDX_FILES)}, or tiny.npz)",
        "EYECHART_MIRRORS=/that/folder python pipelines/fetch.py dataset=tiny",
    ):
        assert part in message
    assert left_in(root) == []


def test_a_server_that_drips_is_given_up(tmp_path, serve):
    write_idx(tmp_path / "web", tiny_images())
    url = serve(tmp_path / "web", drip=IDX_FILES[0])
    with pytest.raises(DataError, match="slower than 1024 bytes per second"):
        fetch(tiny_config(tiny_images(), urls=[url]), timeout=0.3)


# --- the raw folder


def test_a_damaged_raw_folder_is_fetched_again(tmp_path, root):
    images = tiny_images()
    config = tiny_config(images)
    write_idx(tmp_path / "m", images)
    fetch(config, [str(tmp_path / "m")])
    (root / "data/raw/tiny" / IDX_FILES[0]).write_bytes(b"")
    with pytest.raises(DataError, match=r"damaged: train-images.*python pipelines/fetch.py dataset=tiny"):
        read_raw(config)
    again = fetch(config, [str(tmp_path / "m")])
    assert again.place == str(tmp_path / "m")
    assert "raw/tiny" in again.notes[0]
    assert fetch(config).place is None
    assert left_in(root) == ["tiny"]


def test_a_failed_fetch_leaves_what_was_there(root):
    config = tiny_config(tiny_images())
    folder = root / "data/raw/tiny"
    folder.mkdir(parents=True)
    (folder / "mine").write_text("x")
    with pytest.raises(DataError):
        fetch(config)
    assert os.listdir(folder) == ["mine"]


def test_what_a_person_put_into_the_raw_folder_stays(tmp_path, root):
    write_idx(tmp_path / "m", tiny_images())
    config, raw = tiny_config(tiny_images()), root / "data/raw/tiny"
    fetch(config, [str(tmp_path / "m")])
    (raw / "photo.png").touch()
    done = fetch(config)
    assert done.place is None
    assert done.notes == (f"{raw}: photo.png, which fetch.py did not put there, and leaves there",)
    (raw / IDX_FILES[0]).write_bytes(b"")
    for _ in range(2):
        with pytest.raises(DataError, match=f"received {raw} with photo.png: move that elsewhere, then type the same"):
            fetch(config, [str(tmp_path / "m")])
        assert (raw / "photo.png").exists()
        (raw / MARK).unlink(missing_ok=True)  # the second time as an earlier version left it
    (raw / "photo.png").rename(tmp_path / "photo.png")
    assert fetch(config, [str(tmp_path / "m")]).place == str(tmp_path / "m")
    assert sorted(os.listdir(raw)) == sorted([MARK, "source.json", *IDX_FILES])


def test_files_put_there_by_hand_that_are_not_the_data_set_stay(tmp_path, root):
    raw = root / "data/raw/tiny"
    for folder, seed in ((tmp_path / "m", 0), (raw, 1)):
        write_idx(folder, tiny_images(seed=seed))
    config = tiny_config(tiny_images())
    with pytest.raises(DataError, match=rf"received {raw} with t10k-.* and 1 more: move.* \({raw}: other content"):
        fetch(config, [str(tmp_path / "m")])
    assert sorted(os.listdir(raw)) == sorted(IDX_FILES)
    write_idx(raw, tiny_images())
    (raw / "notes.txt").touch()
    with pytest.raises(DataError, match=f"received {raw} with notes.txt: move that elsewhere"):
        fetch(config, [str(tmp_path / "m")])
    assert (raw / "notes.txt").exists()


def test_files_put_into_the_raw_folder_by_hand_are_taken(root):
    images = tiny_images()
    write_idx(root / "data/raw/tiny", images)
    assert fetch(tiny_config(images)).place == str(root / "data/raw/tiny")
    assert fetch(tiny_config(images)).place is None


def test_another_hash_in_the_configuration_asks_for_other_content(tmp_path):
    for seed in (0, 1):
        write_idx(tmp_path / str(seed), tiny_images(seed=seed))
    mirrors = [str(tmp_path / "0"), str(tmp_path / "1")]
    assert fetch(tiny_config(tiny_images()), mirrors).place == mirrors[0]
    assert fetch(tiny_config(tiny_images(seed=1)), mirrors).place == mirrors[1]


# --- the real data sets


def test_mnist_as_idx_and_as_npz(tmp_path, mirror, root):
    config = of_conf("mnist")
    if not (mirror / "mnist").is_dir():
        pytest.skip(f"no mnist in {mirror}")
    fetched = fetch(config, [str(mirror)])
    mnist = decoded("idx", [fetched.folder / file for file in fetched.files], classes=10)
    assert mnist.train_images.shape == (60000, 28, 28, 1)
    cache = tmp_path / "home/.keras/datasets"
    cache.mkdir(parents=True)
    np.savez(
        cache / "mnist.npz",
        x_train=mnist.train_images[..., 0],
        y_train=mnist.train_labels.astype(np.uint8),
        x_test=mnist.test_images[..., 0],
        y_test=mnist.test_labels.astype(np.uint8),
    )
    shutil.rmtree(root / "data")
    assert fetch(config).place == "~/.keras/datasets"


def test_fashion_mnist_from_debians_package():
    config = of_conf("fashion_mnist")
    (debian,) = (cache for cache in config.forms[0].caches if cache.startswith("/usr"))
    if not Path(debian).is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    assert fetch(config).place == debian


def test_cifar10(mirror):
    if not (mirror / "cifar10").is_dir():
        pytest.skip(f"no cifar10 in {mirror}")
    fetched = fetch(of_conf("cifar10"), [str(mirror)])
    assert fetched.files[0].startswith("cifar-10-")
