from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.cases import LEAST, MODELS, PARAMETERS, SHAPES, WRONG, architecture
from support import environment

from eyechart.core.errors import ConfigError
from eyechart.models import CNN, CNNRNN, FNN, RNN, BiRNN

KINDS = (FNN, CNN, RNN, BiRNN, CNNRNN)


def title(value):
    return "x".join(map(str, value)) if isinstance(value, tuple) else None if isinstance(value, list) else str(value)


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
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


@pytest.fixture
def built(facts):
    """What was built of one model for images of one shape."""
    return lambda name, shape: facts["built"][f"{name} {title(shape)}"]


# --- the smallest image


@pytest.mark.parametrize(("each", "side"), LEAST, ids=title)
def test_the_smallest_image_can_be_read(facts, each, side):
    assert each.smallest_image() == (side, side)
    taken, given = facts["least"][LEAST.index((each, side))]
    assert taken == [None, side, side, 1]
    assert (given[0], given[-1]) == (None, 2)


@pytest.mark.parametrize(("each", "side"), [case for case in LEAST if case[1] > 1], ids=title)
def test_one_pixel_less_is_refused(each, side):
    each.check((side, side, 3))
    for shape in ((side - 1, side, 1), (side, side - 1, 1)):
        with pytest.raises(ConfigError, match=f"at least {side}x{side} pixels, received {shape[0]}x{shape[1]}"):
            each.check(shape)


sizes = st.integers(1, 6)
paddings = st.sampled_from(["valid", "same"])


@given(
    st.builds(
        CNN,
        filters=st.lists(sizes, max_size=4),
        kernel_size=sizes,
        strides=sizes,
        padding=paddings,
        pool_size=sizes,
        pool_strides=st.none() | sizes,
        pool_padding=paddings,
    ),
    st.integers(1, 300),
)
def test_the_smallest_image_is_exact(cnn, side):
    def windows(pixels: int, size: int, strides: int, padding: str) -> int:
        """How many windows a layer reads, each of which becomes a pixel."""
        return len(range(0, pixels if padding == "same" else pixels - size + 1, strides))

    pixels = side
    for _ in cnn.filters:
        pixels = windows(pixels, cnn.kernel_size, cnn.strides, cnn.padding)
        pixels = windows(pixels, cnn.pool_size, cnn.pool_strides or cnn.pool_size, cnn.pool_padding)
    assert (side >= cnn.smallest_image()[0]) == (pixels > 0)


# --- what is built


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_its_parameters_counted_by_hand(name):
    assert name in PARAMETERS, f"count the parameters of {name} by hand, in tests/models/cases.py"


@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[-1]], ids=title)
@pytest.mark.parametrize("name", PARAMETERS)
def test_the_layers_have_as_many_parameters_as_computed_by_hand(built, name, shape):
    found, counts = built(name, shape), PARAMETERS[name][SHAPES.index(shape)]
    assert found["layers"] == counts
    assert found["all"] == sum(counts)


@pytest.mark.parametrize("name", MODELS)
def test_raw_pixels_in_and_probabilities_out(built, name):
    found = built(name, (28, 28, 1))
    assert (found["input"], found["output"]) == ("uint8", "float32")


@pytest.mark.parametrize(
    ("name", "shape", "steps"),
    [
        ("rnn_per_step", (28, 28, 1), 28),
        ("rnn_per_step", (12, 20, 3), 12),
        ("cnn_rnn", (28, 28, 1), 224),
        ("cnn_rnn", (12, 20, 3), 96),
        ("cnn_rnn_maps", (28, 28, 1), 8),
        ("cnn_rnn_positions", (28, 28, 1), 784),
        ("cnn_rnn_positions", (12, 20, 3), 240),
    ],
    ids=title,
)
def test_a_model_that_answers_after_each_step_answers_so_often(built, name, shape, steps):
    assert built(name, shape)["shape"] == [None, steps, 10]


@pytest.mark.parametrize("name", [name for name in MODELS if getattr(architecture(name), "per_step", False) is False])
def test_any_other_model_answers_once(built, name):
    assert built(name, (28, 28, 1))["shape"] == [None, 10]


