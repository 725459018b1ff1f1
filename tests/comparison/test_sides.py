"""Which row a person means."""

from __future__ import annotations

import re

import pytest

from eyechart.comparison import load_results
from eyechart.comparison.groups import boards
from eyechart.comparison.sides import find_side
from eyechart.core.errors import EyechartError


@pytest.fixture
def rows(write_run):
    """Four rows, of which two are cnn: `1: fnn` with two seeds, `2: cnn ...=0.01`, `3: cnn ...=0.1`, `4: three`."""
    write_run("aaaaaa11", seed=0, validation=0.9, **{"model.units": [32, 16], "trainer.epochs": 5})
    write_run("aaaaaa22", seed=1, validation=0.9, **{"model.units": [32, 16], "trainer.epochs": 5})
    for key, rate, validation in (("123e4567", 0.01, 0.8), ("12345678", 0.1, 0.7)):
        write_run(key, model="cnn", validation=validation, **{"model.dropout": rate, "trainer.epochs": 5})
    write_run("decade", model="three", validation=0.6, **{"model.units": 3, "trainer.epochs": 5})


def found(asked: str):
    return find_side("a", asked, boards(load_results())).run_keys


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ("1", ("aaaaaa11", "aaaaaa22")),
        ("4", ("decade",)),
        ("fnn", ("aaaaaa11", "aaaaaa22")),
        ("model=fnn", ("aaaaaa11", "aaaaaa22")),
        ("fnn seed=1", ("aaaaaa22",)),
        ("aaaaaa22", ("aaaaaa22",)),
        ("aaaaaa2", ("aaaaaa22",)),
        ("123e456", ("123e4567",)),
        ("123456", ("12345678",)),  # six digits are a run key, and five a number
        ("decade", ("decade",)),
        ("three", ("decade",)),
        ("cnn model.dropout=0.1", ("12345678",)),
        ("model.dropout=1e-2", ("123e4567",)),  # numbers are compared as numbers
        ("model.dropout=0.010", ("123e4567",)),
        ("model.units=[32,16]", ("aaaaaa11", "aaaaaa22")),
        ("model.units=[32, 16] dataset=digits", ("aaaaaa11", "aaaaaa22")),
        ("model.units=3", ("decade",)),
    ],
)
def test_a_row_is_named(rows, asked, keys):
    assert found(asked) == keys


def test_every_label_names_its_row(rows):
    (board,) = boards(load_results())
    for label, keys in zip(board.rows["run"], board.rows["run_keys"], strict=True):
        assert found(label) == tuple(keys)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("cnn", "a=cnn names more than one: 2: cnn model.dropout=0.01; 3: cnn model.dropout=0.1"),
        ("aaaaaa", "a=aaaaaa names more than one: aaaaaa11: fnn seed=0; aaaaaa22: fnn seed=1"),
        ("aaaaa", "a=aaaaa names no row: expected its number on the board, "),  # five digits are too few
        ("0", "a=0 names no row. Rows: 1: fnn; 2: cnn model.dropout=0.01; 3: cnn model.dropout=0.1; 4: three"),
        ("5", "a=5 names no row. Rows: 1: fnn; "),
        ("cn", "a=cn names no row: "),
        ("cnn model.dropout=0.2", "names no row: "),
        ("fnn seed=7", "names no row: "),
        ("nothing=null", "names no row: "),
        ("name=digits", "names no row: "),  # no parameter
        ("", "a= names no row: "),
    ],
)
def test_an_unknown_or_ambiguous_name_lists_the_candidates(rows, asked, told):
    with pytest.raises(EyechartError, match=re.escape(told)) as error:
        found(asked)
    assert "\n" not in str(error.value)


def test_a_long_list_of_candidates_is_cut(write_run):
    for number in range(12):
        write_run(f"{number}", validation=1 - number / 100, **{"model.units": number})
    with pytest.raises(EyechartError, match=r"8: fnn model.units=7; and 4 more$"):
        found("fnn")


def test_on_several_boards_a_number_says_nothing(rows, write_run):
    write_run("bbbbbb", digest="e", model="cnn", dataset="mnist", **{"model.dropout": 0.01})
    with pytest.raises(EyechartError, match=r"a=1 is a row's number, and there are 2 boards \(digits, mnist\)"):
        found("1")
    with pytest.raises(EyechartError, match=re.escape("cnn model.dropout=0.01 (digits)")):
        found("cnn")
    assert found("cnn dataset=mnist") == ("bbbbbb",)
