"""What a configuration may say, and the run key: the name of a piece of work."""

from __future__ import annotations

import copy
import dataclasses
import functools
import importlib
import json
import os
import shlex
import subprocess
import sys
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf
from support import REPOSITORY, compose, leaking

from eyechart import config as config_module
from eyechart.code import versions
from eyechart.config import Config, check
from eyechart.core.errors import ConfigError
from eyechart.models import FNN
from eyechart.models.architecture import Architecture
from eyechart.training.optimizers import Adam, Optimizer
from eyechart.training.schedules import Schedule

DIGEST = "d" * 64
PASSWORD = "s3cret"


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in leaking(os.environ):
        monkeypatch.delenv(name)


GROUPS = {path.name for path in (REPOSITORY / "conf").iterdir() if path.is_dir()}
composed = functools.cache(compose)  # takes a fifth of a second


def configuration(*overrides: str) -> DictConfig:
    """As the command line gives it: groups by Hydra, values by OmegaConf alone."""
    groups = [override for override in overrides if override.partition("=")[0] in GROUPS]
    config = copy.deepcopy(composed(*groups))
    for override in overrides:
        name, _, value = override.removeprefix("+").partition("=")
        if override not in groups:
            OmegaConf.update(config, name, yaml.safe_load(value), force_add=True)
    return config


def checked(*overrides: str) -> Config:
    return check(configuration(*overrides))


def key(*overrides: str) -> str:
    return checked(*overrides).run_key(DIGEST)


def refusal(*overrides: str) -> str:
    """The one line with which a configuration is refused: by itself, or by its model for images of 16x16."""
    with pytest.raises(ConfigError) as caught:
        checked(*overrides).model.check((16, 16, 1))
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


