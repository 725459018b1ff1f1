"""The results of the course documents, repeated: what a person types and is told. That they are right: tests/slow."""

from __future__ import annotations

import pytest
from support import error_line


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["experiments=[doc001/fnn_mnst]"], "no experiment 'doc001/fnn_mnst' has a reference. Did you mean"),
        (["epochs=0"], "epochs must be 1 or more, or null, received 0"),
        (["experiments=[doc001/fnn_mnist]"], "data set 'mnist' is not prepared"),
        (["experiment=doc001/fnn_mnist"], "there is no configuration key 'experiment'. Did you mean 'experiments'?"),
        (["backend=jaxx"], "Did you mean 'jax'?"),
    ],
)
def test_what_is_wrong_is_one_line(program, arguments, told):
    assert told in error_line(program("replicate", "tracking=none", *arguments))
