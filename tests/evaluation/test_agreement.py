"""The numbers behind the report, against plain loops."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyechart.evaluation import agreement

few = settings(deadline=None, max_examples=60)


@st.composite
def answered(draw, *, least: int = 1, networks: int = 5):
    """Labels and the predictions of a few networks, with the number of classes."""
    images, classes, count = draw(st.integers(1, 20)), draw(st.integers(2, 5)), draw(st.integers(least, networks))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = random.integers(0, classes, images).astype(np.int32)
    guesses = random.integers(0, classes, (count, images)).astype(np.int32)
    return labels, np.where(random.random((count, images)) < draw(st.floats(0, 1)), labels, guesses), classes


@given(answered())
@few
def test_confusion_counts_every_answer(case):
    labels, predictions, classes = case
    counts = agreement.confusion(labels, predictions, classes)
    expected = Counter((int(t), int(p)) for row in predictions for t, p in zip(labels, row, strict=True))
    assert {cell: n for cell, n in np.ndenumerate(counts) if n} == expected


@given(answered(), st.integers(0, 2**32 - 1))
@few
def test_the_majority_is_the_commonest_answer_and_the_most_probable_of_several(case, seed):
    _, predictions, classes = case
    votes = np.random.default_rng(seed).dirichlet(np.ones(classes), predictions.shape).sum(axis=0)
    for image, answer in enumerate(agreement.majority(predictions, votes)):
        counts = Counter(predictions[:, image].tolist())
        assert answer == max(counts, key=lambda each: (counts[each], votes[image, each]))


@given(answered(), st.integers(1, 30))
@few
def test_the_hardest_images_are_those_that_most_miss(case, count):
    labels, predictions, _ = case
    given = np.linspace(1, 0, len(labels))
    found = agreement.hardest(labels, predictions, given, count)
    missed = {image: int((predictions[:, image] != labels[image]).sum()) for image in range(len(labels))}
    order = sorted((image for image in missed if missed[image]), key=lambda image: (-missed[image], given[image]))
    assert found.tolist() == order[:count]


def test_wrong_answers_leave_out_the_right_one():
    assert agreement.wrong_answers(1, np.array([1, 2, 0, 2, 3])) == [(2, 2), (0, 1), (3, 1)]
    assert agreement.wrong_answers(1, np.array([1])) == []


@given(answered())
@few
def test_confused_pairs_count_both_directions(case):
    labels, predictions, classes = case
    counts = agreement.confusion(labels, predictions, classes)
    both = {(a, b): int(counts[a, b] + counts[b, a]) for a in range(classes) for b in range(a + 1, classes)}
    expected = sorted(((a, b, n) for (a, b), n in both.items() if n), key=lambda pair: (-pair[2], pair[:2]))
    assert agreement.confused_pairs(counts, 3) == expected[:3]


@given(answered())
@few
def test_nobody_is_better_than_the_oracle(case):
    labels, predictions, classes = case
    votes = np.stack([(predictions == k).mean(axis=0) for k in range(classes)], axis=1)
    found = agreement.potential(labels, predictions, votes, votes)
    some = [any(row[image] == labels[image] for row in predictions) for image in range(len(labels))]
    assert found.any_right == pytest.approx(np.mean(some))
    assert found.any_right + found.none_right == pytest.approx(1)
    assert found.vote == found.best_vote <= found.any_right + 1e-9
    assert found.any_right >= (predictions == labels).mean(axis=1).max()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
@few
def test_the_front_is_what_no_other_beats(pairs):
    costs, scores = [float(cost) for cost, _ in pairs], [float(score) for _, score in pairs]

    def beaten(i):
        better = [j for j in range(len(pairs)) if costs[j] <= costs[i] and scores[j] >= scores[i]]
        return any((costs[j], scores[j]) != (costs[i], scores[i]) for j in better)

    found = agreement.pareto(costs, scores)
    assert sorted(found) == [i for i in range(len(pairs)) if not beaten(i)]
    assert [costs[i] for i in found] == sorted(costs[i] for i in found)


def test_what_has_no_cost_is_not_on_the_front():
    assert agreement.pareto([float("nan"), 1.0, 2.0], [1.0, float("nan"), 0.5]) == [2]


@given(answered(least=2))
@few
def test_the_greatest_difference_is_the_mistake_of_one_that_tells_most_images_apart(case):
    labels, (a, b, *_), classes = case
    true, answer = agreement.greatest_difference(labels, a, b, classes)
    counts = Counter()
    for label, one, other in zip(labels.tolist(), a.tolist(), b.tolist(), strict=True):
        if one != other:
            counts.update((label, each) for each in (one, other) if each != label)
    assert counts[true, answer] == max(counts.values(), default=0)


@given(answered())
@few
def test_what_is_most_telling_is_every_image_that_some_row_misses(case):
    labels, answers, classes = case
    found = agreement.most_telling(labels, answers, classes).tolist()
    assert sorted(found) == [image for image in range(len(labels)) if (answers[:, image] != labels[image]).any()]
    if len(answers) > 1 and found:
        true, answer = agreement.greatest_difference(labels, answers[0], answers[1], classes)
        first = [
            image
            for image in range(len(labels))
            if labels[image] == true != answer
            and answers[0, image] != answers[1, image]
            and answer in answers[:2, image]
        ]
        assert found[: len(first)] == first
