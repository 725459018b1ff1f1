"""Numbers and their intervals in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyechart.core.words import between, counted, decimals, points_with_interval, with_interval


def test_how_many():
    assert [counted(number, "file") for number in (0, 1, 1200)] == ["0 files", "1 file", "1,200 files"]


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0.8665, 0.9291, "0.8665-0.9291"),
        (0.99981, 0.99999, "0.99981-0.99999"),  # with four: 0.9998-1.0000
        (0.999969, 1.0, "0.999969-1.000000"),  # none wrong of 120,000
        (0.5, 0.5, "0.5000-0.5000"),
    ],
)
def test_an_interval_has_the_digits_that_it_needs(low, high, told):
    assert between(low, high) == told


def test_a_score_has_those_of_its_interval():
    assert with_interval(0.9, 0.88, 0.91) == "0.9000 (95% interval 0.8800-0.9100)"
    assert with_interval(0.99995, 0.99991, 0.99998) == "0.999950 (95% interval 0.999910-0.999980)"


def test_a_difference_in_percentage_points():
    assert points_with_interval(1.2, 0.4, 2.0) == "+1.20 percentage points, 95% interval +0.40 to +2.00"
    assert points_with_interval(-0.001, -0.002, 0.0001).endswith(
        "-0.0010 percentage points, 95% interval -0.0020 to +0.0001"
    )


@given(st.floats(0, 1), st.floats(0, 1))
def test_an_interval_is_never_shown_without_width(a, b):
    low, high = sorted((a, b))
    shown = [float(end) for end in between(low, high).split("-")]
    if high - low > 1e-6:
        assert shown[1] - shown[0] == pytest.approx(high - low, rel=0.1)
        assert decimals(low, high) >= 4
