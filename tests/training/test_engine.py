"""The engines, on both backends alike; `engine_cases.py` runs them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyechart.training.backend.choose import steps_that_fit

MODELS = ("fnn", "cnn", "lenet", "normalised", "birnn", "per_step", "cnn_rnn")
STEPS = {"per_step": [12], "cnn_rnn": [36]}  # of those that answer after each, for 12 rows and 3 maps
WITH_MAPS = ("cnn", "normalised", "cnn_rnn")


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


@pytest.mark.parametrize("net", ["dense, compiled", "dropout", "augmented"])
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


@pytest.mark.parametrize(("net", "state"), [("dropout", 1), ("normalised", 2), ("augmented", 0)])
def test_a_resumed_training_is_the_same_bit_for_bit(facts, net, state):
    found = facts("resumed")[net]
    assert found["layers' state"] == state  # of a seed generator, or of moving statistics, and kept as well
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
    assert found["gpu"] == ["fnn", "cnn", "lenet", "normalised"]


@pytest.mark.parametrize("net", ["fnn", "cnn"])
@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_trains(facts, precision, net):
    found = facts("precision")[f"{precision} {net}"]
    assert found["hidden"] == precision.removeprefix("mixed_")
    assert found["losses"][-1] < found["losses"][0] - 0.01
    assert found["output"] == "float32"
    assert found["sums"] < 1e-5


# half of the values of `lenet` are left out, with which a step may well raise the loss
@pytest.mark.parametrize("model", [model for model in MODELS if model != "lenet"])
def test_a_step_lowers_the_loss_of_its_batch(facts, model):
    found = facts("models")[model]
    assert found["after"] < found["before"]


@pytest.mark.parametrize("model", MODELS)
def test_every_architecture_gives_probabilities(facts, model):
    # on JAX as if TensorFlow were not installed
    found = facts("models")[model]
    assert found["shape"] == [24, *STEPS.get(model, []), 3]
    assert found["least"] >= 0
    assert found["sums"] < 1e-5


@pytest.mark.parametrize("model", MODELS)
def test_a_model_saved_on_the_other_backend_predicts_the_same(facts, model):
    assert facts("exchanged")[model] < 1e-5


def test_normalisation_remembers_the_batches_it_saw(facts):
    found = facts("normalised")
    assert found["layer"] == "BatchNormalization"
    for moving, expected in zip(found["moving"], found["expected"], strict=True):
        assert moving == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_what_normalisation_remembers_is_saved_with_the_weights_and_with_the_model(facts):
    found = facts("normalised")
    assert found["kept"] == found["saved"]
    assert found["kept"] != found["moving"]  # of the step before: remembering nothing of a further one would show
    assert found["said"] < 1e-6


@pytest.mark.parametrize("model", ["fnn", "birnn", *WITH_MAPS])
def test_with_channels_first_a_model_is_the_same_or_says_what_to_do(facts, backend, model):
    found = facts("channels_first")[model]
    if backend == "tensorflow" and model in WITH_MAPS:
        assert "channels_last in ~/.keras/keras.json, or type backend=jax" in found["refused"]
        assert "\n" not in found["refused"]
    else:
        assert found["same"] < 1e-5
        assert found["moved"] > 0


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