# --- refused


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ("optimizer.learning_rate=-1", "optimizer.learning_rate must be above 0, received -1.0"),
        ("optimizer.learning_rate=0", "optimizer.learning_rate"),
        ("optimizer.learning_rate=nan", "optimizer.learning_rate must be a finite number, received nan"),
        ("optimizer.learning_rate=inf", "optimizer.learning_rate"),
        ("optimizer.learning_rate=fast", "optimizer.learning_rate"),
        ("optimizer.beta_1=2", "optimizer.beta_1"),
        ("optimizer.beta_1=nan", "optimizer.beta_1"),
        ("optimizer.epsilon=-1", "optimizer.epsilon"),
        ("optimizer=sgd optimizer.momentum=-1", "optimizer.momentum"),
        ("schedule=exponential schedule.factor=0", "schedule.factor must lie in (0, 1]"),
        ("schedule=cosine schedule.final=1.5", "schedule.final must lie in [0, 1]"),
        ("schedule=cosine schedule.warmup_epochs=-1", "schedule.warmup_epochs must be 0 or more"),
        ("trainer.batch_size=0", "trainer.batch_size must be 1 or more, received 0"),
        ("trainer.batch_size=1.5", "trainer.batch_size"),
        ("trainer.epochs=0", "trainer.epochs must be 1 or more"),
        ("trainer.epochs=many", "trainer.epochs"),
        ("trainer.validation_fraction=1", "trainer.validation_fraction must lie in [0, 1), received 1.0"),
        ("trainer.validation_fraction=-0.1", "trainer.validation_fraction must lie in [0, 1), received -0.1"),
        ("trainer.validation_fraction=nan", "trainer.validation_fraction must be a finite number, received nan"),
        ("trainer.split_seed=-1", "trainer.split_seed must be 0 or more"),
        ("trainer.device=gpus", "Did you mean 'gpu'?"),
        ("trainer.precision=float23", "Did you mean 'float32'?"),
        ("trainer.device_gigabytes=0", "trainer.device_gigabytes must be above 0"),
        ("callbacks.monitor=validation/acuracy", "Did you mean 'validation/accuracy'?"),
        ("callbacks.patience=0", "callbacks.patience must be 1 or more"),
        ("callbacks.min_delta=-1", "callbacks.min_delta must be 0 or more"),
        ("callbacks.min_delta=inf", "callbacks.min_delta"),
        ("callbacks=early_stopping trainer.validation_fraction=0", "early stopping needs images that are held back"),
        ("tracking.mode=lokal", "Did you mean 'local'?"),
        ("tracking=server", "received none"),
        ("tracking=server tracking.uri=mlflow", "received 'mlflow'"),
        ("tracking=server tracking.uri=ftp://host", "received 'ftp://host'"),
        ("tracking=server tracking.uri=http://", "received 'http://'"),
        ("tracking=server tracking.uri=http://host:port", "received 'http://host:port'"),
        ("tracking=server tracking.uri='sqlite:///'", "received 'sqlite:///'"),
        ("tracking.uri=http://127.0.0.1:5000", "tracking.uri is for tracking=server"),
        ("'tracking.experiment_name=\" \"'", "tracking.experiment_name must not be empty"),
        ("backend=tensorflw", "Did you mean 'tensorflow'?"),
        ("seed=-1", "seed must be 0 or more, received -1"),
        ("seed=1.5", "seed"),
        ("seed=4294967296", "seed"),
        ("limit=0", "limit must be null, a number of images above 0, or two"),
        ("limit=-5", "limit"),
        ("limit=1.5", "limit"),
        ("limit=true", "limit"),
        ("limit=few", "limit"),
        ("limit=[]", "limit"),
        ("limit=[1,2,3]", "limit"),
        ("limit=[0,5]", "limit"),
        ("limit_order=last", "limit_order must be one of"),
        ("model=lenet model.dropout=1", "model.dropout must lie in [0, 1), received 1.0"),
        ("model=lenet model.dropout=nan", "model.dropout"),
        ("model=lenet model.dropout=-0.1", "model.dropout"),
        ("model=fnn model.units=[0]", "model.units must be 1 or more, received [0]"),
        ("model=fnn model.units=[32,-1]", "model.units must be 1 or more"),
        ("model=cnn model.units=0", "model.units must be 1 or more, received 0"),
        ("model=cnn model.kernel_size=0", "model.kernel_size must be 1 or more"),
        ("model=cnn model.filters=[8,8,8,8]", "choose another model, smaller kernels or fewer blocks"),
        ("model._target_=nowhere", "model._target_ must name a class"),
        ("model._target_=os.path", "model._target_ must name a dataclass"),
        ("model._target_=eyechart.training.optimizers.Adam", "model._target_ must name a dataclass"),
        ("model.name=[1]", "model.name"),
        ("+trainer.epoch=3", "there is no configuration key 'trainer.epoch'. Did you mean 'epochs'?"),
        ("+optimizer.learnin_rate=3", "'optimizer.learnin_rate'. Did you mean 'learning_rate'?"),
        ("+model.unit=3", "'model.unit'. Did you mean 'units'?"),
        ("+modle=1", "'modle'. Did you mean 'model'?"),
        ("+dataset.forms.0.file=[]", "Did you mean 'files'?"),
        ("+zzz=1", "there is no configuration key 'zzz'. Known here: "),
    ],
)
def test_what_no_training_can_work_with_is_refused_in_one_line(overrides, expected):
    assert expected in refusal(*shlex.split(overrides))


def test_a_list_is_asked_for_in_words_that_a_person_knows():
    for override in ("model=fnn model.units=8", "mirrors=/data"):
        message = refusal(*override.split())
        assert "AnyNode" not in message
        assert "list" in message


def test_a_key_without_a_value_is_named():
    with pytest.raises(ConfigError, match=r"trainer\.epochs"):
        checked("trainer.epochs=???")


def test_a_group_that_is_missing_is_named():
    for group in ("dataset", "model", "optimizer", "schedule"):
        config = configuration()
        OmegaConf.set_struct(config, False)
        del config[group]
        with pytest.raises(ConfigError, match=group):
            check(config)


def test_what_came_after_a_configuration_was_composed_is_as_in_conf():
    config = OmegaConf.to_container(configuration("seed=7", "backend=jax"))
    for key in ("limit", "limit_order", "mirrors", "export", "plan", "force", "augmentation", "tracking"):
        del config[key]
    del config["trainer"]["class_weights"]
    assert check(OmegaConf.create(config)) == checked("seed=7", "backend=jax")


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:5000",
        "sqlite:////tmp/mlflow.db",
        "postgresql+psycopg2://host/db",
    ],
)
def test_addresses_of_tracking_servers(uri):
    assert checked("tracking=server", f"tracking.uri={uri}").tracking.uri == uri


