from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from support import REPOSITORY, compose

from eyechart.core.errors import ConfigError
from eyechart.data.config import FORMATS, FetchConfig, PrepareConfig, read_config
from eyechart.data.formats import READERS

DATASETS = sorted((REPOSITORY / "conf" / "dataset").glob("*.yaml"))


def whole(path: Path = REPOSITORY / "conf/dataset/digits.yaml"):
    return OmegaConf.create({"dataset": OmegaConf.load(path), "mirrors": []})


@pytest.mark.parametrize("path", DATASETS, ids=lambda path: path.stem)
def test_every_dataset_of_conf_is_well_formed(path):
    composed = compose(f"dataset={path.stem}", config_name="preprocess")
    dataset = read_config(PrepareConfig, composed).dataset
    assert dataset.name == path.stem
    assert path.read_text().startswith(f"# python pipelines/fetch.py dataset={path.stem}\n")


def test_formats_and_readers_are_the_same():
    assert set(FORMATS) == set(READERS)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("dataset.sha265", "x", "Did you mean 'sha256'?"),
        ("dataset.forms.0.file", [], "Did you mean 'files'?"),
        ("mirors", [], "Did you mean 'mirrors'?"),
        ("mirrors", "/data", "expected a list, as in 'mirrors=[/data]'"),
        ("dataset.name", "../../etc", "dataset.name"),
        ("dataset.name", "a\n", "dataset.name"),
        ("dataset.name", "???", "dataset.name"),
        ("dataset.sha256", "abc", "dataset.sha256"),
        ("dataset.class_names", ["a", "a"], "class_names"),
        ("dataset.class_names", ["a", "\x1b[31mred"], "names that can be shown"),
        ("dataset.class_names", ["a", "b\nc"], "names that can be shown"),
        ("dataset.class_names", ["a", " "], "names that can be shown"),
        ("dataset.forms", [], "dataset.forms"),
        ("dataset.forms.0.format", "idxx", "Did you mean 'idx'?"),
        ("dataset.forms.0.files", [], "files"),
        ("dataset.forms.0.files", ["../x"], "'../x'"),
        ("dataset.forms.0.files", ["/x"], "'/x'"),
        ("dataset.forms.0.files", ["."], "'.'"),
        ("dataset.forms.0.validation", -1, "dataset.forms.0.validation must be 0 or more"),
        ("dataset.forms.0.image_size", [8, 8], "the format digits knows its own"),
        ("dataset.forms.0.channels", 3, "the format digits knows its own"),
    ],
)
def test_a_wrong_key_or_value_is_named_in_one_line(key, value, expected):
    config = whole()
    OmegaConf.update(config, key, value)
    with pytest.raises(ConfigError) as caught:
        read_config(FetchConfig, config)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"image_size": None}, "dataset.forms.0.image_size must be the height and width to resize to, as in [64, 64]"),
        ({"image_size": [64]}, "Received: [64]"),
        ({"image_size": [64, 0]}, "Received: [64, 0]"),
        ({"image_size": 64}, "'dataset.forms.0.image_size': expected a list, as in 'dataset.forms.0.image_size=[64]'"),
        ({"channels": None}, "dataset.forms.0.channels must be 1 (gray) or 3 (colour). Received: None"),
        ({"channels": 4}, "Received: 4"),
        ({"files": ["a", "b"]}, "the one folder that holds the images"),
        ({"validation": 5}, "the subfolder validation is the validation part"),
    ],
)
def test_what_a_folder_needs(change, expected):
    form = {"format": "folder", "files": ["flowers"], "image_size": [64, 48], "channels": 3}
    own = {"name": "flowers", "forms": [form]}
    dataset = read_config(PrepareConfig, OmegaConf.create({"dataset": own})).dataset
    assert (dataset.sha256, dataset.class_names, dataset.origin) == (None, None, None)
    with pytest.raises(ConfigError) as caught:
        read_config(PrepareConfig, OmegaConf.create({"dataset": own | {"forms": [form | change]}}))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_data_set_at_all():
    with pytest.raises(ConfigError, match="dataset"):
        read_config(FetchConfig, OmegaConf.create({"mirrors": []}))


def test_nothing_heavy_is_imported():
    heavy = "keras tensorflow jax mlflow sklearn scipy pandas matplotlib rich PIL"
    code = (
        "import sys, eyechart.data, eyechart.data.config, eyechart.data.fetch, eyechart.data.prepare;"
        f"print([name for name in '{heavy}'.split() if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
