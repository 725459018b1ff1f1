from __future__ import annotations

import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from data.pictures import flowers, save
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from support import decoded

from eyechart.core.errors import DataError
from eyechart.data.formats.folder import list_images, read_image
from eyechart.data.images import Images

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def read(top: Path, size: tuple[int, int] = (4, 4), channels: int = 3) -> Images:
    return decoded("folder", [top], classes=None, image_size=list(size), channels=channels)


def refused(top: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(top)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- one image


@pytest.mark.parametrize("kind", ["png", "webp"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(data=st.data(), shape=st.tuples(st.integers(1, 9), st.integers(1, 9)), channels=st.sampled_from([1, 3]))
def test_an_image_of_the_right_size_is_read_as_it_is(tmp_path, kind, data, shape, channels):
    pixels = data.draw(arrays.arrays(np.uint8, (*shape, channels)))
    path = save(
        tmp_path / f"x.{kind}",
        pixels if channels == 3 else pixels[..., 0],
        **({"lossless": True} if kind == "webp" else {}),
    )
    read = read_image(path, shape, channels)
    assert read.dtype == np.uint8
    assert np.array_equal(read, pixels)


@pytest.mark.parametrize("kind", ["png", "jpg", "webp"])
@pytest.mark.parametrize("size", [(2, 2), (5, 7), (40, 30)])
def test_an_image_is_squeezed_to_the_size(tmp_path, kind, size):
    pixels = np.zeros((800, 400, 3), np.uint8)
    pixels[:, 200:] = 255
    read = read_image(save(tmp_path / f"x.{kind}", pixels), size, 1)
    assert read.shape == (*size, 1)
    assert read[:, 0].max() < 30
    assert read[:, -1].min() > 225


def test_shrinking_averages_over_all_pixels(tmp_path):
    board = np.indices((256, 256)).sum(axis=0).astype(np.uint8) % 2 * 255
    assert np.abs(read_image(save(tmp_path / "x.png", board), (8, 8), 1).astype(int) - 128).max() < 3


def test_gray_of_colour_and_colour_of_gray(tmp_path):
    gray = read_image(save(tmp_path / "green.png", GREEN), (8, 8), 1)
    assert (gray == 150).all()  # as television weighs it: 0.587
    colour = read_image(save(tmp_path / "gray.png", np.full((8, 8), 70, np.uint8)), (8, 8), 3)
    assert (colour == 70).all()


@pytest.mark.parametrize("kind", ["png", "jpg", "webp"])
def test_a_photograph_stands_upright(tmp_path, kind):
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it turned by 90 degrees clockwise
    path = save(tmp_path / f"x.{kind}", np.rot90(upright).copy(), exif=exif)
    read = read_image(path, (16, 32), 1)
    assert read[:6].min() > 225
    assert read[10:].max() < 30


def test_what_is_transparent_is_white(tmp_path):
    for name, pixels in (("rgba", (255, 0, 0, 0)), ("la", (0, 0))):
        assert (read_image(save(tmp_path / f"{name}.png", pixels), (8, 8), 3) == 255).all()
    half = read_image(save(tmp_path / "half.webp", (255, 0, 0, 128), lossless=True), (8, 8), 3)
    assert np.abs(half[0, 0].astype(int) - [255, 127, 127]).max() <= 1
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, *BLUE])
    palette.save(tmp_path / "p.png")
    assert (read_image(tmp_path / "p.png", (8, 8), 3) == BLUE).all()
    palette.save(tmp_path / "t.png", transparency=1)
    assert (read_image(tmp_path / "t.png", (8, 8), 3) == WHITE).all()


def test_other_modes(tmp_path):
    Image.new("1", (8, 8), 1).save(tmp_path / "bits.png")
    assert (read_image(tmp_path / "bits.png", (8, 8), 1) == 255).all()
    save(tmp_path / "16.png", np.full((8, 8), 257 * 77, np.uint16))
    assert (read_image(tmp_path / "16.png", (8, 8), 1) == 77).all()
    Image.new("CMYK", (8, 8), (0, 0, 0, 255)).save(tmp_path / "cmyk.jpg")
    assert read_image(tmp_path / "cmyk.jpg", (8, 8), 3).max() < 5
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE)]
    frames[0].save(tmp_path / "film.png", save_all=True, append_images=frames[1:])
    assert (read_image(tmp_path / "film.png", (8, 8), 3) == RED).all()


