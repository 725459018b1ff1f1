from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyechart.training.backend.chunks import PREDICTION_BATCH, prediction_batches
from eyechart.training.predict import predict


class Knows:
    """An engine whose answers are given: (members, images, classes) or (members, images, steps, classes)."""

    def __init__(self, answers):
        self.answers = answers

    def predict(self, images):
        for batch, known in prediction_batches(len(images)):
            yield self.answers[:, batch][:, known:]


def told(members, images, *steps, seed=0):
    """An engine, images without content, and labels of 3 classes."""
    draw = np.random.default_rng(seed)
    answers = draw.random((members, images, *steps, 3), np.float32)
    return Knows(answers), np.zeros((images, 1, 1, 1), np.uint8), draw.integers(0, 3, images).astype(np.int32)


counts = st.integers(1, 3 * PREDICTION_BATCH)  # most of them leave a last batch that overlaps


@given(counts, st.integers(1, 3))
def test_answers_are_assembled_in_the_order_of_the_images(images, members):
    engine, *asked = told(members, images)
    found = predict(engine, *asked)
    assert len(found) == members
    for answers, expected in zip(found, engine.answers, strict=True):
        assert np.array_equal(answers.probabilities, expected)
        assert answers.step_accuracy is None


@given(counts, st.integers(1, 3), st.integers(1, 5))
def test_the_answers_after_each_step_are_counted_and_the_last_is_kept(images, members, steps):
    engine, asked, labels = told(members, images, steps)
    for answers, expected in zip(predict(engine, asked, labels), engine.answers, strict=True):
        assert np.array_equal(answers.probabilities, expected[:, -1])
        right = [sum(expected[i, step].argmax() == labels[i] for i in range(images)) for step in range(steps)]
        assert answers.step_accuracy == pytest.approx(np.array(right) / images, abs=1e-12)


def test_one_image_that_was_counted_twice_would_show():
    images = PREDICTION_BATCH + 1  # the second batch has one new image
    engine, asked, labels = told(1, images, 2)
    engine.answers[:] = 0
    engine.answers[0, np.arange(images), :, labels] = 1  # right, everywhere
    (answers,) = predict(engine, asked, labels)
    assert answers.step_accuracy.tolist() == [1, 1]
