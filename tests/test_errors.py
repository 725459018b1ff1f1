from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyechart.errors import ConfigError, DataError, EyechartError, nearest

words = st.text(min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("epoch", ["epochs", "batch_size"], " Did you mean 'epochs'?"),
        ("lennet", ["cnn", "fnn", "lenet"], " Did you mean 'lenet'?"),
        ("learning_rate", ["seed", "optimizer.learning_rate"], " Did you mean 'optimizer.learning_rate'?"),
        ("cnn_mnist", ["doc001/fnn_mnist", "doc003/cnn_mnist"], " Did you mean 'doc003/cnn_mnist'?"),
        ("zzz", ["epochs"], ""),
        ("a", ["batch_size"], ""),  # too short to say anything
        ("epochs", [], ""),
    ],
)
def test_the_nearest_word(word, known, expected):
    assert nearest(word, known) == expected


@given(words, st.lists(words))
def test_a_hint_names_a_known_word_or_there_is_none(word, known):
    assert nearest(word, iter(known)) in {"", *(f" Did you mean '{name}'?" for name in known)}


@given(words, st.lists(words))
def test_a_known_word_is_nearest_to_itself(word, known):
    assert nearest(word, [*known, word]) == f" Did you mean '{word}'?"


def test_what_a_person_can_put_right_is_one_family():
    assert issubclass(ConfigError, EyechartError)
    assert issubclass(DataError, EyechartError)
