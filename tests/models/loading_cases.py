"""python loading_cases.py BACKEND FOLDER : every case of `test_loading.py`, without the other backend."""

from __future__ import annotations

import copy
import functools
import importlib
import json
import random
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eyechart.core.errors import EyechartError
from eyechart.training.backend.choose import activate

BACKEND, FOLDER = sys.argv[1], Path(sys.argv[2])
activate(BACKEND, "cpu", "float32")

import keras  # noqa: E402

from eyechart.code.own import import_own  # noqa: E402
from eyechart.models import CNN, saved_objects  # noqa: E402
from eyechart.models.archive import CONFIG, WEIGHTS  # noqa: E402
from eyechart.models.loading import load_model  # noqa: E402

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 8, 9, 1), np.uint8)
PATH = FOLDER / "model.keras"
HARM = FOLDER / "harm"  # there if anything of a file was run


def small() -> keras.Model:
    return CNN(filters=[2], units=3, batch_norm=True, dropout=0.5).build(IMAGES.shape[1:], 2)


def answers(model: keras.Model) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(model(IMAGES, training=False)))


def refused(path: Path = PATH, own: str | None = None) -> str:
    """The line with which a file is refused; empty: it is not."""
    try:
        load_model(path, None if own is None else functools.partial(import_own, own))
    except EyechartError as error:
        line = str(error)
    else:
        return ""
    assert len(line.splitlines()) == 1, line
    return line


