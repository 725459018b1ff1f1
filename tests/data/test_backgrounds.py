from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import error_line

from eyechart.core.errors import DataError
from eyechart.data import as_found, backgrounds, open_dataset
from eyechart.data.backgrounds import lay, over_backgrounds, photographs, piece
from eyechart.data.config import BackgroundConfig
from eyechart.data.images import Images

DIGITS = ["dataset=digits", "dataset.name=over", "+dataset.background.of=digits"]


@pytest.fixture(scope="module")
def images() -> Images:
    """Bright squares on black, 20 a class; the last 8 of the training images are a validation part."""
    pixels = np.zeros((48, 12, 10, 1), np.uint8)
    pixels[:, 3:9, 3:7] = 255
    labels = np.arange(48) % 2
    return Images.of(pixels[:40], labels[:40], pixels[40:], labels[40:], validation=8, class_names=["a", "b"])


@pytest.fixture(scope="module")
def made(images) -> Images:
    return over_backgrounds(images, BackgroundConfig(of="squares", share=0.5))


def test_every_image_lies_over_a_background_of_its_own(images, made):
    for part in ("train", "test"):
        labels = getattr(made, f"{part}_labels")
        shown = getattr(made, f"{part}_images")[labels < 2]
        assert (labels[labels < 2] == getattr(images, f"{part}_labels")).all()
        white = getattr(images, f"{part}_images") == 255
        assert (shown[white] == 255).all()
        behind = np.where(white, 0, shown)
        assert len(np.unique(behind.reshape(len(behind), -1), axis=0)) > len(behind) * 0.6
        assert behind.max() <= 255 * backgrounds.BRIGHTEST


def test_the_further_class_has_its_share_and_lies_among_the_others(made):
    made.check()
    assert made.class_names == ("a", "b", "background")
    assert np.bincount(made.train_labels).tolist() == [20, 20, 20]
    assert np.bincount(made.test_labels).tolist() == [4, 4, 4]
    assert made.validation == 12  # the own part is still the last, with its share
    assert np.bincount(made.train_labels[-12:]).tolist() == [4, 4, 4]
    places = np.flatnonzero(made.train_labels[:48] == 2)
    assert places.min() < 16
    assert places.max() > 32


def test_the_further_class_never_shows_a_whole_image_at_the_centre(images):
    many = over_backgrounds(images, BackgroundConfig(of="squares", share=1.0, seed=3))
    shown = many.train_images[many.train_labels == 2]
    covered = (shown[:, 3:9, 3:7] == 255).all(axis=(1, 2, 3))
    assert not covered.any()
    has_piece = (shown == 255).any(axis=(1, 2, 3))
    assert 0.3 < has_piece.mean() < 1  # some show a piece, some nothing but a photograph


def test_without_a_share_there_is_no_further_class(images):
    made = over_backgrounds(images, BackgroundConfig(of="squares"))
    assert made.class_names == images.class_names
    assert made.validation == images.validation
    assert made.train_images.shape == images.train_images.shape


def test_the_seed_decides(images, made):
    again = over_backgrounds(images, BackgroundConfig(of="squares", share=0.5))
    other = over_backgrounds(images, BackgroundConfig(of="squares", share=0.5, seed=1))
    assert again.digest() == made.digest()
    assert other.digest() != made.digest()


def test_the_test_part_has_photographs_of_its_own():
    assert not set(backgrounds.TRAINING) & set(backgrounds.TEST)
    assert {"page", "text", "clock_motion"}.isdisjoint(
        name.partition(".")[0] for name in (*backgrounds.TRAINING, *backgrounds.TEST)
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_the_photographs_are_installed(channels):
    for picture in photographs((*backgrounds.TRAINING, *backgrounds.TEST), channels):
        assert picture.dtype == np.uint8
        assert picture.shape[2] == channels
        assert min(picture.shape[:2]) >= 300
        assert picture.std() > 5


def test_a_photograph_that_is_missing_is_told():
    with pytest.raises(DataError, match=r"nowhere\.png is not among those .* type make install"):
        photographs(("nowhere.png",), 1)


def test_a_class_of_that_name_is_told(made):
    with pytest.raises(DataError, match="without a class 'background'"):
        over_backgrounds(made, BackgroundConfig(of="squares"))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9))
def test_a_piece_has_any_size(height, width, seed):
    pictures = [np.full((16, 9, 1), 200, np.uint8), np.full((30, 30, 1), 255, np.uint8)]
    found = piece(pictures, (height, width), np.random.default_rng(seed))
    assert found.shape == (height, width, 1)
    assert len(np.unique(found)) == 1
    assert found.max() <= 255 * backgrounds.BRIGHTEST


@given(st.integers(0, 255), st.integers(0, 255))
def test_white_covers_and_black_lets_through(image, background):
    one, other = (np.full((1, 1, 1), value, np.uint8) for value in (image, background))
    laid = int(lay(one, other).item())
    assert max(image, background * (255 - image) // 255) <= laid <= 255
    assert lay(np.zeros_like(other), other).item() == background
    assert lay(np.full_like(other, 255), other).item() == 255


def test_by_the_programs(program, root):
    assert program("fetch", "dataset=digits").returncode == 0
    assert program("preprocess", "dataset=digits").returncode == 0
    done = program("fetch", *DIGITS, "+dataset.background.share=0.25")
    assert f"from {root}/data/raw/digits" in done.stdout  # what was fetched before is no download
    done = program("preprocess", *DIGITS, "+dataset.background.share=0.25")
    assert done.stdout.startswith("over prepared: 1,796 training and 450 test images of 16x16x1 in 11 classes")
    made, digits = open_dataset("over"), open_dataset("digits")
    assert made.class_names == (*digits.class_names, "background")
    assert made.digest != digits.digest
    assert made.made_of == ("digits", digits.digest)
    assert as_found(made).digest == digits.digest
    assert as_found(digits) is digits
    described = root / "data/prepared/over/dataset.json"
    of_other = {"made_of": {"name": "digits", "digest": "0" * 64}}
    described.write_text(json.dumps(json.loads(described.read_text()) | of_other))
    with pytest.raises(DataError, match="expected 'digits' as 'over' was made of it"):
        as_found(open_dataset("over"))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("+dataset.background.share=1.5", "dataset.background.share must be from 0 to 1. Received: 1.5"),
        ("+dataset.background.seed=-1", "dataset.background.seed must be 0 or more, received -1"),
        ("+dataset.background.shade=1", "there is no configuration key 'dataset.background.shade'"),
    ],
)
def test_bad_choices(program, word, message):
    assert message in error_line(program("preprocess", *DIGITS, word))


@pytest.mark.parametrize("channels", [2, 4])
def test_images_of_other_channels_than_photographs_have(channels):
    pixels, labels = np.zeros((4, 5, 5, channels), np.uint8), np.arange(4) % 2
    images = Images.of(pixels, labels, pixels, labels, class_names=["a", "b"])
    with pytest.raises(DataError, match=f"images to lay over photographs of 1 or 3 channels.* received {channels} ch"):
        over_backgrounds(images, BackgroundConfig(of="squares"))