@pytest.mark.parametrize("uri", ["https://user:password@host/mlflow", "postgresql+psycopg2://u:p@host/db"])
def test_passwords_in_addresses_are_for_the_environment(monkeypatch, uri):
    told = refusal("tracking=server", f"tracking.uri={uri}")
    assert told.startswith("tracking.uri must be an address without a user and a password, received ")
    assert told.endswith("or the whole address as MLFLOW_TRACKING_URI")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert checked().tracking.uri == uri


@pytest.mark.parametrize(("given", "meant"), [("null", (None, None)), ("9", (9, 9)), ("[9,null]", (9, None))])
def test_limit(given, meant):
    assert checked(f"limit={given}").limit == meant


# --- the environment


def test_the_backend_of_the_environment_wins_with_a_notice(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    config = checked()
    assert config.backend == "jax"
    (notice,) = config.notices
    assert "KERAS_BACKEND=jax" in notice
    assert "\n" not in notice
    assert checked("backend=jax").notices == ()
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert "'torch'" in refusal()


def test_the_tracking_address_of_the_environment_wins_with_a_notice(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    for mode in ("local", "server"):
        config = checked(f"tracking={mode}")
        assert (config.tracking.mode, config.tracking.uri) == ("server", "http://127.0.0.1:5000")
        (notice,) = config.notices
        assert "MLFLOW_TRACKING_URI=http://127.0.0.1:5000" in notice
    assert checked("tracking=server", "tracking.uri=http://127.0.0.1:5000").notices == ()


@pytest.mark.parametrize("mode", ["offline", "none"])
def test_no_tracking_stays_no_tracking(monkeypatch, mode):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    config = checked(f"tracking={mode}")
    assert (config.tracking.mode, config.tracking.uri) == (mode, None)
    assert config.notices == ()


def test_a_malformed_address_of_the_environment_is_refused(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense")
    assert "'nonsense'" in refusal()


@pytest.mark.parametrize(
    "address",
    [
        f"http://me:{PASSWORD}@host:5000",
        f"http://me:{PASSWORD}@host:port",
        f"ftp://me:{PASSWORD}@host",
        (f"http://me:x/{PASSWORD}@host:5000"),
        (f"http://me:x@{PASSWORD}@host:port"),
        (f"http://me:{PASSWORD}/@host:5000"),
        f"postgresql://me:{PASSWORD}@/",
        (f"me:{PASSWORD}@host"),
        f"//me:{PASSWORD}@host",
    ],
)
def test_a_password_is_never_told(monkeypatch, address):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    try:
        told = " ".join(checked().notices)
    except ConfigError as error:
        told = str(error)
    assert told
    assert PASSWORD not in told


# --- the run key

# Recorded. A key that changes makes every run that somebody has finished train again: add a field to NEUTRAL instead,
# or raise TRAINING_VERSION on purpose.
RECORDED = {
    "": "8ead8714755b9fc3008b",
    "model=fnn dataset=digits": "5c1868f1824acd0c5f7f",
    "model=lenet model.dropout=0.3 seed=1": "d67e1586a3323867fe06",
    "model=birnn optimizer=sgd optimizer.momentum=0.9 schedule=cosine": "5455df3cd6f1ca4cf1f2",
    "optimizer=rmsprop schedule=exponential backend=jax limit=[1000,500]": "68a2c3eab7eaec7b6d88",
    # the key that the line above had while limits took the first test images
    "optimizer=rmsprop schedule=exponential backend=jax limit=[1000,500] limit_order=first": "06027a7342abc8f57b96",
    "optimizer=adamw callbacks=early_stopping trainer.precision=mixed_float16": "13c938950ede266400b1",
    "experiment=doc001/fnn_mnist": "6e1879e3051df1de0efe",
    "model=cnn_small_bn augmentation=flip_shift": "4982a9630fcfb91a146f",
    "model=birnn model.cell=gru trainer.class_weights=balanced": "04a7d0a9d3a5190e24c7",
    "model=rnn_per_step": "68b8286cfab10a72820f",
    "model=cnn_rnn model.reading=maps": "6f1b8a3bf429c83d7b89",
}


@pytest.mark.parametrize("overrides", RECORDED)
def test_recorded_run_keys(overrides):
    assert key(*overrides.split()) == RECORDED[overrides]


# Recorded. What a kind is called in run keys and kept configurations, wherever its class lies by now: it never changes.
CALLED = [
    ("model=cnn", "eyechart.models.convolutional.CNN"),
    ("model=fnn", "eyechart.models.dense.FNN"),
    ("model=birnn", "eyechart.models.recurrent.BiRNN"),
    ("model=cnn_rnn", "eyechart.models.recurrent.CNNRNN"),
    ("model=rnn", "eyechart.models.recurrent.RNN"),
    ("optimizer=adam", "eyechart.training.optimizers.Adam"),
    ("optimizer=adamw", "eyechart.training.optimizers.AdamW"),
    ("optimizer=rmsprop", "eyechart.training.optimizers.RMSprop"),
    ("optimizer=sgd", "eyechart.training.optimizers.SGD"),
    ("schedule=constant", "eyechart.training.schedules.Constant"),
    ("schedule=cosine", "eyechart.training.schedules.Cosine"),
    ("schedule=exponential", "eyechart.training.schedules.Exponential"),
]


@pytest.mark.parametrize(("override", "name"), CALLED)
def test_a_kind_keeps_its_name_where_its_class_moves(monkeypatch, override, name):
    group, config, before = override.partition("=")[0], checked(override), key(override)
    assert config.choices()[group]["_target_"] == name
    monkeypatch.setattr(type(getattr(config, group)), "__module__", "eyechart.somewhere.else")
    assert config.choices()[group]["_target_"] == name
    assert key(override) == before


@pytest.mark.parametrize(("override", "name"), CALLED)
def test_a_kind_is_chosen_by_every_name_it_had(override, name):
    group, module, last = override.partition("=")[0], *name.rpartition(".")[::2]
    paths = [name, f"eyechart.models.{last}"] if group == "model" else [name]
    assert {key(override, f"{group}._target_={path}") for path in paths} == {key(override)}
    assert getattr(importlib.import_module(module), last) is type(getattr(checked(override), group))


def test_every_kind_of_the_package_has_a_name():
    def concrete(base):
        return {kind for one in base.__subclasses__() for kind in (one, *concrete(one))}

    kinds = {kind for base in (Architecture, Optimizer, Schedule) for kind in concrete(base)}
    assert {kind for kind in kinds if kind.__module__.startswith("eyechart.")} == set(config_module.KINDS.values())
    assert [name for _, name in CALLED] == list(config_module.KINDS)


def test_what_does_not_change_the_work_does_not_change_its_key(monkeypatch):
    expected = key()
    for same in (
        ["tracking=none"],
        ["tracking=server", "tracking.uri=http://127.0.0.1:5000"],
        ["tracking.experiment_name=other"],
        ["trainer.device=cpu"],
        ["trainer.device_gigabytes=0.5"],
        ["mirrors=[/data]"],
        ["export=somewhere"],
        ["model.name=another"],
        ["model.name=null"],
        ["limit=[null,null]"],
        ["limit_order=first"],  # where nothing is limited
        ["dataset.name=renamed"],  # its digest counts
        ["optimizer.learning_rate=1e-3"],
    ):
        assert key(*same) == expected, same


CHANGES = [
    "seed=1",
    "backend=jax",
    "trainer.precision=mixed_bfloat16",
    "trainer.epochs=11",
    "trainer.batch_size=64",
    "trainer.validation_fraction=0.2",
    "trainer.split_seed=1",
    "optimizer.learning_rate=0.002",
    "optimizer=adamw",
    "optimizer=rmsprop",
    "schedule=cosine",
    "callbacks.monitor=validation/loss",
    "callbacks.patience=3",
    "augmentation=flip_shift",
    "augmentation.cutout=1",
    "trainer.class_weights=balanced",
    "model=lenet",
    "model.units=65",
    "model.strides=2",
    "model.padding=same",
    "model.last_activation=linear",
    "model.batch_norm=true",
    "model.pool_strides=1",
    "model.pool_padding=same",
    "model.dropout=0.1",
    "limit=1000",
    "limit=[1000,500]",
    "limit=[1000,null]",
    "limit=[null,500]",
    "limit=[null,500] limit_order=first",
]


def test_what_changes_the_work_changes_its_key():
    keys = [key(), checked().run_key("e" * 64), *(key(*change.split()) for change in CHANGES)]
    assert len(set(keys)) == len(keys)


def test_no_fraction_means_a_tenth_or_the_data_sets_own_part():
    tenth = key("trainer.validation_fraction=0.1")
    assert key("trainer.validation_fraction=null") == key() == tenth
    config = checked()
    assert config.resolved(0).parameters()["trainer.validation_fraction"] == 0.1
    assert config.resolved(0).resolved(0) == config.resolved(0)
    assert config.resolved(10_000) == config
    assert "trainer.validation_fraction" not in config.resolved(10_000).parameters()
    assert config.run_key(DIGEST, 10_000) != tenth
    explicit = checked("trainer.validation_fraction=0.1")
    assert explicit.resolved(10_000) == explicit
    assert explicit.run_key(DIGEST, 10_000) == tenth


def test_the_code_is_in_the_key_unless_it_is_the_package_s_first_version(monkeypatch):
    config = checked("augmentation=flip_shift", "trainer.class_weights=balanced")
    assert config.code.choices == ("model", "optimizer", "schedule", "augmentation", "loss", "engine")
    assert not config.code.tokens
    assert checked().code.choices == ("model", "optimizer", "schedule", "loss", "engine")
    before, table = key(), dict(versions.table())
    for name in ("eyechart.models.convolutional.CNN", "eyechart.engine.tensorflow", "eyechart.loss.crossentropy"):
        edited = table | {name: {"1": ["0"], "2": table[name]["1"]}}
        monkeypatch.setattr(versions, "table", lambda edited=edited: edited)
        (choice,) = checked().code.tokens
        assert choice in name
        assert checked().code.tokens == {choice: "2"}
        assert checked().parameters()[f"code.{choice}"] == "2"
        assert key() != before
        assert checked().without_code().run_key(DIGEST) == before
    assert key("backend=jax") == key("backend=jax")
    monkeypatch.setattr(versions, "table", lambda: table | {"eyechart.models.dense.FNN": {}})
    assert key() == before  # another model was edited


def test_files_that_a_model_depends_on(monkeypatch, tmp_path):
    monkeypatch.setenv("EYECHART_ROOT", str(tmp_path))
    (tmp_path / "teacher.npz").write_bytes(b"one")
    config = checked("+model.depends=[teacher.npz]")
    assert config.run_key(DIGEST) != key()
    assert config.recorded()["model"]["depends"] == ["teacher.npz"]
    assert "depends" not in config.choices()["model"]
    assert "depends" not in checked().recorded()["model"]
    assert "model.depends must be a list of files" in refusal("+model.depends=teacher.npz")
    assert "'absent.npz', which cannot be read" in refusal("+model.depends=[absent.npz]")


def test_averaged_weights_that_nothing_uses_are_refused():
    assert "optimizer.use_ema=true would change nothing" in refusal(
        f"optimizer._target_={__name__}.Averaging", "+optimizer.use_ema=true"
    )
    assert checked(f"optimizer._target_={__name__}.Averaging").optimizer.use_ema is False


@dataclasses.dataclass(frozen=True)
class Averaging(Adam):
    use_ema: bool = False

    def check(self) -> None:
        """Nothing: a class of a person's own may forget to ask its base."""


def test_a_key_is_twenty_hexadecimal_digits():
    assert set(key()) <= set("0123456789abcdef")
    assert len(key()) == 20


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("optimizer.learning_rate=1", "optimizer.learning_rate=1.0"),
        ("optimizer.learning_rate=1e-2", "optimizer.learning_rate=0.01"),
        ("callbacks.min_delta=0", "callbacks.min_delta=0.0"),
        ("trainer.validation_fraction=0", "trainer.validation_fraction=0.0"),
        ("limit=5", "limit=[5,5]"),
    ],
)
def test_two_spellings_of_a_number_are_one_key(one, other):
    assert key(one) == key(other)


def shuffled(node: Any, random: Any) -> Any:
    if not isinstance(node, dict):
        return node
    names = list(node)
    random.shuffle(names)
    return {name: shuffled(node[name], random) for name in names}


WHOLE = OmegaConf.to_container(compose("model=lenet", "schedule=cosine"), resolve=True)


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(random):
    config = OmegaConf.create(shuffled(WHOLE, random))
    assert check(config).run_key(DIGEST) == check(OmegaConf.create(WHOLE)).run_key(DIGEST)


@settings(max_examples=30, deadline=None)
@given(
    seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)),
    rates=st.tuples(st.floats(1e-6, 1.0), st.floats(1e-6, 1.0)),
)
def test_keys_are_equal_exactly_where_the_choices_are(seeds, rates):
    base = check(OmegaConf.create(WHOLE))
    configs = [
        dataclasses.replace(
            base, seed=seed, optimizer=dataclasses.replace(base.optimizer, learning_rate=rate), notices=("any",)
        )
        for seed, rate in zip(seeds, rates, strict=True)
    ]
    keys = [config.run_key(DIGEST) for config in configs]
    assert (keys[0] == keys[1]) == (configs[0].choices() == configs[1].choices())


