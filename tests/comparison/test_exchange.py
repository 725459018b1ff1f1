"""May one network take another's place? In words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from eyechart.comparison import exchange, load_results
from eyechart.comparison.answers import correctness
from eyechart.evaluation.noninferiority import NonInferiority

FOUND = NonInferiority(
    mean=-0.0011, low=-0.0234, high=0.0212, p_value=0.91, margin=0.005, images=360, groups=None, needed=13817
)
NUMBERS = "{} percentage points on the test images (95% interval {}, p = {}) against the champion"


def said(**changes) -> str:
    return exchange.in_words(dataclasses.replace(FOUND, **changes), "the champion")


def test_what_few_images_cannot_show():
    numbers = NUMBERS.format("-0.11", "-2.34 to +2.12", "0.91")
    assert said() == (
        "It cannot be shown with 360 test images that it is worse by no more than 0.5 percentage points: "
        f"{numbers}. About 14,000 are needed, if the two are equally good, or type margin=3 if being so much worse "
        "does no harm."
    )


@pytest.mark.parametrize(
    ("low", "needed", "told"),
    [
        (-0.03, 13817, "About 14,000 are needed, if the two are equally good, or type margin=4 if "),
        (-0.0064, 420, "About 420 are needed, if the two are equally good, or type margin=0.7 if "),
        (-0.0099, 421, "About 430 are needed, if the two are equally good, or type margin=1 if "),
        (-0.0234, None, "Type margin=3 if being so much worse does no harm."),
        (-1.0, 7, "About 7 are needed, if the two are equally good."),
        (-1.0, None, "More test images are needed."),
    ],
)
def test_what_would_do(low, needed, told):
    assert f"against the champion. {told}" in said(low=low, needed=needed)


def test_what_is_shown():
    numbers = NUMBERS.format("+2.00", "-0.40 to +4.50", "0.11")
    shown = said(mean=0.02, low=-0.004, high=0.045, p_value=0.11)
    assert shown == f"Not worse by more than the margin of 0.5 percentage points: {numbers}."
    assert said(mean=0.02, low=0.004, high=0.045, p_value=0.01).startswith("Better by the paired test: +2.00")
    assert said(mean=-0.02, high=-0.001, p_value=0.01).startswith("Worse by the paired test: -2.00")
    within = said(mean=-0.002, low=-0.003, high=-0.001, p_value=1e-5)
    assert within.startswith("Worse, but by less than the margin of 0.5 percentage points: -0.20")


def test_few_groups_tell_nothing():
    assert said(mean=0.1, p_value=0.01, groups=9).startswith(
        "Not known to be better or worse (9 groups of test images cannot tell, 10 or more can): +10.00 "
    )


def test_whole_groups_are_compared_where_images_come_in_groups(write_run):
    groups, ours, theirs = np.repeat(np.arange(20), 18), np.ones(360), np.ones(360)
    theirs[:108] = 0  # all images of six writers
    write_run("10aaaa", correct=ours, groups=groups)
    write_run("20aaaa", correct=theirs, groups=groups)
    candidate, champion = correctness(["10aaaa"]), correctness(["20aaaa"])
    found = exchange.exchange(candidate, champion, "the champion", 0.5)
    assert found.allowed
    assert found.why.startswith("Better by the paired test: +30.00 percentage points")
    assert "p = 0.031" in found.why  # 2/2^6


def test_the_board_of_their_rows_stands_beside(write_run):
    rng = np.random.default_rng(0)
    for number, (model, share) in enumerate((("cnn", 0.9), ("fnn", 0.5))):
        for seed in range(3):
            write_run(f"{number}{seed}aaaa", model=model, seed=seed, validation=share, correct=rng.random(500) < share)
    write_run("30aaaa", model="alone", correct=rng.random(500) < 0.5)
    results = load_results()
    beside = exchange.rows_beside(results, "10aaaa", "01aaaa", 0.5)
    assert beside.startswith("of their rows, over seeds, which does not decide: 'cnn' is better than 'fnn': by ")
    for other in ("12aaaa", "30aaaa", "40aaaa"):  # of the same row, of one seed, unknown
        assert exchange.rows_beside(results, "10aaaa", other, 0.5) == ""


def test_a_run_that_lost_its_predictions_leaves_nothing_to_say(write_run):
    for number, model in enumerate(("cnn", "fnn")):
        for seed in range(2):
            write_run(f"{number}{seed}aaaa", model=model, seed=seed)
    assert exchange.rows_beside(load_results(), "10aaaa", "01aaaa", 0.5) == ""
