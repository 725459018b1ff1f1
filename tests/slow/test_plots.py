"""`dvc plots diff` in a browser that reaches no network."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from browser import console, open_browser, requested, wait_for
from plots_page import PAGE, write
from test_dvc import Project

pytestmark = pytest.mark.slow

WORDS = ["-S", "dataset=digits", "-S", "trainer.epochs=2"]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `dvc plots diff` made of two networks, one of them committed."""
    folder = tmp_path_factory.mktemp("plots") / "project"
    folder.mkdir()
    project = Project(folder)
    write(folder / ".dvc")
    project.dvc("config", "--local", "plots.html_template", PAGE)
    project.dvc("exp", "run", *WORDS, "-S", "model=fnn")
    for words in (["add", "-A"], ["commit", "-qm", "Train"]):
        subprocess.run(["git", *words], cwd=folder, env=project.env, check=True, capture_output=True)
    project.dvc("exp", "run", *WORDS, "-S", "model=cnn")
    compared = project.dvc("metrics", "diff")
    assert {"test/accuracy", "validation/loss", "Change"} <= set(compared.split())
    return project.dvc("plots", "diff", "HEAD").strip()


def test_charts_and_pictures_of_both_are_seen(page):
    assert Path(page.removeprefix("file://")).is_file()
    with open_browser(width=1300, height=2000) as driver:
        driver.get(page)
        # the confusion matrices of both, two charts of four lines, and four pictures of each
        wait_for(lambda: driver.execute_script("return document.querySelectorAll('svg .mark-rect path').length") >= 200)
        wait_for(lambda: driver.execute_script("return document.querySelectorAll('svg .mark-line path').length") >= 8)
        wide = "return [...document.images].filter(image => image.naturalWidth > 500).length"
        assert wait_for(lambda: driver.execute_script(wide)) == 8
        assert [line for line in console(driver) if line.startswith("SEVERE")] == []
        assert [url for url in requested(driver) if not url.startswith("file:")] == []