def test_the_layer_table_shows_the_parameters_of_each_layer_and_of_all(built):
    lines = [line.split() for line in built("cnn", (28, 28, 1))["table"].splitlines()]
    assert lines[0] == ["layer", "output", "shape", "parameters"]
    (second,) = [line for line in lines if line[0] == "conv2d_1" or line[-1] == "9,248"]
    assert second[1:] == ["11", "x", "11", "x", "32", "9,248"]
    assert lines[-1] == ["all", "61,482"]


def test_each_step_of_a_two_way_reading_has_one_weight(built):
    table = built("birnn_conv1x1", (28, 28, 1))["table"]
    assert [line.split()[-1] for line in table.splitlines() if line.startswith("weigh_")] == ["29", "29"]


@pytest.mark.parametrize(
    ("reading", "sequence"),
    [("map_rows", "224 x 28"), ("maps", "8 x 784"), ("positions", "784 x 8")],
)
def test_the_steps_of_a_reading_have_so_many_features(built, reading, sequence):
    name = "cnn_rnn" if reading == "map_rows" else f"cnn_rnn_{reading}"
    (line,) = [line for line in built(name, (28, 28, 1))["table"].splitlines() if line.startswith(f"{reading} ")]
    assert sequence in line


def test_map_by_map_and_row_by_row(facts):
    for image, read in zip(facts["readings"]["images"], facts["readings"]["map_rows"], strict=True):
        assert read == [[pixel[map] for pixel in row] for map in range(3) for row in image]


def test_a_map_a_step(facts):
    for image, read in zip(facts["readings"]["images"], facts["readings"]["maps"], strict=True):
        assert read == [[pixel[map] for row in image for pixel in row] for map in range(3)]


def test_a_pixel_of_all_maps_a_step(facts):
    for image, read in zip(facts["readings"]["images"], facts["readings"]["positions"], strict=True):
        assert read == [pixel for row in image for pixel in row]


@pytest.mark.parametrize("name", MODELS)
def test_with_channels_first_a_model_is_the_same_or_is_refused(facts, name):
    plain, first = facts["channels_first"][name]
    assert plain == sum(PARAMETERS[name][SHAPES.index((12, 20, 3))])
    if isinstance(architecture(name), CNN | CNNRNN):  # TensorFlow on a CPU cannot train them
        assert "image_data_format" in first
        assert "\n" not in first
    else:
        assert first == plain


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_what_keras_does_not_know_is_said_in_one_line(facts, case):
    said = facts["wrong"][case]
    assert said.startswith("model: FNN cannot be built from these values:")
    assert "\n" not in said


# --- what is checked


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [0, -1])
def test_numbers_must_be_1_or_more(kind, number):
    default = kind()
    for field in dataclasses.fields(default):
        value = getattr(default, field.name)
        wrong = [4, number] if isinstance(value, list) else number
        if type(value) in (int, list):
            with pytest.raises(ConfigError, match=rf"model\.{field.name} must be 1 or more"):
                dataclasses.replace(default, **{field.name: wrong}).check((32, 32, 3))


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (CNN, "padding"),
        (CNN, "pool_padding"),
        (BiRNN, "cell"),
        (BiRNN, "reduction"),
        (BiRNN, "directions"),
        (CNNRNN, "reading"),
    ],
)
def test_a_word_must_be_one_of_those_known(kind, field):
    with pytest.raises(ConfigError, match=rf"model\.{field} must be .*received 'upwards'"):
        kind(**{field: "upwards"}).check((28, 28, 1))


@pytest.mark.parametrize("dropout", [-0.1, 1.0, float("nan")])
def test_dropout_leaves_something(dropout):
    with pytest.raises(ConfigError, match=r"model\.dropout"):
        CNN(dropout=dropout).check((28, 28, 1))


@pytest.mark.parametrize("dropout", [0.0, 0.99])
def test_any_other_dropout_is_fine(dropout):
    CNN(dropout=dropout).check((28, 28, 1))


def test_checking_imports_nothing_heavy(tmp_path):
    names = ", ".join(kind.__name__ for kind in KINDS)
    code = (
        f"import sys; from eyechart.models import {names}\n"
        f"for kind in ({names}): kind().check((28, 28, 1))\n"
        "print([name for name in ('keras', 'tensorflow', 'jax', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
