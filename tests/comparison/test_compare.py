"""pipelines/compare.py as a person types it."""

from __future__ import annotations

import numpy as np
import pytest
from support import error_line, forbid


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
