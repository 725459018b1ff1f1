"""pipelines/compare.py as a person types it."""

from __future__ import annotations

import runpy

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st
from support import REPOSITORY, error_line, forbid

quoted = runpy.run_path(str(REPOSITORY / "pipelines" / "compare.py"), run_name="compare")["quoted"]


def read(word: str):
    """The value that Hydra reads."""
    return OverridesParser.create().parse_override(quoted(word)).value()


@pytest.mark.parametrize("key", "ab")
@pytest.mark.parametrize(
    "value",
    [
        "cnn",
        "1",
        "model=cnn",
        "cnn optimizer.learning_rate=1e-2",
        "123e45",
        "012345",
        "model.units=[32, 16]",
        "it's",
        "x{y",
    ],
)
def test_a_side_is_read_as_text(key, value):
    assert read(f"{key}={value}") == value


@given(st.text("0123456789abcdef", min_size=1, max_size=20))
def test_every_run_key_is_read_as_text(run_key):
    assert read(f"a={run_key}") == run_key


@pytest.mark.parametrize("word", ["a=null", "a=", "a='cnn'", 'b="cnn"', "sweep=last", "-m", "--help", "picture=a=b"])
def test_other_words_are_left_alone(word):
    assert quoted(word) == word


@pytest.fixture
def rows(write_run):
    for number, model in enumerate(("cnn", "fnn")):
        for seed in range(2):
            correct = np.arange(1000) % 10 < 9 - 4 * number
            write_run(f"{number}{seed}", model=model, seed=seed, validation=0.9 - number / 10, correct=correct)


def test_the_board_and_a_question(rows, program, tmp_path):
    light = forbid(tmp_path / "forbidden", "tensorflow", "keras", "jax", "mlflow", "sklearn", "matplotlib")
    board = program("compare", env=light)
    assert (board.returncode, board.stderr) == (0, "")
    assert "test ± std" in board.stdout
    assert "= cannot be told apart from the best at 5%" in board.stdout
    asked = program("compare", "a=model=fnn", "b=1", env=light)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.splitlines()[-1].startswith("'cnn' is better than 'fnn': by 40.00 percentage points")


def test_what_is_wrong_is_one_line(rows, program):
    assert "received only a" in error_line(program("compare", "a=cnn"))
    line = error_line(program("compare", "a=cnn", "b=fnn", "picture=board.svg"))
    assert line == "error: picture= draws the boards, a= and b= compare two rows: type one or the other"


def test_nothing_to_compare(root, program):
    assert "there is no finished run to compare" in error_line(program("compare", "a=1", "b=2"))
