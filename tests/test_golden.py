"""The same configuration gives the same result as it always did; see tests/golden.py where it does not."""

from __future__ import annotations

import golden
import pytest

from eyechart.config import TRAINING_VERSION


@pytest.mark.parametrize("backend", ["tensorflow", pytest.param("jax", marks=pytest.mark.slow)])
def test_training_gives_what_it_has_always_given(digits, backend):
    recorded = golden.RECORDED[TRAINING_VERSION][backend]
    losses = golden.train(digits, backend)
    assert losses.keys() == recorded.keys()
    for model, values in recorded.items():
        # processors differ in the last digits, which a few steps do not make much of
        assert losses[model] == pytest.approx(values, rel=1e-4), model
