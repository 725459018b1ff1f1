"""A data set that was prepared otherwise than it is configured when a training opens it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from data.pictures import flowers
from omegaconf import OmegaConf
from support import IDX_FILES, compose, tiny_images, write_idx

from eyechart.config import check
from eyechart.core.errors import DataError
from eyechart.data import open_dataset
from eyechart.data.config import BackgroundConfig, DatasetConfig, FormConfig
from eyechart.data.fetch import fetch
from eyechart.data.prepare import prepare
from eyechart.data.settings import check_settings
from eyechart.runner.job import Job
from eyechart.runner.run import run
from eyechart.tracking import MLflowCourier

FOLDER = FormConfig("folder", ["flowers"], caches=["~/pictures"], image_size=[16, 24], channels=3)
IDX = FormConfig("idx", IDX_FILES, caches=["~/idx"])


@pytest.fixture
def prepared(home: Path, root: Path):
    """Prepare a data set called `mine` from one of both forms; `recorded=False`: as an earlier version did."""
    flowers(home / "pictures" / "flowers", {"daisy": 6, "rose": 6})
    write_idx(home / "idx", tiny_images(shape=(8, 8)))

    def prepare_it(form: FormConfig, *, recorded: bool = True, **more) -> DatasetConfig:
        config = DatasetConfig("mine", [form], **more)
        fetch(config)
        prepare(config)
        if not recorded:
            file = root / "data/prepared/mine/dataset.json"
            file.write_text(json.dumps({k: v for k, v in json.loads(file.read_text()).items() if k != "settings"}))
        return config

    return prepare_it


def told(config: DatasetConfig) -> str:
    """What a configuration is refused with; empty where it is not."""
    try:
        check_settings(config, open_dataset("mine"), "dataset=mine")
    except DataError as error:
        return str(error)
    return ""


def changed(config: DatasetConfig, **choices) -> DatasetConfig:
    """The same with other values in its only form."""
    return dataclasses.replace(config, forms=[dataclasses.replace(config.forms[0], **choices)])


def test_what_decides_pixels_and_labels_must_be_as_configured(prepared):
    config = prepared(FOLDER)
    assert told(config) == ""
    again = "type python pipelines/fetch.py dataset=mine && python pipelines/preprocess.py dataset=mine"
    assert told(changed(config, image_size=[32, 32])) == (
        f"expected data set 'mine' prepared with image_size=[32, 32], received image_size=[16, 24]: {again}"
    )
    assert "with channels=1, received channels=3:" in told(changed(config, channels=1))
    assert "with format=idx, image_size=null, channels=null, received format=folder, " in told(
        dataclasses.replace(config, forms=[IDX])
    )
    other = dataclasses.replace(config, background=BackgroundConfig("mine", 0.5))
    assert "with background={'of': 'mine', 'share': 0.5, 'seed': 0}, received background=null" in told(other)
    assert "with sha256=000000000000, received sha256=" in told(dataclasses.replace(config, sha256="0" * 64))


def test_where_the_files_come_from_and_what_classes_are_called_decides_nothing(prepared):
    config = prepared(FOLDER)
    elsewhere = changed(config, caches=[], urls=["https://example.org"], files=["roses"])
    assert told(dataclasses.replace(elsewhere, origin="a friend", class_names=["a", "b"])) == ""
    assert told(dataclasses.replace(config, forms=[IDX, *config.forms])) == ""


def test_a_hash_that_is_right_holds_whatever_the_form(prepared):
    config = prepared(IDX)
    assert "with validation=5, received validation=0" in told(changed(config, validation=5))
    assert "with format=npz, received format=idx" in told(changed(config, format="npz"))
    known = dataclasses.replace(config, sha256=open_dataset("mine").digest)
    assert told(changed(known, validation=5, format="npz")) == ""


def test_images_over_photographs(prepared):
    config = prepared(IDX, background=BackgroundConfig("mine", 0.5, 1), sha256=tiny_images(shape=(8, 8)).digest())
    assert told(changed(config, validation=5)) == ""
    assert "share': 0.2" in told(dataclasses.replace(config, background=BackgroundConfig("mine", 0.2, 1)))
    assert "seed': 0" in told(dataclasses.replace(config, background=BackgroundConfig("mine", 0.5)))
    assert "with background=null, received" in told(dataclasses.replace(config, background=None))


def test_without_a_record_the_shape_of_the_images_is_compared(prepared):
    config = prepared(FOLDER, recorded=False)
    assert told(config) == ""
    assert "with images of 32x32x3, received images of 16x24x3: type" in told(changed(config, image_size=[32, 32]))
    assert "with images of 16x24x1, received images of 16x24x3: type" in told(changed(config, channels=1))
    assert told(dataclasses.replace(config, forms=[IDX])) == ""


def test_a_job_is_refused_and_told_what_to_type(prepared):
    config = prepared(FOLDER)
    composed = compose("model=fnn", "seed=1")
    composed.dataset = OmegaConf.create(OmegaConf.to_container(OmegaConf.structured(config)))
    assert Job.of(check(composed)).run_key
    composed.dataset.forms[0].image_size = [32, 32]
    typed = ["model=fnn", "dataset=mine", "dataset.forms.0.image_size=[32,32]", "seed=1"]
    with pytest.raises(DataError, match=r"preprocess.py dataset=mine 'dataset.forms.0.image_size=\[32,32\]'$"):
        Job.of(check(composed), typed)
    with pytest.raises(DataError, match=r"preprocess.py dataset=mine$"):
        Job.of(check(composed))


def test_data_that_were_prepared_anew_are_not_trained_on_under_the_run_key_of_others(prepared, home):
    config = prepared(IDX)
    composed = compose("model=fnn", "tracking=none")
    composed.dataset = OmegaConf.create(OmegaConf.to_container(OmegaConf.structured(config)))
    job = Job.of(check(composed))
    write_idx(home / "idx", tiny_images(shape=(8, 8), seed=1))
    fetch(config)
    prepare(config)
    with pytest.raises(DataError, match=r"as it was planned with \(digest \w{12}\), .* prepared anew meanwhile"):
        run(job, MLflowCourier(job.config.tracking))
