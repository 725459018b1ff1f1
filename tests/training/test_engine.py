"""The engines, on both backends alike; `engine_cases.py` runs them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyechart.training.backend import steps_that_fit

SHAPES = ("16x16x1", "28x28x1", "32x32x3", "12x20x3")
MODELS = ("fnn", "cnn", "lenet", "birnn")


def test_an_epoch_lowers_the_loss_on_real_images(facts):
    found = facts("dense_on_digits")
    assert found["after"] < found["before"] - 0.02
    # the mean over the epoch lies between what it was before and after it
    assert found["after"] < found["first_loss"] < found["before"]


def test_an_epoch_is_what_the_textbook_says(facts):
    found = facts("reference")
    assert found["weights"] < 1e-5
    assert found["ticks"] == 2 * 70


def test_loss_and_accuracy_are_means_over_the_images_of_the_epoch(facts):
    found = facts("reference")
    losses, expected = found["losses"]
    assert losses == pytest.approx(expected, abs=1e-5)
    accuracies, expected = found["accuracies"]
    assert accuracies == pytest.approx(expected, abs=1e-6)


def test_both_backends_give_the_same_first_epoch(all_facts):
    one, other = (all_facts[backend]["dense_on_digits"] for backend in ("tensorflow", "jax"))
    for name in ("before", "first_loss", "after"):
        assert one[name] == pytest.approx(other[name], abs=1e-4)


@pytest.mark.parametrize("net", ["dense, compiled", "dropout"])
def test_data_in_chunks_changes_nothing(facts, net):
    found = facts("chunked")[net]
    assert found["states"] == [0, 0, 0, 0]
    for name in ("losses", "accuracies"):
        resident, by_one, by_three, from_disk = found[name]
        assert resident == by_one == by_three == from_disk
    assert found["ticks"] == [200, 200, 200, 200]


@pytest.mark.parametrize("batch_size", ["1", "10", "1000"])
def test_any_batch_size_reads_every_image_once(facts, batch_size):
    found = facts("sizes")[batch_size]
    assert found["ticks"] == 3 * 10
    assert all(math.isfinite(loss) for loss in found["losses"])


def test_a_batch_larger_than_the_data_is_the_whole_data(facts):
    found = facts("sizes")
    assert found["1000"] == found["10"]
    assert found["10"]["losses"][2] < found["10"]["losses"][0]


def test_a_resumed_training_is_the_same_bit_for_bit(facts):
    found = facts("resumed")
    assert found["dropout"] == 1  # the state of a seed generator is among what is kept
    assert found["done"] == 2
    assert found["different"] > 0  # or restoring would prove nothing
    assert found["restored"] == 0
    assert found["state"] == 0
    resumed, straight = found["losses"]
    assert resumed == straight
    resumed, straight = found["accuracies"]
    assert resumed == straight


@pytest.mark.parametrize("count", ["1", "37", "500", "501", "1234"])
def test_predictions_are_the_models(facts, count):
    assert facts("dense_on_digits")["predictions"][count] < 1e-6


def test_weights_are_copies(facts):
    found = facts("dense_on_digits")
    assert found["trained_on"] > 0  # or staying the same would prove nothing
    assert found["kept_weights"] == 0
    assert found["kept_after_putting_back"] == 0


def test_weights_can_be_put_back(facts):
    found = facts("dense_on_digits")
    assert found["put_back"] == 0
    assert found["put_back_predictions"] == 0
    assert found["put_back_model"] < 1e-6


def test_compiled_or_not_the_result_is_the_same(facts):
    found = facts("compilation")
    assert found["weights"] < 1e-4
    compiled, plain = found["losses"]
    assert compiled == pytest.approx(plain, abs=1e-4)


def test_what_is_worth_compiling(facts):
    found = facts("worth")
    assert found["cpu"] == ["fnn"]
    assert found["gpu"] == ["fnn", "cnn", "lenet"]


@pytest.mark.parametrize("net", ["fnn", "cnn"])
@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_trains(facts, precision, net):
    found = facts("precision")[f"{precision} {net}"]
    assert found["hidden"] == precision.removeprefix("mixed_")
    assert found["losses"][-1] < found["losses"][0] - 0.01
    assert found["output"] == "float32"
    assert found["sums"] < 1e-5


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("model", MODELS)
def test_a_step_lowers_the_loss_of_its_batch(facts, model, shape):
    found = facts("architectures")[f"{model} {shape}"]
    assert found["after"] < found["before"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("model", MODELS)
def test_every_architecture_gives_probabilities(facts, model, shape):
    found = facts("architectures")[f"{model} {shape}"]
    assert found["shape"] == [12, 3]
    assert found["least"] >= 0
    assert found["sums"] < 1e-5


@pytest.mark.parametrize("model", MODELS)
def test_a_model_saved_on_the_other_backend_predicts_the_same(facts, model):
    assert facts("exchanged")[model] < 1e-5


def test_every_architecture_trains_and_is_saved(facts):
    # on JAX as if TensorFlow were not installed
    assert facts("models")["saved"] == len(MODELS)


def test_the_backend_of_a_process_is_for_life(facts, backend):
    found = facts("activation")
    assert f"already runs on {backend}" in found["other"]


def test_a_device_that_is_not_there(facts):
    found = facts("activation")
    assert found["found"] == ["cpu", "cpu"]
    assert "trainer.device=cpu" in found["gpu"]


@given(
    shape=st.tuples(st.integers(1, 300), st.integers(1, 300), st.sampled_from([1, 3])),
    size=st.integers(1, 2_000_000),
    batch_size=st.integers(1, 4096),
    gigabytes=st.floats(1e-9, 1000),
)
def test_chunks_stay_within_the_limit(shape, size, batch_size, gigabytes):
    steps = steps_that_fit(shape, size, batch_size, gigabytes)
    image = math.prod(shape)
    if steps is None:
        assert size * image <= gigabytes * 1e9 or batch_size >= size
    else:
        assert steps * batch_size < size
        assert steps == 1 or steps * batch_size * image <= gigabytes * 1e9
        assert (steps + 1) * batch_size * image > gigabytes * 1e9