# --- the folder


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(st.dictionaries(st.sampled_from(["Rose", "daisy", "tulip", "aster", "Zinnia"]), st.integers(1, 20), min_size=2))
def test_classes_of_unequal_size(tmp_path, counts):
    shutil.rmtree(tmp_path / "f", ignore_errors=True)
    counts = dict(sorted(counts.items()))  # capital letters first
    images = read(flowers(tmp_path / "f", counts))
    assert images.class_names == tuple(counts)
    total = sum(counts.values())
    assert len(images.test_labels) == max(1, round(total / 6))
    assert np.array_equal(images.train_images[:, 0, 0, 0], images.train_labels)
    assert np.array_equal(images.test_images[:, 0, 0, 0], images.test_labels)
    both = np.concatenate([images.train_images, images.test_images])[:, 0, :2, 0].tolist()
    assert sorted(both) == [[label, n] for label, count in enumerate(counts.values()) for n in range(count)]
    for label, count in enumerate(counts.values()):
        in_test = (images.test_labels == label).sum()
        assert abs(in_test - count / 6) <= 1.5
        assert in_test < count or count == total - 1


def test_it_does_not_depend_on_the_order_on_disk(tmp_path):
    flowers(tmp_path / "a", {"x": 7, "y": 3})
    for path in sorted((tmp_path / "a").rglob("*.png"), reverse=True):
        (tmp_path / "b" / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "b" / path.parent.name)
    assert read(tmp_path / "a").digest() == read(tmp_path / "b").digest()


def test_parts_of_its_own(tmp_path):
    top = tmp_path / "f"
    for part, counts in (("train", (5, 3)), ("validation", (2, 2)), ("test", (1, 4))):
        flowers(top / part, dict(zip(("daisy", "rose"), counts, strict=True)))
    images = read(top)
    assert images.validation == 4
    assert images.train_labels.tolist() == [0] * 5 + [1] * 3 + [0, 0, 1, 1]
    assert images.train_images[:, 0, 1, 0].tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 0, 1, 0, 1]
    assert images.test_labels.tolist() == [0, 1, 1, 1, 1]
    shutil.rmtree(top / "test")
    images = read(top)
    assert (len(images.test_labels), len(images.train_labels), images.validation) == (1, 11, 4)
    assert images.train_labels[-4:].tolist() == [0, 0, 1, 1]
    shutil.rmtree(top / "validation")
    assert read(top).validation == 0


def test_a_class_may_be_called_like_a_part(tmp_path):
    assert read(flowers(tmp_path / "f", {"bus": 2, "test": 2, "train": 2})).class_names == ("bus", "test", "train")


def test_other_classes_in_another_part_are_named(tmp_path):
    flowers(tmp_path / "f/train", {"daisy": 2, "rose": 2})
    flowers(tmp_path / "f/test", {"daisy": 2, "Rose": 2})
    assert "expected the same classes in train and test. Only in one: Rose, rose" in refused(tmp_path / "f")