def test_a_field_that_came_later_leaves_old_keys_at_its_neutral_value(monkeypatch):
    old = key("seed=7")
    monkeypatch.setitem(config_module.NEUTRAL, "callbacks.min_delta", 0.0)
    monkeypatch.setitem(config_module.NEUTRAL, "backend", "tensorflow")
    new = key("seed=7")
    assert new != old  # as if the fields were not there
    assert key("seed=7", "callbacks.min_delta=0.1") != new
    assert key("seed=7", "backend=jax") != new


# --- what is recorded


def test_choices_are_plain_and_hold_the_defaults_that_were_not_typed():
    choices = checked("model=lenet").choices()
    assert json.loads(json.dumps(choices)) == choices
    assert choices["model"]["_target_"] == "eyechart.models.convolutional.CNN"
    assert choices["model"]["dropout"] == 0.5
    assert "device" not in choices["trainer"]


def test_parameters_are_flat_named_as_on_the_command_line_and_few():
    config = configuration("model=fnn", "optimizer=sgd", "limit=[100,50]")
    parameters = check(config).parameters()
    assert parameters["model"] == "fnn"
    assert parameters["dataset"] == "fashion_mnist"
    assert parameters["optimizer"] == "sgd"
    assert parameters["optimizer.learning_rate"] == 0.01
    assert parameters["schedule"] == "constant"
    assert parameters["trainer.epochs"] == 10
    assert parameters["limit"] == [100, 50]
    assert parameters["limit_order"] == "stratified"
    assert len(parameters) < 40
    for name, value in parameters.items():
        assert not isinstance(value, dict)
        assert len(str(value)) < 100
        assert OmegaConf.select(config, name) is not None, name
    assert not any(name.startswith(("tracking", "dataset.", "mirrors", "export")) for name in parameters)
    assert not {"limit", "limit_order"} & set(checked().parameters())


def test_which_test_images_are_taken_is_said_only_where_some_are_left_out_and_not_the_first():
    assert checked("limit=[9,5]").choices()["limit_order"] == "stratified"
    for words in ([], ["limit=[9,null]"], ["limit=[9,5]", "limit_order=first"]):
        config = checked(*words)
        assert not any("limit_order" in said for said in (config.choices(), config.parameters())), words
    assert key("limit=[9,null]", "limit_order=first") == key("limit=[9,null]")


@dataclasses.dataclass(frozen=True)
class OwnNet(FNN):
    """A model of the user's own."""


def test_a_class_of_the_users_own_is_recorded():
    config = checked("model=fnn")
    own = dataclasses.replace(config, model=OwnNet(units=[8]))
    assert own.parameters()["model._target_"].endswith("OwnNet")
    assert "model._target_" not in config.parameters()


def test_nothing_heavy_is_imported():
    code = (
        "import sys; import eyechart.config, eyechart.runner.run, eyechart.sweeps.sweep, eyechart.sweeps.job;"
        "print([name for name in 'keras tensorflow jax mlflow sklearn scipy pandas matplotlib rich'.split() "
        "if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
