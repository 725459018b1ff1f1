"""Images that a person names: which files they are, and how those become arrays."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from eyechart.core.errors import DataError
from eyechart.data import photographs

TREE = ["a.png", "B.JPG", "notes.txt", ".hidden.png", "in/c.webp", "in/.d.png", ".cache/e.png", "in/deep/f.jpeg"]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "photos"
    for name in TREE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "empty").mkdir()
    monkeypatch.chdir(folder)
    return folder


def found(*words: str) -> list[str]:
    return list(map(str, photographs.find_images(words)))


def test_a_folder_stands_for_all_images_in_it_and_below_it(tree):
    assert found(".") == ["B.JPG", "a.png", "in/c.webp", "in/deep/f.jpeg"]
    assert found(str(tree / "in")) == [f"{tree}/in/c.webp", f"{tree}/in/deep/f.jpeg"]


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["a.png"], ["a.png"]),
        (["notes.txt"], ["notes.txt"]),  # who names a file means it
        ([".hidden.png"], [".hidden.png"]),
        (["*.png"], ["a.png"]),
        (["?.*"], ["B.JPG", "a.png"]),
        (["**/*.webp"], ["in/c.webp"]),
        (["i*"], ["in/c.webp", "in/deep/f.jpeg"]),  # a folder that a pattern matches
        (["in/*", "a.png", "./a.png"], ["a.png", "in/c.webp", "in/deep/f.jpeg"]),
    ],
)
def test_words_and_the_files_they_stand_for(tree, words, files):
    assert found(*words) == files


def test_a_name_that_looks_like_a_pattern(tree):
    (tree / "a[1].png").touch()
    (tree / "a1.png").touch()
    assert found("a[1].png") == ["a[1].png"]


def test_the_home_folder(tree, monkeypatch):
    monkeypatch.setenv("HOME", str(tree))
    assert found("~/*.png") == [f"{tree}/a.png"]


@pytest.mark.parametrize("word", ["b.png", "*.gif", "nowhere/*.png"])
def test_a_word_that_matches_nothing(tree, word):
    with pytest.raises(DataError) as caught:
        found(word)
    assert str(caught.value).startswith(
        f"expected images that are there, received '{word}', which nothing in {tree} matches: type images="
    )


@pytest.mark.parametrize("word", ["empty", "empt*"])
def test_an_empty_folder(tree, word):
    with pytest.raises(DataError, match=f"there is no image in '{word[:4]}.*': expected names that end in .png, .jpg"):
        found("a.png", word)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.sampled_from([".", "in", "*.png", "in/**", "a.png", "in/deep"]), min_size=1, max_size=6))
def test_each_file_once_and_in_the_same_order_whatever_was_typed(tree, words):
    files = found(*words)
    assert files == sorted(set(files)) == found(*reversed(words), words[0])
    assert set(files) == {file for word in words for file in found(word)}


# --- images


def image_of(path: Path, size: tuple[int, int] = (2, 3), channels: int = 1) -> np.ndarray | str:
    ((file, image),) = photographs.read([path], size, channels)
    assert file == path
    return image


GRAY = np.array([[0, 50, 100], [150, 200, 255]], np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.webp", "named like nothing"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_gray_stays_gray_in_any_mode(tmp_path, mode, name):
    kind = {"a.webp": "WEBP"}.get(name, "PNG")
    Image.fromarray(GRAY).convert(mode).save(tmp_path / name, format=kind, lossless=True)
    assert (image_of(tmp_path / name)[..., 0] == GRAY).all()
    assert (image_of(tmp_path / name, channels=3) == GRAY[..., None]).all()


def test_an_image_is_turned_upright(tmp_path):
    turned = Image.fromarray(np.rot90(GRAY))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned right by 90 degrees
    turned.save(tmp_path / "a.png", exif=exif)
    assert (image_of(tmp_path / "a.png")[..., 0] == GRAY).all()


def test_an_image_of_another_size_is_squeezed(tmp_path):
    Image.fromarray(np.full((40, 90), 77, np.uint8)).save(tmp_path / "a.png")
    assert (image_of(tmp_path / "a.png") == np.full((2, 3, 1), 77)).all()


def test_what_cannot_be_read_is_said_in_a_few_words_and_the_rest_goes_on(tmp_path, monkeypatch):
    Image.fromarray(GRAY).save(tmp_path / "good.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) - 30])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("hello")
    os.mkfifo(tmp_path / "pipe.png")
    files = [tmp_path / f"{name}.png" for name in ("cut", "empty", "text", "pipe", "gone", "good")]
    said = [image if isinstance(image, str) else "" for _, image in photographs.read(files, (2, 3), 1)]
    assert said == ["truncated or corrupt", "no PNG, JPEG or WebP", "no PNG, JPEG or WebP", "no file", "no file", ""]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    assert image_of(tmp_path / "good.png") == "more than 0 million pixels"