def rewritten(source: Path, config: Any = None, weights: bytes | None = None) -> None:
    """Write PATH as `source` with another description, whole: every checksum is right."""
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if config is not None:
        members[CONFIG] = config if isinstance(config, bytes) else json.dumps(config).encode()
    if weights is not None:
        members[WEIGHTS] = weights
    with zipfile.ZipFile(PATH, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def described(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(CONFIG))


def parts(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a description, as what holds it and its key."""
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from parts(tree[key])


def equal_weights(one: keras.Model, other: keras.Model) -> None:
    for mine, theirs in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (mine, theirs)))


def what_is_saved_is_loaded() -> None:
    model = small()
    model.save(PATH)
    loaded = load_model(PATH)
    equal_weights(model, loaded)
    np.testing.assert_array_equal(answers(loaded), answers(model))


def much_else_of_keras_is_loaded() -> None:
    image = keras.Input((8, 9, 1))
    x = keras.layers.Conv2D(2, 3, kernel_regularizer="l2", bias_constraint="non_neg", activation="gelu")(image)
    x = keras.layers.PReLU()(keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))) * 2)
    x = keras.layers.MultiHeadAttention(1, 2)(x, x)
    x = keras.layers.TimeDistributed(keras.layers.GRU(2))(x)
    x = keras.Sequential([keras.layers.Dense(3, kernel_initializer=keras.initializers.Orthogonal(seed=1))])(x[:, 0])
    model = keras.Model(image, keras.ops.mean(x, axis=-1, keepdims=True))
    rate = keras.optimizers.schedules.CosineDecay(0.1, 10)
    model.compile(keras.optimizers.AdamW(rate), keras.losses.Huber(), [keras.metrics.MeanSquaredError, "accuracy"][1:])
    model.save(PATH)
    equal_weights(model, load_model(PATH))


def a_damaged_file_is_refused_or_answers_as_before() -> None:
    model = small()
    model.save(FOLDER / "whole.keras")
    whole, before = (FOLDER / "whole.keras").read_bytes(), answers(model)
    chance, counted = random.Random(0), 0
    for _ in range(30):
        start, size = chance.randrange(len(whole)), chance.choice((1, 64, 4096))
        end = min(len(whole), start + size)
        for content in (
            whole[:start] + bytes(end - start) + whole[end:],
            whole[:start] + chance.randbytes(end - start) + whole[end:],
            whole[:start],
        ):
            PATH.write_bytes(content)
            if refused():
                counted += 1
            else:
                np.testing.assert_array_equal(answers(load_model(PATH)), before)
    assert counted > 60


def a_changed_description_is_loaded_or_refused_in_one_line() -> None:
    """With right checksums: what somebody wrote on purpose."""
    small().save(FOLDER / "whole.keras")
    before, chance = described(FOLDER / "whole.keras"), random.Random(0)
    values = (None, -1, 0, 10**12, 1e300, "x", "../../etc/passwd", [], {}, [[]], {"class_name": "Dense"}, True)
    for _ in range(30):
        changed = copy.deepcopy(before)
        tree, key = chance.choice(list(parts(changed)))
        tree[key] = chance.choice(values)
        rewritten(FOLDER / "whole.keras", changed)
        refused()


def weights_of_another_network_are_refused() -> None:
    CNN(filters=[5], units=7).build(IMAGES.shape[1:], 2).save(FOLDER / "other.keras")
    with zipfile.ZipFile(FOLDER / "other.keras") as archive:
        rewritten(FOLDER / "whole.keras", weights=archive.read(WEIGHTS))
    assert "received what cannot be read" in refused()
    rewritten(FOLDER / "whole.keras", weights=b"\x89HDF\r\n\x1a\n" + bytes(20_000))
    assert "received what cannot be read" in refused()


def descriptions_that_make_no_sense_are_refused() -> None:
    for content, told in (
        (b"", "received what cannot be read"),
        (b"\xff{}", "received what cannot be read"),
        (b"[]", "describes no network"),
        (b"{}", "describes no network"),
        (b"[" * 100_000, "received what cannot be read"),
        (b'{"class_name": "Functional", "module": "keras.src.models.functional", "config": {}}', "cannot be read"),
        (b'{"class_name": "Dense", "module": "keras.layers", "config": {"units": 2}}', "describes no network"),
        (b" " * (saved_objects.LARGEST + 1), "config.json has 8,388,609 bytes, more than 8,388,608"),
        (json.dumps({"class_name": "Dense", "all": [{"class_name": "x"}] * 50_000}).encode(), "more than 50,000 objec"),
    ):
        rewritten(FOLDER / "whole.keras", content)
        assert told in (line := refused()), line


def a_network_larger_than_its_weights_gets_no_memory() -> None:
    changed = described(FOLDER / "whole.keras")
    for tree, key in parts(changed):
        if key == "build_config":
            tree[key] = None  # where it is said what a layer reads
        elif key == "units" and tree[key] == 3:
            tree[key] = 10**12  # four terabytes and more
    rewritten(FOLDER / "whole.keras", changed)
    assert "config.json asks for" in (line := refused()), line
    small().save(PATH)
    assert not refused()  # the next one has nothing of it


def refuse(name: str, module: str | None, config: Any, told: str, **more: Any) -> None:
    """Put an object in place of a layer, of an activation and of an initializer."""
    put: tuple[Callable[[Any], Any], ...] = (
        lambda tree: tree["config"]["layers"].insert(1, new | {"name": "x", "inbound_nodes": []}),
        lambda tree: tree["config"]["layers"][2]["config"].update(activation=new),
        lambda tree: tree["config"]["layers"][2]["config"].update(kernel_initializer=new),
        lambda tree: tree.update(compile_config={"loss": new}),
        lambda tree: tree["config"]["layers"][2]["build_config"].update(x=new),
    )
    new = {"class_name": name, "module": module, "config": config, "registered_name": None} | more
    for change in put:
        changed = described(FOLDER / "whole.keras")
        change(changed)
        rewritten(FOLDER / "whole.keras", changed)
        assert told in (line := refused()), line


def what_carries_code_or_a_path_is_refused() -> None:
    code = "4wEAAAAAAAAAAAAAAAEAAAABAAAAQwAAAHMEAAAAfABTACkBTqkAKQHaAXhyAQAAAHIBAAAA+gA="
    function = {"class_name": "__lambda__", "config": {"value": code}}
    known = "received one with "
    refuse("Lambda", "keras.layers", {"function": function}, known)
    refuse(
        "Lambda", "keras.layers", {"function": "open"}, f"{known}'Lambda' of keras.layers: build the network without"
    )
    refuse("__lambda__", None, {"value": code}, known)
    refuse("__lambda__", "keras.src.ops.numpy", {"value": code}, known)
    refuse("__typespec__", None, ["x"], known, spec_name="TensorSpec", registered_name="x")
    refuse("TFSMLayer", "keras.layers", {"filepath": str(FOLDER)}, known)
    refuse("TorchModuleWrapper", "keras.layers", {"module": "gAQ="}, known)
    refuse("JaxLayer", "keras.layers", {"call_fn": "x"}, known)
    refuse("TextVectorization", "keras.layers", {"vocabulary": "/etc/passwd"}, known)
    refuse("StringLookup", "keras.layers", {"vocabulary": "/etc/passwd"}, known)
    refuse("get_file", "keras.utils", {"origin": "http://127.0.0.1/x"}, known)
    refuse("function", "keras.utils", "get_file", known, registered_name="function")
    refuse("function", "builtins", "open", known, registered_name="open")
    refuse("system", "os", {}, f"{known}'system' of os: type the same again where the module")
    refuse("Map", "keras.src.ops.core", {}, known)
    refuse("map", "keras.src.ops.numpy", {}, known)
    refuse("__numpy__", None, {"value": "", "dtype": "S2147483647"}, known)
    refuse("Dense", ["keras.layers"], {"units": 1}, "received")
    refuse(["Dense"], "keras.layers", {"units": 1}, "received")


OWN = """
import pathlib
from dataclasses import dataclass
import keras
from eyechart.models import FNN

pathlib.Path({counter!r}).open("a").write("imported\\n")

@keras.saving.register_keras_serializable("own")
class Gate(keras.layers.Layer):
    def build(self, shape):
        self.gate = self.add_weight(shape=shape[1:], initializer="ones")

    def call(self, x):
        return x * self.gate

@keras.saving.register_keras_serializable("own")
def twice(x):
    return 2 * x

@dataclass(frozen=True)
class Gated(FNN):
    def layers(self, pixels, image_shape):
        return keras.layers.Activation(twice)(Gate()(super().layers(pixels, image_shape)))
"""


def layers_of_the_persons_own_are_loaded_where_their_module_is_named() -> None:
    imported = FOLDER / "imported"
    (FOLDER / "mine").mkdir()
    (FOLDER / "mine" / "nets.py").write_text(OWN.format(counter=str(imported)))
    importlib.invalidate_caches()
    import mine.nets  # a folder without __init__.py is a package, too

    model = mine.nets.Gated(units=[3]).build(IMAGES.shape[1:], 2)
    model.save(PATH)

    def forget() -> None:
        for name in ("own>Gate", "own>twice"):
            keras.saving.get_custom_objects().pop(name, None)
        for name in ("mine", "mine.nets"):
            sys.modules.pop(name, None)

    forget()
    for own in (None, "nowhere.Gated", "mine.nets.Absent", "mine.Gated", "json.JSONDecoder", "numpy.ndarray", "x", ""):
        line = refused(own=own)
        assert "type the same again where the module of the network can be imported" in line, line
        assert "of mine.nets" in line or "'own>twice'" in line, line
    assert imported.read_text() == "imported\n"
    np.testing.assert_array_equal(
        answers(load_model(PATH, functools.partial(import_own, "mine.nets.Gated"))), answers(model)
    )
    assert imported.read_text() == "imported\n" * 2
    forget()
    small().save(PATH)
    load_model(
        PATH, functools.partial(import_own, "mine.nets.Gated")
    )  # nothing in it is anybody's own: nothing is imported
    assert imported.read_text() == "imported\n" * 2


REFUSED = """
    FlaxLayer JaxLayer Lambda TFSMLayer TorchModuleWrapper
    Hashing HashedCrossing IntegerLookup StringLookup TextVectorization CategoryEncoding Discretization
    Layer Wrapper InputSpec MaxNumBoundingBoxes MelSpectrogram STFTSpectrogram
"""


def every_layer_of_keras_is_let_through_or_refused_by_decision() -> None:
    names: dict[type, set[str]] = {}  # some have several, of which a description uses one
    for name, kind in vars(keras.layers).items():
        if isinstance(kind, type):
            names.setdefault(kind, set()).add(name)
    decided = saved_objects.TABLE["keras.layers"] | set(REFUSED.split())
    assert all(known & decided for known in names.values())
    for module, listed in saved_objects.TABLE.items():
        if module.startswith("keras") and not module.startswith("keras.src"):
            place: Any = keras
            for name in module.split(".")[1:]:
                place = getattr(place, name)
            assert all(isinstance(getattr(place, name), type) for name in listed), module
        elif module == "builtins":
            for name in listed:
                assert any(hasattr(place, name) for place in (keras.activations, keras.losses, keras.metrics)), name
        elif listed == {saved_objects.ALL}:
            found = [v for v in vars(importlib.import_module(module)).values() if isinstance(v, type)]
            savable = [v for v in found if hasattr(v, "from_config")]
            assert all(issubclass(v, keras.Operation) and not issubclass(v, keras.Layer) for v in savable), module


what_is_saved_is_loaded()
much_else_of_keras_is_loaded()
a_damaged_file_is_refused_or_answers_as_before()
a_changed_description_is_loaded_or_refused_in_one_line()
weights_of_another_network_are_refused()
descriptions_that_make_no_sense_are_refused()
what_carries_code_or_a_path_is_refused()
layers_of_the_persons_own_are_loaded_where_their_module_is_named()
every_layer_of_keras_is_let_through_or_refused_by_decision()
a_network_larger_than_its_weights_gets_no_memory()
