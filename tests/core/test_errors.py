from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyechart.core.errors import ConfigError, DataError, EyechartError, in_words, nearest

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


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (EyechartError("a sentence"), "a sentence"),
        (OSError(errno.ENOSPC, "x"), "No space left on device: free some room, then type the same again"),
        (OSError(errno.EFBIG, "x", Path("a.png")), "File too large, at a.png: raise the limit on the size of files"),
        (
            PermissionError(errno.EACCES, "x", "a.png"),
            "Permission denied, at a.png: change its permissions, or work in",
        ),
        (OSError(errno.EROFS, "x", 7), "Read-only file system: change its permissions, or work in"),  # a descriptor
        (OSError("no number"), "no number"),
        (OSError("367872 requested and 241536 written"), "No space left on device: free some room, then type the same"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.png"), "[Errno 2] No such file: 'a.png'"),
    ],
)
def test_what_the_system_says_with_what_to_do(error, told):
    assert in_words(error).startswith(told)
