import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from eyechart.figures import (
    confusion_matrix,
    feature_maps,
    filters,
    fixed_filters,
    gallery,
    learning_curves,
    save,
    style,
    to_array,
)

FIGURES: dict[str, Callable[[], Figure]] = {
    "confusion": lambda: confusion_matrix(np.diag([5, 6, 7]), ["a", "b", "c"], "title"),
    "curves": lambda: learning_curves(
        pd.DataFrame({"epoch": [1, 2], "train/loss": [2.0, 1.0], "train/accuracy": [0.1, 0.5]}), 2
    ),
    "gallery": lambda: gallery(np.full((2, 8, 8, 3), 90, np.uint8), [0, 1], [1, 0], [0.9, 0.8], ["a", "b"], "title"),
    "filters": lambda: filters([("conv", np.eye(3).reshape(3, 3, 1, 1))], "title"),
    "feature maps": lambda: feature_maps(np.eye(8, dtype=np.uint8)[..., None], [("a", np.eye(4)[..., None])], [], ""),
    "fixed filters": lambda: fixed_filters(np.eye(8, dtype=np.uint8)[..., None], "title"),
}


@pytest.mark.parametrize("kind", FIGURES)
def test_equal_figures_are_equal_bytes(kind: str, tmp_path: Path):
    for name in ("one.png", "other.png"):
        save(FIGURES[kind](), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.png", "other.png"]


@pytest.mark.parametrize("kind", FIGURES)
def test_file_holds_the_array_and_says_nothing_about_its_maker(kind: str, tmp_path: Path):
    figure = FIGURES[kind]()
    array = to_array(figure)
    assert array.dtype == np.uint8
    save(figure, tmp_path / "new" / "figure.png")
    with Image.open(tmp_path / "new" / "figure.png") as image:
        assert set(image.info) == {"dpi"}
        np.testing.assert_array_equal(np.asarray(image), array)


words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)


@given(words, st.floats(0.2, 2))
@settings(deadline=None, max_examples=50)
def test_shortened_text_fits_and_is_as_long_as_can_be(text: str, width: float):
    short = style.shorten(text, width, style.SMALL)
    assert style.text_width(short, style.SMALL) <= width
    if short != text:
        assert short.endswith("…")
        assert text.startswith(short[:-1])
        longer = text[: len(short)] + "…"
        assert style.text_width(text, style.SMALL) > width
        # hinting moves a letter by a pixel now and then
        assert style.text_width(longer, style.SMALL) > width - 2 / style.DPI


@given(st.lists(words, max_size=8))
@settings(deadline=None, max_examples=40)
def test_folded_lines_fit_and_keep_the_words(text: list[str]):
    lines = style.fold(" ".join(text), 3, style.TITLE)
    assert all(style.text_width(line, style.TITLE) <= 3 for line in lines)
    if all(style.text_width(word, style.TITLE) <= 3 for word in text):
        assert " ".join(lines) == " ".join(text)


def test_import_is_cheap_and_leaves_no_global_state():
    program = (
        "import sys, eyechart.figures; assert 'matplotlib' not in sys.modules and 'pandas' not in sys.modules;"
        "import numpy as np; eyechart.figures.confusion_matrix(np.eye(2, dtype=int), ['a', 'b'], '');"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
