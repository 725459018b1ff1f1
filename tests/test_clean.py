"""`make clean`: what Eyechart made goes, what a person put beside it stays and is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from clean import clean_cache, clean_data
from support import REPOSITORY, files_below, tiny_config, tiny_images, write_idx

from eyechart.core.folders import MARK
from eyechart.data.fetch import fetch
from eyechart.data.prepare import prepare


@pytest.fixture
def data(root: Path, tmp_path: Path) -> Path:
    """The `data` of a workspace in which the tiny data set is fetched and prepared."""
    write_idx(tmp_path / "m", tiny_images())
    config = tiny_config(tiny_images())
    fetch(config, [str(tmp_path / "m")])
    prepare(config)
    return root / "data"


@pytest.mark.parametrize("marked", [True, False])
def test_what_was_made_goes(data, marked):
    if not marked:
        for mark in data.rglob(MARK):
            mark.unlink()
    assert list(clean_data(data)) == []
    assert not data.exists()


def test_what_is_a_persons_stays_and_is_named(data, tmp_path):
    (data / "raw/tiny/photo.png").touch()
    shutil.copytree(data / "raw/tiny", data / "raw/mine")
    (data / "raw/mine" / MARK).unlink()
    (data / "prepared/notes.txt").touch()
    (data / "holiday").mkdir()
    (data / "holiday/beach.png").touch()
    (data / "raw/other").symlink_to(tmp_path / "m")
    before = {file for file in files_below(data) if not file.startswith("prepared/tiny/")}
    kept = list(clean_data(data))
    assert set(files_below(data)) == before
    assert (tmp_path / "m").is_dir()
    for name in ("raw/mine, with photo.png", "raw/tiny, with photo.png", "raw/other", "prepared/notes.txt", "holiday"):
        assert any(line.startswith(str(data / name)) for line in kept), (name, kept)
    assert len(kept) == 5


def test_a_link_to_other_projects_data_stays(data, tmp_path):
    (tmp_path / "link").symlink_to(data)
    before = files_below(data)
    assert list(clean_data(tmp_path / "link")) == [f"{tmp_path}/link, which is no folder"]
    assert files_below(data) == before


@pytest.mark.parametrize("held", ["photos.dvc", "results/model.keras"])
def test_dvcs_cache_goes_unless_it_has_the_only_copy(tmp_path, held):
    cache = tmp_path / ".dvc/cache"
    (cache / "files").mkdir(parents=True)
    (cache / "files/ab").touch()
    (tmp_path / held).parent.mkdir(exist_ok=True)
    (tmp_path / held).symlink_to(cache / "files/ab")
    assert list(clean_cache(tmp_path)) == [f"{cache}, which holds the content of {tmp_path / held}"]
    assert (cache / "files/ab").exists()
    (tmp_path / held).unlink()
    assert list(clean_cache(tmp_path)) == []
    assert not cache.exists()


def test_make_clean_removes_data_by_it_alone():
    text = (REPOSITORY / "Makefile").read_text()
    (remakeable,) = [line for line in text.splitlines() if line.startswith("REMAKEABLE :=")]
    assert not {"data", ".dvc/cache"} & set(remakeable.split())
    assert "$(PYTHON) tools/clean.py" in text
