"""What a board says of copies and groups on two sides of the parts of its data."""

from __future__ import annotations

import numpy as np
import pytest
from support import IDX_FILES, tiny_images, write_idx

from eyechart.comparison.groups import as_dicts
from eyechart.comparison.leaderboard import Leaderboard, notes
from eyechart.comparison.leakage import leakage
from eyechart.comparison.results import load_results
from eyechart.data import open_dataset
from eyechart.data.config import DatasetConfig, FormConfig
from eyechart.data.fetch import fetch
from eyechart.data.prepare import prepare

CHOSEN = {"trainer.split_seed": 0, "trainer.validation_fraction": 0.1, "dataset": "mine"}


@pytest.fixture
def digest(root, tmp_path) -> str:
    """Prepare data of which all test images, and one that split_seed=0 holds back, are training images."""
    images = tiny_images()
    images.test_images[:] = images.train_images[:12]
    write_idx(tmp_path, images)
    config = DatasetConfig("mine", [FormConfig("idx", IDX_FILES, caches=[str(tmp_path)])])
    fetch(config)
    first = prepare(config).split(validation_fraction=0.1).validation.indices[-1]
    assert first >= 12
    images.train_images[first] = images.train_images[first - 1]
    write_idx(tmp_path, images)
    fetch(config)
    return prepare(config).digest


def test_a_board_says_how_many_test_images_are_copies(digest, write_run):
    write_run("one", correct=np.ones(12, bool), digest=digest, **CHOSEN)
    (board, evidence) = Leaderboard.of(load_results()).boards[0]
    (line,) = leakage(as_dicts(board.runs))
    assert line in notes(board, evidence)
    many = "12 of 12 test images and 1 of 3 validation images are exact copies of training images"
    assert line.startswith(f"{many}, 1 of them with another label: a score on them says nothing of images never seen; ")
    assert "to keep copies on one side, prepare and train with ++dataset.copies=together; the test part is" in line


def test_of_other_folds_the_one_with_the_most_is_told(digest, write_run):
    for seed in (1, 0, 2):
        write_run(f"{seed}", correct=np.ones(12, bool), digest=digest, **CHOSEN | {"trainer.split_seed": seed})
    (board, _) = Leaderboard.of(load_results()).boards[0]
    assert leakage(as_dicts(board.runs))[0].startswith("12 of 12 test images and 1 of 3 validation images are")


def test_a_limit_counts(digest, write_run):
    write_run("one", correct=np.ones(5, bool), digest=digest, limit=[20, 5], **CHOSEN)
    (board, _) = Leaderboard.of(load_results()).boards[0]
    assert " of 5 test images" in leakage(as_dicts(board.runs))[0]


@pytest.mark.parametrize("order", ["stratified", "first"])
def test_the_copies_among_the_test_images_that_a_limit_took_are_counted(digest, write_run, order):
    splits = open_dataset("mine").split(validation_fraction=0.1, limit=(15, 5), limit_order=order)
    trained_on = {*splits.train.indices, *splits.validation.indices}
    number = len(trained_on & set(splits.test.indices))  # test image i is a copy of training image i
    write_run("one", correct=np.ones(5, bool), digest=digest, limit=[15, 5], limit_order=order, **CHOSEN)
    (board, _) = Leaderboard.of(load_results()).boards[0]
    assert leakage(as_dicts(board.runs))[0].startswith(f"{number} of 5 test images"), number


def test_nothing_is_said_of_data_that_are_not_here_or_have_no_copies(digest, write_run, tmp_path):
    write_run("one", correct=np.ones(12, bool), digest="d", **CHOSEN)
    write_idx(tmp_path / "other", tiny_images(seed=7))
    config = DatasetConfig("other", [FormConfig("idx", IDX_FILES, caches=[str(tmp_path / "other")])])
    fetch(config)
    write_run("two", correct=np.ones(12, bool), digest=prepare(config).digest, **CHOSEN)
    assert [leakage(as_dicts(board.runs)) for board, _ in Leaderboard.of(load_results()).boards] == [[], []]


def test_groups_that_the_parts_of_the_data_divide_are_told(root, write_run, tmp_path):
    for name, numbers in {"train.csv": range(20), "test.csv": range(14, 28)}.items():
        lines = [f"{n % 2},w{n // 4},{n},0,0,0" for n in numbers]
        (tmp_path / name).write_text("\n".join(["label,writer,a,b,c,d", *lines]))
    form = FormConfig("csv", ["train.csv", "test.csv"], caches=[str(tmp_path)], group="writer")
    config = DatasetConfig("mine", [form])
    fetch(config)
    write_run("one", correct=np.ones(14, bool), digest=prepare(config).digest, **CHOSEN)
    (board, _) = Leaderboard.of(load_results()).boards[0]
    copies, groups = leakage(as_dicts(board.runs))
    assert copies.startswith("6 of 14 test images are exact copies of training images: ")
    assert groups.startswith("6 of 14 test images are of 2 groups with training images: ")
