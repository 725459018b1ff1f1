from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.cases import COUNTED, LEAST, WRONG
from support import environment

from eyechart.errors import ConfigError
from eyechart.models import CNN, FNN, BiRNN, LeNet


def title(value):
    return "x".join(map(str, value)) if isinstance(value, tuple) else None if isinstance(value, list) else str(value)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """What `build_cases.py` found."""
    script = Path(__file__).parent / "build_cases.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        env=environment(tmp_path_factory.mktemp("models"), PYTHONPATH=str(script.parents[1])),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("architecture", "side"), LEAST, ids=title)
def test_the_smallest_image_can_be_read(built, architecture, side):
    assert architecture.smallest_image() == (side, side)
    assert built["least"][LEAST.index((architecture, side))] == [[None, side, side, 1], [None, 2]]


@pytest.mark.parametrize(("architecture", "side"), [case for case in LEAST if case[1] > 1], ids=title)
def test_one_pixel_less_is_refused(architecture, side):
    architecture.check((side, side, 3))
    for shape in ((side - 1, side, 1), (side, side - 1, 1)):
        with pytest.raises(ConfigError, match=f"at least {side}x{side} pixels, received {shape[0]}x{shape[1]}"):
            architecture.check(shape)


sizes = st.integers(1, 6)


@given(st.lists(sizes, max_size=4), sizes, sizes, st.integers(1, 300))
def test_the_smallest_image_is_exact(filters, kernel_size, pool_size, side):
    def left(padded: bool) -> bool:
        """Whether the last block still gives a pixel."""
        pixels = side
        for _ in filters:
            pixels = (pixels if padded else pixels - kernel_size + 1) // pool_size
            if pixels < 1:
                return False
        return True

    cnn = CNN(filters=filters, kernel_size=kernel_size, pool_size=pool_size)
    assert (side >= cnn.smallest_image()[0]) == left(padded=False)
    lenet = LeNet(filters=filters, kernel_size=kernel_size, pool_size=pool_size)
    assert (side >= lenet.smallest_image()[0]) == left(padded=True)


@pytest.mark.parametrize(("architecture", "shape", "counts"), COUNTED, ids=title)
def test_the_layers_have_as_many_parameters_as_computed_by_hand(built, architecture, shape, counts):
    found = built["counted"][COUNTED.index((architecture, shape, counts))]
    assert found["layers"] == counts
    assert found["all"] == sum(counts)


@pytest.mark.parametrize(("architecture", "shape", "counts"), COUNTED, ids=title)
def test_raw_pixels_in_and_probabilities_out(built, architecture, shape, counts):
    found = built["counted"][COUNTED.index((architecture, shape, counts))]
    assert (found["input"], found["output"]) == ("uint8", "float32")
    assert found["name"] == type(architecture).__name__.lower()


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_what_keras_does_not_know_is_said_in_one_line(built, case):
    said = built["wrong"][case]
    assert said.startswith("model: FNN cannot be built from these values:")
    assert "\n" not in said


@pytest.mark.parametrize("kind", [FNN, CNN, LeNet, BiRNN])
@pytest.mark.parametrize("number", [0, -1])
def test_numbers_must_be_1_or_more(kind, number):
    default = kind()
    for field in dataclasses.fields(default):
        value = getattr(default, field.name)
        wrong = [4, number] if isinstance(value, list) else number
        if type(value) in (int, list):
            with pytest.raises(ConfigError, match=rf"model\.{field.name} must be 1 or more"):
                dataclasses.replace(default, **{field.name: wrong}).check((32, 32, 3))


@pytest.mark.parametrize("dropout", [-0.1, 1.0, float("nan")])
def test_dropout_leaves_something(dropout):
    with pytest.raises(ConfigError, match=r"model\.dropout"):
        LeNet(dropout=dropout).check((28, 28, 1))


@pytest.mark.parametrize("dropout", [0.0, 0.99])
def test_any_other_dropout_is_fine(dropout):
    LeNet(dropout=dropout).check((28, 28, 1))


def test_checking_imports_nothing_heavy(tmp_path):
    code = (
        "import sys; from eyechart.models import CNN, FNN, BiRNN, LeNet\n"
        "for kind in (CNN, FNN, BiRNN, LeNet): kind().check((28, 28, 1))\n"
        "print([name for name in ('keras', 'tensorflow', 'jax', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
