from __future__ import annotations

import pytest

from eyechart.core.cells import cell


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@SUM(A1)", "\t=1", "--1", "-1.2.3"])
def test_no_text_is_a_formula(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["=", "-", "-1", "+1.5", "-1e-7", "rose", "", "a=b", 1, -0.5, None])
def test_other_values_stay(value):
    assert cell(value) == value
