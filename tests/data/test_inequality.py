from __future__ import annotations

import pytest

from eyechart.data.inequality import inequality


@pytest.mark.parametrize("counts", [[1, 1], [5, 1], [50, 40, 10]])
def test_classes_of_much_the_same_size(counts):
    assert inequality(counts, "abc", "training") is None


def test_the_largest_and_the_smallest_are_named():
    assert inequality([40, 1900, 0, 60], "abcd", "training") == (
        "of 2,000 training images 1,900 are of class 'b' and none of 'c': accuracy says little of rare classes, look "
        "at balanced accuracy and macro F1"
    )
    assert "6 are of class 'a' and 1 of 'b'" in inequality([6, 1], "ab", "test")