def test_what_is_no_image_is_ignored_and_counted(tmp_path):
    top = flowers(tmp_path / "f", {"daisy": 2, "rose": 2})
    before = read(top).digest()
    for name in (".DS_Store", "notes.txt", "daisy/._000.png", "daisy/photo.HEIC", "rose/Thumbs.db"):
        (top / name).write_text("x")
    (top / "daisy" / ".thumbnails").mkdir()
    assert read(top).digest() == before
    assert list_images(top).ignored == {"hidden": 3, ".txt": 1, ".HEIC": 1, ".db": 1}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], "f: expected two or more subfolders, one per class, with images in them. Received: none"),
        (["daisy/1.png"], "Received: daisy"),
        (["1.png", "daisy/1.png", "rose/1.png"], "f/1.png lies outside of the classes' subfolders"),
        (["daisy/1.png", "rose/1.txt"], "f/rose holds no image: expected names that end in .png, .jpg"),
        (["daisy/1.png", "rose/red/1.png"], "f/rose should hold the images of one class, but holds the folder red"),
        (["train/daisy/1.png", "val/daisy/1.png"], "parts train, validation, test only"),
        (["daisy/1.png", "rose/\udce4.png"], "a name that cannot be shown"),
    ],
)
def test_another_layout_is_named(tmp_path, files, expected):
    (tmp_path / "f").mkdir()
    for name in files:
        path = tmp_path / "f" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    assert expected in refused(tmp_path / "f")


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 50,000 pixels wide and high."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_corrupt_images_are_listed(tmp_path):
    top = flowers(tmp_path / "f", {"daisy": 3, "rose": 3})
    photo = save(top / "rose/half.jpg", np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    photo.write_bytes(photo.read_bytes()[:1000])
    (top / "daisy/empty.webp").write_bytes(b"")
    (top / "daisy/text.png").write_text("what is this")
    (top / "rose/bomb.png").write_bytes(bomb())
    Image.new("RGB", (4, 4)).save(top / "rose/tiff.png", format="TIFF")
    message = refused(top)
    for part in (
        "of 11 images 5 cannot be read: ",
        "f/daisy/empty.webp (no PNG, JPEG or WebP)",
        "f/daisy/text.png (no PNG, JPEG or WebP)",
        "f/rose/bomb.png (more than 89 million pixels)",
        "f/rose/half.jpg (truncated or corrupt)",
        "f/rose/tiff.png (no PNG, JPEG or WebP)",
        "; replace or remove them, then fetch again",
    ):
        assert part in message
    assert str(tmp_path) not in message
    for number in range(30):
        (top / f"daisy/{number}.png").write_bytes(b"")
    message = refused(top)
    assert "of 41 images 35 cannot be read: f/daisy/0.png (" in message
    assert " and 15 more; " in message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    st.sampled_from(["png", "jpg", "webp"]), st.integers(0, 400), st.binary(min_size=1, max_size=4), st.integers(0, 400)
)
def test_a_damaged_image_is_read_or_named(tmp_path, kind, position, patch, cut):
    top = flowers(tmp_path / "f", {"daisy": 2, "rose": 2})
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    path = save(
        top / f"daisy/patched.{kind}", pixels, exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"
    )
    content = path.read_bytes()
    damaged = content[:position] + patch + content[position + len(patch) :]
    path.write_bytes(damaged[: len(damaged) - cut])
    try:
        told = f"f/daisy/patched.{kind}" if len(read(top).train_labels) == 4 else ""
    except DataError as error:
        told = str(error)
    assert f"f/daisy/patched.{kind}" in told
    path.unlink()


def test_an_image_that_cannot_be_opened_is_listed(tmp_path):
    top = flowers(tmp_path / "f", {"daisy": 2, "rose": 2})
    photo = save(top / "daisy/link.png", RED)
    photo.unlink()
    photo.symlink_to("/proc/self/mem")  # which is a file that root cannot read either
    assert "of 5 images 1 cannot be read: f/daisy/link.png (Input/output error)" in refused(top)


@pytest.mark.parametrize("place", ["rose", "daisy/a.png", "tulip", "train"])
def test_what_is_neither_image_nor_folder_is_named(tmp_path, place):
    top = flowers(tmp_path / "f", {"daisy": 2, "lily": 2, "rose": 2})
    shutil.rmtree(top / "rose")
    (top / place).symlink_to(tmp_path / "nowhere")
    assert f"f/{place} is a link to {tmp_path}/nowhere, which is not there" in refused(top)
    (top / place).unlink()
    os.mkfifo(top / place)
    assert f"f/{place} is a pipe, expected a file or a folder" in refused(top)


def test_class_names_of_a_configuration_must_be_those_of_the_folder(tmp_path):
    top = flowers(tmp_path / "f", {"0": 2, "1": 2})
    assert decoded("folder", [top], classes=2, image_size=[4, 4], channels=1).class_names == ("0", "1")
    with pytest.raises(DataError, match=r"expected the classes 0, 1, 2\. Received: 0, 1; class_names may be left"):
        decoded("folder", [top], classes=3, image_size=[4, 4], channels=1)
