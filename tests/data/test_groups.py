"""Images in groups, as of one patient: where they come from, and that no cut divides one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from data.pictures import save
from omegaconf import OmegaConf
from support import compose, run_program

from eyechart.comparison.answers import correctness
from eyechart.config import check
from eyechart.core.errors import ConfigError, DataError
from eyechart.data import open_dataset
from eyechart.data.config import BackgroundConfig, DatasetConfig, FormConfig, check_dataset
from eyechart.data.copies import crossings
from eyechart.data.dataset import Dataset
from eyechart.data.fetch import fetch
from eyechart.data.formats import csv
from eyechart.data.groups import shared_groups
from eyechart.data.prepare import prepare
from eyechart.data.settings import check_settings
from eyechart.runner.job import Job
from eyechart.runs.run import Run

WRITERS = 24
EACH = 10  # images of a writer, one of each class


def called(writer: int) -> str:
    return f"w {writer}"


def table(*, place: int = 1, names=called, images=range(WRITERS * EACH)) -> str:
    """A CSV of images of 2x2, all different, with the column `writer` at a place."""
    lines = [["label", "a", "b", "c", "d"], *([n % EACH, n % 251, n // 251, 7, 7] for n in images)]
    for line, name in zip(lines, ["writer", *(names(n // EACH) for n in images)], strict=True):
        line.insert(place, name)
    return "\n".join(",".join(map(str, line)) for line in lines)


def scans(place: Path, *files: str, group: str | None = "writer", **more) -> DatasetConfig:
    names = [*files] or ["scans.csv"]
    return DatasetConfig("scans", [FormConfig("csv", names, caches=[str(place)], group=group)], **more)


def prepared(config: DatasetConfig) -> Dataset:
    fetch(config)
    return prepare(config)


def writer_of(images: np.ndarray) -> list[int]:
    """The writer of each image of `table`, by its pixels."""
    pixels = images.reshape(len(images), 4).astype(int)
    return ((pixels[:, 0] + 251 * pixels[:, 1]) // EACH).tolist()


# --- where they come from


@pytest.mark.parametrize("place", [0, 1, 5])
def test_a_column_of_a_csv_wherever_it_is(tmp_path, place):
    (tmp_path / "scans.csv").write_text(table(place=place))
    dataset = prepared(scans(tmp_path))
    assert dataset.image_shape == (2, 2, 1)
    assert set(dataset.group_names) == {f"w {writer}" for writer in range(WRITERS)}
    splits = dataset.split()
    for part in (splits.train, splits.validation, splits.test):
        assert [dataset.group_names[group] for group in part.groups] == [f"w {w}" for w in writer_of(part.load())]
        assert part.groups.dtype == np.int64


def test_a_csv_with_groups_reads_as_one_without(tmp_path):
    (tmp_path / "with.csv").write_text(table())
    without = [",".join(np.delete(line.split(","), 1)) for line in table().split("\n")]
    (tmp_path / "without.csv").write_text("\n".join(without))
    grouped, alone = csv.read([tmp_path / "with.csv"], group="writer"), csv.read([tmp_path / "without.csv"])
    assert np.array_equal(grouped.train_images, alone.train_images)
    assert grouped.content() == alone.content() == alone.digest() != grouped.digest()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (("writer", "author"), r"line 1: expected one column 'writer', .* Received: label, author, a, b, ..."),
        (("w 3", ""), r"line 32: expected the name of a group. Received: nothing"),
        (("w 2", "w,2"), r"line 22: expected 6 values, as many as names in line 1. Received: 7"),
        ((",7\n", ",x\n"), r"line 2: expected whole numbers from 0 to 255. Received: 'x'"),
    ],
)
def test_a_csv_in_which_groups_cannot_be_read(tmp_path, spoil, message):
    (tmp_path / "scans.csv").write_text(table().replace(*spoil, 1))
    with pytest.raises(DataError, match=message):
        fetch(scans(tmp_path))


def pictures(top: Path, name: str) -> None:
    """Two classes with three images each of six patients, called by `name`."""
    for label in range(2):
        for patient in range(6):
            for image in range(3):
                save(top / name.format(kind="ab"[label], patient=patient, image=image), (label, patient, image))


def of_folder(place: Path, group: str | None) -> DatasetConfig:
    form = FormConfig("folder", ["scans"], caches=[str(place)], image_size=[8, 8], channels=3, group=group)
    return DatasetConfig("scans", [form])


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("{kind}/p{patient}/{image}.png", "folder"),
        ("{kind}/p{patient}_{image}.png", "^(p[0-9]+)_"),
        ("{kind}/{image}-p{patient}.png", r"-(\w+)"),
    ],
)
def test_a_level_of_folders_or_a_pattern_on_names(tmp_path, name, group):
    pictures(tmp_path / "scans", name)
    dataset = prepared(of_folder(tmp_path, group))
    assert sorted(dataset.group_names) == [f"p{patient}" for patient in range(6)]
    assert dataset.counts == {"train": 30, "test": 6}
    assert dataset.class_counts == {"train": (15, 15), "test": (3, 3)}
    test = dataset.split(validation_fraction=0).test
    assert len(set(test.groups)) == 1
    assert [dataset.group_names[group] for group in test.groups] == [f"p{image[0, 0, 1]}" for image in test.load()]


def test_folders_in_which_groups_cannot_be_read(tmp_path):
    pictures(tmp_path / "scans", "{kind}/p{patient}_{image}.png")
    with pytest.raises(
        DataError, match=r"of 36 images 36 have no group, .* scans/a/p0_0.png, .* and 16 more; name them"
    ):
        fetch(of_folder(tmp_path, "^patient(.)"))
    with pytest.raises(DataError, match=r"scans/a/p0_0.png lies outside of the groups' subfolders of scans/a$"):
        fetch(of_folder(tmp_path, "folder"))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            DatasetConfig("x", [FormConfig("npz", ["x"], group="writer")]),
            "group is for the formats csv and folder; the",
        ),
        (of_folder(Path(), "patient"), r"group must be folder, or a regular expression .* Received: 'patient'"),
        (of_folder(Path(), "(a)(b)"), "with the group in one pair of parentheses"),
        (of_folder(Path(), "("), "group is no regular expression: missing"),
        (dataclasses.replace(scans(Path()), background=BackgroundConfig("x")), "laid over photographs have no group"),
    ],
)
def test_what_cannot_be_a_group(config, message):
    with pytest.raises(ConfigError, match=message):
        check_dataset(config)


# --- how parts are cut


def test_no_cut_divides_a_group_and_all_have_the_classes_in_proportion(tmp_path):
    (tmp_path / "scans.csv").write_text(table())
    dataset = prepared(scans(tmp_path))
    assert dataset.counts == {"train": 200, "test": 40}
    assert dataset.class_counts["test"] == (4,) * EACH
    folds = []
    for seed in range(5):
        splits = dataset.split(validation_fraction=0.2, split_seed=seed)
        writers = [set(writer_of(part.load())) for part in (splits.train, splits.validation, splits.test)]
        assert sum(map(len, writers)) == len(set().union(*writers)) == WRITERS
        assert np.bincount(splits.validation.labels).tolist() == [4] * EACH
        folds.append(splits.validation.indices)
    assert sorted(np.concatenate(folds)) == list(range(200))
    assert len(set(writer_of(dataset.split(validation_fraction=0, limit=(50, None)).train.load()))) == 5


def test_copies_of_two_groups_join_them(tmp_path):
    lines = table().split("\n")
    twins = [lines[1 + EACH * writer].replace(called(writer), called(writer + 12)) for writer in range(12)]
    (tmp_path / "scans.csv").write_text("\n".join([*lines, *twins]))
    dataset = prepared(scans(tmp_path))
    assert crossings(dataset, dataset.split(validation_fraction=0.2))
    dataset = prepared(scans(tmp_path, copies="together"))
    for seed in range(5):
        splits = dataset.split(validation_fraction=0.2, split_seed=seed)
        assert crossings(dataset, splits) == []
        pairs = [set(part.groups % 12) for part in (splits.train, splits.validation, splits.test)]
        assert sum(map(len, pairs)) == len(set().union(*pairs)) == 12


def test_groups_that_a_data_sets_own_parts_divide_are_counted(tmp_path):
    (tmp_path / "train.csv").write_text(table(images=range(200)))
    (tmp_path / "test.csv").write_text(table(images=range(185, 240)))
    config = scans(tmp_path, "train.csv", "test.csv")
    dataset = prepared(config)
    said = shared_groups(dataset, dataset.split())
    assert said == (
        "15 of 55 test images are of 2 groups with training images: a score on them says little of new groups; these "
        "parts are the data set's own: divide no group in its files"
    )
    composed = compose("model=fnn")
    composed.dataset = OmegaConf.create(OmegaConf.to_container(OmegaConf.structured(config)))
    assert said in Job.of(check(composed)).warnings
    (tmp_path / "test.csv").write_text(table(images=range(200, 240)))
    dataset = prepared(config)
    assert shared_groups(dataset, dataset.split()) is None


def test_too_few_groups_for_a_part_are_told_of(tmp_path):
    (tmp_path / "scans.csv").write_text(table(names=lambda _: "one"))
    with pytest.raises(DataError, match="expected to hold back about 40 of 240 images as test part, but copies and"):
        fetch(scans(tmp_path))


# --- what they are part of


def test_groups_are_in_the_key_by_who_belongs_together_and_not_by_name(tmp_path):
    """With parts of its own, so that nothing but the groups differs."""
    digests = {}
    for name, names in {"a": lambda w: f"w{w}", "b": lambda w: f"x{-w}", "c": lambda w: f"w{w // 2}"}.items():
        (tmp_path / "train.csv").write_text(table(names=names, images=range(200)))
        (tmp_path / "test.csv").write_text(table(names=names, images=range(200, 240)))
        digests[name] = prepared(scans(tmp_path, "train.csv", "test.csv")).digest
    assert digests["a"] == digests["b"] != digests["c"]
    config = check(compose("model=fnn"))
    assert config.run_key(digests["a"]) != config.run_key(digests["c"])
    assert prepared(scans(tmp_path, "train.csv", "test.csv", sha256=digests["c"])).digest == digests["c"]
    content = open_dataset("scans").content
    assert content not in digests.values()
    assert prepared(scans(tmp_path, "train.csv", "test.csv", sha256=content)).digest == digests["c"]


def test_a_training_is_refused_where_the_groups_are_configured_otherwise(tmp_path):
    (tmp_path / "scans.csv").write_text(table())
    dataset = prepared(scans(tmp_path))
    check_settings(scans(tmp_path), dataset, "dataset=scans")
    for group, said in ((None, "null"), ("author", "author")):
        with pytest.raises(DataError, match=f"prepared with group={said}, received group=writer: type"):
            check_settings(scans(tmp_path, group=group), dataset, "dataset=scans")


def test_groups_that_are_damaged_are_told_of(tmp_path, root):
    (tmp_path / "scans.csv").write_text(table())
    groups = prepared(scans(tmp_path)).split().train.groups
    np.save(root / "data/prepared/scans/train_groups.npy", np.zeros(200, np.int64))
    with pytest.raises(DataError, match="expected arrays with the digest"):
        open_dataset("scans")
    np.save(root / "data/prepared/scans/train_groups.npy", groups)
    with pytest.raises(DataError, match=r"train_groups.npy: expected int64 \(200,\). Received: int64 \(180,\)"):
        open_dataset("scans")


def test_by_the_programs_groups_reach_the_comparison(tmp_path, root):
    (tmp_path / "scans.csv").write_text(table())
    (tmp_path / "mine/dataset").mkdir(parents=True)
    form = f"  - format: csv\n    files: [scans.csv]\n    caches: [{tmp_path}]\n    group: writer\n"
    (tmp_path / "mine/dataset/scans.yaml").write_text(f"name: scans\nforms:\n{form}")

    def program(name: str, *words: str):
        return run_program(root, name, f"--config-dir={tmp_path / 'mine'}", "dataset=scans", *words)

    fetch(scans(tmp_path))
    done = program("preprocess")
    assert "200 training and 40 test images of 2x2x1 in 10 classes and 24 groups: " in done.stdout, done.stderr
    assert program("train", "model=fnn", "model.units=[2]", "trainer.epochs=1", "tracking=none").returncode == 0
    (one,) = Run.all()
    found = correctness([one.key])
    assert found.groups.dtype == np.int64
    assert np.array_equal(found.groups, open_dataset("scans").split().test.groups)
