"""The typed configuration of a run: strict checks, and the run key. Imports nothing heavy.

A group with several kinds (model, optimizer, schedule) is a dataclass named by `_target_`; its fields are what the
group's YAML may set. The others are dataclasses in the package that they configure.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from omegaconf import DictConfig, OmegaConf

from eyechart.code.used import Part, UsedCode, own_code, package_code, with_files
from eyechart.core.conf import filled
from eyechart.core.errors import ConfigError
from eyechart.core.schema import at_least, one_of, typed
from eyechart.data.config import DatasetConfig, check_dataset
from eyechart.data.dataset import DEFAULT_FRACTION, FIRST, LIMIT_ORDERS
from eyechart.models import CNN, CNNRNN, FNN, RNN, Architecture, BiRNN
from eyechart.tracking.config import TrackingConfig, with_environment
from eyechart.training.augmentation import Augmentation
from eyechart.training.config import CallbacksConfig, TrainerConfig
from eyechart.training.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from eyechart.training.schedules import Constant, Cosine, Exponential, Schedule

BACKENDS = ("tensorflow", "jax")

# Part of every run key: raise it when what all runs share, such as how data are split, no longer gives the same result.
# What some runs choose has versions of its own (code/versions.json).
TRAINING_VERSION = 1

# Fields added after run keys were first given out, with the value that means "as it was before": left out of the key
# at that value, so that old keys stay.
NEUTRAL: dict[str, Any] = {
    "code": {},
    "augmentation": {"flip": False, "shift": 0, "cutout": 0},
    "trainer.class_weights": None,
    "model.strides": 1,  # from here on of convolutional nets
    "model.padding": "valid",
    "model.last_activation": "relu",
    "model.batch_norm": False,
    "model.pool_strides": None,
    "model.pool_padding": "valid",
    "model.dropout": 0.0,
    "model.cell": "lstm",  # from here on of recurrent nets
    "model.reduction": "max_pool",
    "model.directions": "both",
}

# What the kinds of this package are called in run keys and in kept configurations: the import path of the class when
# its first run was trained. A name stays as it is when its class moves. A person's own class is called by its path.
KINDS: dict[str, type[Any]] = {
    "eyechart.models.convolutional.CNN": CNN,
    "eyechart.models.dense.FNN": FNN,
    "eyechart.models.recurrent.BiRNN": BiRNN,
    "eyechart.models.recurrent.CNNRNN": CNNRNN,
    "eyechart.models.recurrent.RNN": RNN,
    "eyechart.training.optimizers.Adam": Adam,
    "eyechart.training.optimizers.AdamW": AdamW,
    "eyechart.training.optimizers.RMSprop": RMSprop,
    "eyechart.training.optimizers.SGD": SGD,
    "eyechart.training.schedules.Constant": Constant,
    "eyechart.training.schedules.Cosine": Cosine,
    "eyechart.training.schedules.Exponential": Exponential,
}
_NAMES = {kind: name for name, kind in KINDS.items()}


@dataclass
class _Schema:
    """The configuration as composed: everything but the groups with several kinds."""

    seed: int
    backend: str
    limit: Any
    limit_order: str
    export: str | None
    plan: bool
    force: bool
    confirm: int | None
    verify: bool
    mirrors: list[str]
    dataset: DatasetConfig
    model: Any = None
    optimizer: Any = None
    schedule: Any = None
    augmentation: Augmentation = field(default_factory=Augmentation)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    callbacks: CallbacksConfig = field(default_factory=CallbacksConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)


@dataclass(frozen=True)
class Config:
    """A checked configuration.

    Attributes:
        model_name: the model's name in tables, as in `conf/model`.
        limit: at most so many training and test images; None: all.
        limit_order: which test images a limit takes: `stratified`, as many of each class as is its share; `first`, as
            runs were limited before this could be chosen.
        export: a folder, relative to the workspace, that the run's files are copied to; None: nowhere.
        plan: say what would be trained, and train nothing.
        force: train anew what has been finished before.
        confirm: with how many new seeds a sweep asks again about the rows that it chose; None: with none.
        verify: hash the prepared data, also where nothing about its files has changed.
        notices: what the environment decided against the configuration, to be told to the user.
        code: that is behind the choices.
        depends: files that the model's code reads besides.
    """

    dataset: DatasetConfig
    model_name: str
    model: Architecture
    optimizer: Optimizer
    schedule: Schedule
    augmentation: Augmentation
    trainer: TrainerConfig
    callbacks: CallbacksConfig
    tracking: TrackingConfig
    seed: int
    backend: str
    limit: tuple[int | None, int | None]
    limit_order: str
    export: str | None
    plan: bool
    force: bool
    verify: bool
    confirm: int | None = None
    notices: tuple[str, ...] = ()
    code: UsedCode = field(default_factory=UsedCode)
    depends: tuple[str, ...] = ()

    def choices(self) -> dict[str, Any]:
        """Everything that decides the result, as nested plain values; hashed into the run key."""
        trainer = dataclasses.asdict(self.trainer)
        for place in ("device", "device_gigabytes"):
            del trainer[place]
        choices = {
            "dataset": {"name": self.dataset.name},
            "model": _choice(self.model),
            "optimizer": _choice(self.optimizer),
            "schedule": _choice(self.schedule),
            "augmentation": dataclasses.asdict(self.augmentation),
            "trainer": trainer,
            "callbacks": dataclasses.asdict(self.callbacks),
            "seed": self.seed,
            "backend": self.backend,
            "limit": list(self.limit),
            "code": dict(self.code.tokens),
        }
        if self.limit[1] is not None and self.limit_order != FIRST:  # without it, first is meant, as of old
            choices["limit_order"] = self.limit_order
        return choices

    def recorded(self) -> dict[str, Any]:
        """The choices as a run keeps them, with what is needed to have the same code again."""
        choices = self.choices()
        if self.depends:
            choices["model"]["depends"] = list(self.depends)
        return choices

    def without_code(self) -> Config:
        """This configuration as if its code were the package's first version, in which run keys do not name code."""
        return dataclasses.replace(self, code=UsedCode())

    def with_first_images(self) -> Config:
        """This configuration with a limit that takes the first test images, as every limit once did."""
        return dataclasses.replace(self, limit_order=FIRST)

    def resolved(self, own_validation: int) -> Config:
        """This configuration with `trainer.validation_fraction` as it really is, where null left it to the data set.

        Args:
            own_validation: of the prepared data set. Where it is 0, null becomes the tenth that is held back then.
        """
        if self.trainer.validation_fraction is not None or own_validation:
            return self
        return dataclasses.replace(
            self, trainer=dataclasses.replace(self.trainer, validation_fraction=DEFAULT_FRACTION)
        )

    def run_key(self, digest: str, own_validation: int = 0) -> str:
        """The name of this piece of work: 20 hexadecimal digits of a SHA-256.

        Args:
            digest: of the prepared data set, which stands in place of the data set's name.
            own_validation: of the prepared data set.
        """
        choices = self.resolved(own_validation).choices() | {"dataset": digest, "training_version": TRAINING_VERSION}
        for path, neutral in NEUTRAL.items():
            group, _, name = path.rpartition(".")
            holder = choices[group] if group else choices
            if name in holder and holder[name] == neutral:
                del holder[name]
        text = json.dumps(choices, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    def parameters(self) -> dict[str, Any]:
        """What a person chooses, flat and named as on the command line: `{"optimizer.learning_rate": 0.01, ...}`."""
        flat: dict[str, Any] = {"model": self.model_name, "dataset": self.dataset.name}
        for group, value in self.choices().items():
            if group in ("dataset", "limit"):
                continue
            if isinstance(value, dict):
                kind = value.pop("_target_", None)
                if kind is not None and group != "model":
                    flat[group] = kind.rpartition(".")[2].lower()
                elif kind is not None and not kind.startswith("eyechart."):  # a class of the user's own
                    flat["model._target_"] = kind
                flat |= {f"{group}.{name}": inner for name, inner in value.items() if inner is not None}
            else:
                flat[group] = value
        if self.limit != (None, None):
            flat["limit"] = list(self.limit)
        return flat


def check(config: DictConfig) -> Config:
    """Check a composed configuration; nothing about it is left for later but what only the data can tell.

    KERAS_BACKEND and MLFLOW_TRACKING_URI in the environment win over the configuration, with a notice; the latter not
    over `tracking=offline` and `tracking=none`.

    Raises:
        ConfigError: a key is unknown or missing, or a value is not what it should be.
    """
    plain = typed(_Schema, filled(config, "config"))  # params.yaml may have been composed before a key came
    check_dataset(plain.dataset)
    model_node = _kind("model", plain.model)
    model_name = model_node.pop("name", None) or model_node["_target_"].rpartition(".")[2].lower()
    if not isinstance(model_name, str):
        raise ConfigError(f"model.name must be a word, received {model_name}")
    depends = _depends(model_node.pop("depends", None))
    notices: list[str] = []
    _apply_environment(plain, notices)
    nodes = {
        "model": model_node,
        "optimizer": _kind("optimizer", plain.optimizer),
        "schedule": _kind("schedule", plain.schedule),
    }
    code = _used_code(plain, nodes, depends)  # before what is a person's own is imported
    checked = Config(
        dataset=plain.dataset,
        model_name=model_name,
        model=_instantiate("model", nodes["model"], Architecture),
        optimizer=_instantiate("optimizer", nodes["optimizer"], Optimizer),
        schedule=_instantiate("schedule", nodes["schedule"], Schedule),
        augmentation=plain.augmentation,
        trainer=plain.trainer,
        callbacks=plain.callbacks,
        tracking=plain.tracking,
        seed=plain.seed,
        backend=plain.backend,
        limit=_limit(plain.limit),
        limit_order=plain.limit_order,
        export=plain.export,
        plan=plain.plan,
        force=plain.force,
        verify=plain.verify,
        confirm=plain.confirm,
        notices=tuple(notices),
        code=code,
        depends=tuple(depends),
    )
    checked.optimizer.check()
    checked.schedule.check()
    _check_values(checked)
    return checked


def _used_code(plain: _Schema, nodes: Mapping[str, dict[str, Any]], depends: list[str]) -> UsedCode:
    """The code behind what was chosen."""
    parts = {group: _code_of(group, node["_target_"]) for group, node in nodes.items()}
    if depends:
        parts["model"] = with_files(parts["model"], depends)
    if plain.augmentation:
        parts["augmentation"] = package_code("eyechart.training.augmentation.Augmentation")
    weighted = ["eyechart.loss.balanced"] if plain.trainer.class_weights else []
    parts["loss"] = package_code("eyechart.loss.crossentropy", *weighted)
    if plain.backend in BACKENDS:  # another is told of below
        parts["engine"] = package_code(f"eyechart.engine.{plain.backend}")
    return UsedCode.of(parts)


def _code_of(group: str, target: str) -> Part:
    if not target.startswith("eyechart."):
        return own_code(target)
    kind = KINDS.get(target) or _import(group, target)
    return package_code(_NAMES.get(kind, target))


def _depends(value: Any) -> list[str]:
    """The files that a person's network reads besides its code."""
    files = [] if value is None else value
    if not (isinstance(files, list) and all(isinstance(file, str) for file in files)):
        raise ConfigError(
            f"model.depends must be a list of files, as in 'model.depends=[teacher.npz]', received {value}"
        )
    return files


def _check_values(config: Config) -> None:
    if getattr(config.optimizer, "use_ema", False):
        raise ConfigError(
            "optimizer.use_ema=true would change nothing, because the averaged weights are not used yet: "
            "expected false, received true"
        )
    one_of("backend", config.backend, BACKENDS)
    one_of("limit_order", config.limit_order, LIMIT_ORDERS)
    at_least("seed", config.seed, 0)
    if config.confirm is not None:
        at_least("confirm", config.confirm, 2)
        if config.trainer.validation_fraction == 0:
            raise ConfigError(
                "what a sweep confirms is chosen by images that are held back: expected trainer.validation_fraction "
                "above 0, received 0; hold some back, or type confirm=null"
            )
    if config.seed >= 2**32:
        raise ConfigError(f"seed must be below 2**32 = {2**32}, received {config.seed}")
    config.augmentation.check()
    config.trainer.check()
    config.callbacks.check()
    config.tracking.check()
    if config.callbacks.patience is not None and config.trainer.validation_fraction == 0:
        raise ConfigError(
            "early stopping needs images that are held back: expected trainer.validation_fraction above 0, received 0; "
            "hold some back, or type callbacks.patience=null"
        )


def _apply_environment(plain: _Schema, notices: list[str]) -> None:
    backend = os.environ.get("KERAS_BACKEND")
    if backend and backend != plain.backend:
        notices.append(f"KERAS_BACKEND={backend} in the environment wins over backend={plain.backend}")
        plain.backend = backend
    plain.tracking, told = with_environment(plain.tracking)
    notices += told


def _limit(value: Any) -> tuple[int | None, int | None]:
    pair = value if isinstance(value, list) else [value, value]
    right = len(pair) == 2 and all(n is None or (type(n) is int and n >= 1) for n in pair)
    if not right:
        raise ConfigError(
            f"limit must be null, a number of images above 0, or two: limit=[training,test], received {value}"
        )
    return (pair[0], pair[1])


def _kind(group: str, node: Any) -> dict[str, Any]:
    """The node of a group with several kinds, with a `_target_`."""
    if not isinstance(node, dict) or not isinstance(node.get("_target_"), str):
        raise ConfigError(f"{group} needs a _target_: choose one of conf/{group}, as in {group}=NAME")
    return dict(node)


def _instantiate(group: str, node: dict[str, Any], base: type[Any]) -> Any:
    """The dataclass that `_target_` names, made from the node's other values."""
    target = node.pop("_target_")
    kind = KINDS.get(target) or _import(group, target)
    if not (isinstance(kind, type) and issubclass(kind, base) and dataclasses.is_dataclass(kind)):
        raise ConfigError(f"{group}._target_ must name a dataclass that is a {base.__name__}, received '{target}'")
    return typed(kind, OmegaConf.create(node), group)


def _import(group: str, target: str) -> Any:
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        raise ConfigError(f"{group}._target_ must name a class, as package.module.Class, received '{target}'") from None


def _choice(value: Any) -> dict[str, Any]:
    kind = type(value)
    return {"_target_": _NAMES.get(kind, f"{kind.__module__}.{kind.__qualname__}")} | dataclasses.asdict(value)
