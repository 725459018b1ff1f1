"""Members of a group equal the runs that they would be alone (`group_cases.py`), on both backends."""

from __future__ import annotations

import pytest

MAPPED = ("fnn", "rnn", "per_step")
IN_TURN = ("cnn", "lenet", "normalised")


@pytest.mark.parametrize("net", [*MAPPED, "birnn", *IN_TURN])
def test_members_equal_the_runs_alone_over_the_first_steps(facts, backend, net):
    found = facts("families")[net]
    mapped = net in MAPPED or (net == "birnn" and backend == "jax")
    assert found["engine"] == ("MappedEngine" if mapped else "InTurn")
    assert found["loss"] < 1e-5
    assert found["accuracy"] < 1e-6
    assert found["apart"] > 1e-3  # or equality would prove nothing
    assert found["ticks"][0] == found["ticks"][1]


@pytest.mark.parametrize(
    "choice",
    [
        "sgd",
        "adamw",
        "rmsprop",
        "cosine",
        "exponential",
        "augmented",
        "class weights",
        "in chunks",
    ],
)
def test_members_share_whatever_else_can_be_chosen(facts, choice):
    found = facts("variations")[choice]
    assert found["engine"] == "MappedEngine"
    assert found["loss"] < 1e-5
    assert found["state"] < 1e-4


def test_members_in_half_precision(facts):
    found = facts("variations")
    assert found["bfloat16"]["engine"] == "MappedEngine"
    assert found["bfloat16"]["loss"] < 0.02  # three digits are all that it has
    assert found["float16"]["engine"] == "InTurn"
    assert "trainer.precision=mixed_bfloat16 does not" in found["float16"]["obstacle"]
    assert found["float16"]["state"] == 0


@pytest.mark.parametrize("net", ["convolutional", "own optimizer"])
def test_in_turn_members_are_the_runs_alone_bit_for_bit(facts, net):
    found = facts("in_turn")[net]
    assert found["engine"] == "InTurn"
    assert (found["loss"], found["accuracy"], found["state"]) == (0, 0, 0)
    assert found["obstacle"]


@pytest.mark.parametrize(("net", "lanes"), [("fnn", ["MappedEngine"] * 2), ("cnn", ["InTurn"] * 3)])
def test_members_side_by_side_equal_the_runs_alone(facts, net, lanes):
    found = facts("in_lanes")[net]
    assert found["lanes"] == lanes
    assert found["loss"] < 1e-5
    assert found["state"] < 1e-4
    assert found["answers"] < 1e-5
    assert found["ticks"][0] == found["ticks"][1]
    if net == "cnn":
        assert (found["loss"], found["state"], found["answers"]) == (0, 0, 0)


@pytest.mark.parametrize("net", ["fnn", "cnn"])
def test_what_goes_wrong_in_a_lane_ends_all(facts, net):
    found = facts("in_lanes")[net]
    assert found["ended"]
    assert found["restored"] == 0


@pytest.mark.parametrize("net", ["fnn", "cnn", "per_step"])
def test_members_say_what_they_would_say_alone(facts, net):
    found = facts("answers")
    assert found[net] < 1e-5
    assert found[f"{net} by itself"] < 1e-5


@pytest.mark.parametrize("net", ["fnn", "lenet"])
def test_a_group_goes_on_from_its_checkpoints_bit_for_bit(facts, net):
    assert facts("grouped_again")[net]["3"] == {"done": 2, "state": 0}


@pytest.mark.parametrize("net", ["fnn", "lenet"])
@pytest.mark.parametrize("members", ["2", "1"])
def test_members_go_on_in_another_group_and_alone(facts, net, members):
    found = facts("grouped_again")[net][members]
    assert found["done"] == 2
    assert found["state"] < 1e-5


@pytest.mark.parametrize("net", ["fnn", "cnn"])
def test_who_has_ended_leaves_the_others_as_they_are(facts, net):
    found = facts("inactive")[net]
    assert found["others"] == 0
    if net == "cnn":
        assert found["ended"] == 0  # in turn, it costs nothing either


def test_who_diverges_leaves_the_others_as_they_are(facts):
    found = facts("diverging")
    assert found["engine"] == "MappedEngine"
    assert found["numbers"] == [True, False, True]
    assert found["others"] == 0
    assert found["same answers"] == [True, False, True]
