"""A job of a sweep is composed as Hydra composes it."""

from __future__ import annotations

import pytest
from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.types import HydraContext, RunMode
from omegaconf import OmegaConf
from support import REPOSITORY

from hydra_plugins.eyechart.grid import GridSweeper


@pytest.fixture(scope="module")
def sweeper():
    Plugins.instance()
    search_path = create_config_search_path(str(REPOSITORY / "conf"))
    loader = ConfigLoaderImpl(search_path)
    sweeper = GridSweeper()
    sweeper.hydra_context = HydraContext(config_loader=loader, callbacks=Callbacks())
    sweeper.config = loader.load_configuration("config", overrides=[], run_mode=RunMode.MULTIRUN)
    return sweeper


def as_hydra(sweeper, overrides):
    config = sweeper.hydra_context.config_loader.load_sweep_config(sweeper.config, overrides)
    return OmegaConf.to_container(OmegaConf.masked_copy(config, [key for key in config if key != "hydra"]))


@pytest.mark.parametrize(
    "words",
    [
        "",
        "model=fnn seed=3",
        "model=fnn seed=4 model.units=[8,4] optimizer.learning_rate=1e-2",
        "optimizer.learning_rate=1e-2 model=lenet seed=4",
        "experiment=doc004/lenet_mnist trainer.epochs=2 seed=7",
        "trainer.epochs=2 experiment=doc004/lenet_mnist",
        "debug=fast limit=[5,5] trainer.epochs=3",
        "mirrors=[/a,/b] export=null plan=true",
        "model=birnn model.cell=gru model.cell=lstm",
        "+trainer.other=1 trainer.other=2",
        "optimizer=sgd optimizer.momentum=0.5 ~schedule",
        "tracking.experiment_name='a b' backend=jax",
    ],
)
def test_the_same_as_hydra(sweeper, words):
    overrides = words.split() if "'" not in words else ["tracking.experiment_name='a b'", "backend=jax"]
    for _ in range(2):  # the second time from what is kept
        assert OmegaConf.to_container(sweeper.compose(overrides)) == as_hydra(sweeper, overrides)


@pytest.mark.parametrize("override", ["model.nothing=1", "nothing=1", "model=nothing", "sed=1", "a.b.c=1"])
def test_the_same_errors_as_hydra(sweeper, override):
    with pytest.raises(HydraException) as expected:
        as_hydra(sweeper, ["seed=1", override])
    with pytest.raises(HydraException) as received:
        sweeper.compose(["seed=1", override])
    assert str(received.value) == str(expected.value)
