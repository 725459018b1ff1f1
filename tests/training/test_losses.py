"""What training makes small; `engine_cases.py` computes the losses, on both backends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyechart.training.losses import balanced

classes = st.integers(1, 12)


@st.composite
def labelled(draw):
    """Labels, and how many classes there are; some may have no image."""
    count = draw(classes)
    labels = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=200))
    return np.array(labels, np.int32), count


@given(labelled())
def test_balanced_classes_count_the_same(case):
    labels, count = case
    weights = balanced(labels, count)
    assert weights.dtype == np.float32
    assert weights.shape == (count,)
    shares = [float(weights[labels[labels == label]].sum()) for label in set(labels.tolist())]
    assert shares == pytest.approx([shares[0]] * len(shares), rel=1e-5)


@given(labelled())
def test_an_image_counts_1_on_average(case):
    labels, count = case
    assert balanced(labels, count)[labels].mean() == pytest.approx(1, rel=1e-5)


@given(labelled())
def test_a_class_without_images_has_no_weight(case):
    labels, count = case
    weights = balanced(labels, count)
    assert {label for label in range(count) if weights[label] > 0} == set(labels.tolist())


@pytest.mark.parametrize("net", ["dense", "per step"])
def test_class_weights_are_as_good_as_more_images_of_the_rare_class(facts, net):
    found = facts("class_weights")[net]
    assert found["moved"] > 1e-3  # or being equal would prove nothing
    assert found["unweighted"] > 1e-4
    assert found["weights"] < 1e-6
    weighted, repeated = found["losses"]
    assert weighted == pytest.approx(repeated, abs=1e-6)


def test_each_answer_counts_and_is_compared_with_the_label_of_the_image(facts):
    found = facts("per_step")
    assert found["loss"] == pytest.approx(found["expected_loss"], abs=1e-6)
    assert found["loss"] != pytest.approx(found["expected_last_loss"], abs=1e-3)  # that of the last answer is another


def test_a_step_goes_down_the_slope_of_the_loss_over_all_answers(facts):
    found = facts("per_step")
    assert found["moved"] > 1e-2
    assert found["weights"] < 1e-5


def test_an_epoch_is_judged_by_the_last_answers(facts):
    found = facts("per_step")
    assert found["epoch_loss"] == pytest.approx(found["expected_last_loss"], abs=1e-6)
    assert found["epoch_accuracy"] == pytest.approx(found["expected_last_accuracy"], abs=1e-6)


@pytest.mark.parametrize("count", ["37", "500", "501", "1234"])
def test_the_answers_of_each_step_are_counted_over_all_images(facts, count):
    found = facts("per_step")["asked"][count]
    assert found["step_accuracy"] == found["expected"]
    assert len(set(found["expected"])) > 1  # steps differ, so that mixing them up would show
    assert found["probabilities"] < 1e-6
