"""The report's sentences and axes, where a whole page would be too much to ask them by."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eyechart.comparison.evidence import Evidence
from eyechart.comparison.groups import Board
from eyechart.comparison.report import charts, words
from eyechart.evaluation.agreement import Potential
from eyechart.evaluation.multiple import Comparisons
from eyechart.evaluation.rows import Rows
from eyechart.evaluation.significance import Estimate


def board(*scores: float) -> Board:
    rows = {"run": [f"model{number}" for number in range(len(scores))], "test/accuracy": scores, "seeds": 1}
    return Board("digits", "best first by validation/accuracy", True, pd.DataFrame(rows), pd.DataFrame())


def weighed(scores: list[float], margin: float = 0.002) -> Evidence:
    """Of single networks that make their mistakes on images of their own, of 1,000."""
    mistakes = np.arange(1000) < 1000 * np.array(scores)[:, None, None]
    rows = Rows.of([np.roll(each, 100 * number) for number, each in enumerate(mistakes)])
    comparisons = Comparisons(rows) if len(scores) > 1 else None
    return Evidence([None] * len(scores), comparisons, margin)


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        ([0.9], "There is one row only, so there is nothing to compare it with."),
        ([0.9, 0.5], "model1 is lower."),
        ([0.9, 0.5, 0.4], "Every other row is lower."),
        ([0.9, 0.9], "model1 cannot be told apart from it yet."),
        ([0.9, 0.9, 0.898], "No other row can be told apart from it yet."),
        ([0.9, 0.9, 0.4], "model1 cannot be told apart from it yet; model2 is lower."),
        ([0.9, 0.95], "model1 is higher, but the test images may not choose."),
        (
            [0.9, 0.95, 0.9, 0.1, 0.2],
            "model2 cannot be told apart from it yet; model3 and model4 are lower; "
            "model1 is higher, but the test images may not choose.",
        ),
        (
            [0.9, 0.1, *[0.898] * 6],
            "6 of the 7 other rows cannot be told apart from it yet; model1 is lower.",
        ),
    ],
)
def test_which_rows_can_be_told_apart(scores, told):
    assert words.against_first(board(*scores), weighed(scores)) == told


def test_rows_that_are_practically_the_same():
    scores = [0.9, 0.9, 0.5]
    told = "model1 is practically the same as it (within 3 points); model2 is lower."
    assert words.against_first(board(*scores), weighed(scores, margin=0.03)) == told


def test_too_few_groups_of_images_tell_nothing():
    rows = [(np.arange(1000) < 1000 * score)[None] for score in (0.9, 0.1)]
    found = Evidence([None] * 2, Comparisons(Rows.of(rows, np.arange(1000) % 9)))
    assert words.against_first(board(0.9, 0.1), found) == "model1 cannot be told apart from it."


def test_how_good_the_first_row_is():
    known = Evidence([Estimate(0.9, 0.87, 0.92)])
    told = "model0 classifies 90.00% of the 360 test images right (95% interval 87.00% to 92.00%, one seed)."
    assert words.first_row(board(0.9), known, 360) == told
    narrow = words.first_row(board(0.99999), Evidence([Estimate(0.99999, 0.999943, 0.999998)]), 100_000)
    assert "99.9990% of the 100,000 test images right (95% interval 99.9943% to 99.9998%, one seed)" in narrow


def test_why_it_is_not_known():
    found = words.against_first(board(0.9, 0.5), Evidence([None, None], problem="the rows are not compared: because"))
    assert found == "Which rows can be told apart is not known; below the leaderboard stands why."


def test_names_in_a_sentence():
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.listed(list("abcdefg")) == "a, b, c, d, e and 2 others"


def test_numbers():
    assert words.number(1234.0) == "1,234"
    assert words.number(1234.56) == "1,234.6"
    assert words.count(1, "run") == "1 run"
    assert words.count(2, "image is", "images are") == "2 images are"
    assert words.points(-0.0123) == "−1.23 points"


def test_a_rare_confusion_is_not_no_confusion():
    told = words.confused("cnn", [(0, 1, 3.0)], ["cat", "dog"], 1000.0)
    assert told == "cnn confuses cat and dog most: 3 of its 1,000 mistakes (under 1%)."


def test_one_run_has_no_oracle():
    found = Potential(any_right=0.9, none_right=0.1, best_vote=0.9, vote=0.9)
    assert words.raised(found, 0.9, 1) == "It misses 10.00% of the test images."
    lines = words.potentials(found, best="cnn", accuracy=0.9, runs=(1, 1), images=10, pairs=[], names=[])
    assert [line["what"] for line in lines] == ["cnn as it is", "Beyond all runs"]


def against(*costs: float) -> dict:
    points = [row.datum(cost=cost, mean=0.5) for row, cost in zip(charts.chart_rows("ab"), costs, strict=True)]
    return charts.against("parameters", points, [0])["layer"][-1]["encoding"]["x"]


def test_costs_of_another_order_are_on_a_logarithmic_axis():
    axis = against(8_922, 431_080)
    assert axis["scale"]["type"] == "log"
    assert axis["axis"]["values"] == pytest.approx([1e4, 3e4, 1e5, 3e5])
    assert "type" not in against(10, 99)["scale"]
    assert "type" not in against(0, 1000)["scale"]


def test_rows_beyond_the_colours_are_grey():
    found = charts.chart_rows([str(number) for number in range(8)])
    assert len({row.colour for row in found}) == len(charts.COLOURS) + 1
    assert found[-1].colour == found[-2].colour == charts.GREY
    assert [row.position for row in found] == np.arange(8).tolist()
