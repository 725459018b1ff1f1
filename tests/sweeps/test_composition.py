"""A job of a sweep is planned as Hydra composes it, and as its launcher trains it."""

from __future__ import annotations

import os

import pytest
from hydra import version
from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.plugins import Plugins
from hydra.core.utils import JobRuntime, setup_globals
from hydra.errors import HydraException
from hydra.types import HydraContext, RunMode
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from support import REPOSITORY, error_line

from eyechart.config import check
from eyechart.core.errors import ConfigError
from eyechart.programs import train
from eyechart.runner.job import Job
from eyechart.sweeps.plan import make_plan
from hydra_plugins.eyechart.grid import GridSweeper

BATCHNORM, DIRECTION = "experiment=compare/batchnorm", "experiment=compare/reading_direction"


@pytest.fixture(scope="module")
def loader():
    Plugins.instance()
    setup_globals()
    version.setbase("1.3")
    JobRuntime().set("name", "train")
    return ConfigLoaderImpl(create_config_search_path(str(REPOSITORY / "conf")))


def sweeper_of(loader, *typed):
    """The sweeper as Hydra makes it for what was typed."""
    config = loader.load_configuration("config", ["hydra.mode=MULTIRUN", *typed], RunMode.MULTIRUN)
    context = HydraContext(config_loader=loader, callbacks=Callbacks())
    sweeper = GridSweeper(config.hydra.sweeper.params)
    sweeper.setup(hydra_context=context, task_function=train.main.__wrapped__, config=config)
    return sweeper


@pytest.fixture(scope="module")
def sweeper(loader):
    return sweeper_of(loader)


def as_hydra(loader, sweeper, overrides):
    config = loader.load_sweep_config(sweeper.config, overrides)
    return OmegaConf.to_container(OmegaConf.masked_copy(config, [key for key in config if key != "hydra"]))


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "model=fnn seed=4 model.units=[8,4] optimizer.learning_rate=1e-2",
        "optimizer.learning_rate=1e-2 model=lenet seed=4",
        "trainer.epochs=2 experiment=doc004/lenet_mnist",
        "debug=fast limit=[5,5] trainer.epochs=3",
        "model=birnn model.cell=gru model.cell=lstm",
        "+trainer.other=1 trainer.other=2",
        "trainer.epochs=1 ++trainer.epochs=2",
        "++trainer.epochs=2 trainer.epochs=1",
        "trainer.epochs=1 trainer={epochs:2,batch_size:3}",
        "trainer={epochs:2} trainer.epochs=1",
        "++seed=3 seed=2 ~seed +seed=1",
        "optimizer=sgd optimizer.momentum=0.5 ~schedule",
        "tracking.experiment_name='a_b' backend=jax",
    ],
)
def test_the_same_as_hydra(loader, sweeper, typed):
    for _ in range(2):  # the second time from what is kept
        composed = OmegaConf.to_container(sweeper.jobs.compose(typed.split()))
        assert composed == as_hydra(loader, sweeper, typed.split())


@pytest.mark.parametrize("override", ["model.nothing=1", "nothing=1", "model=nothing", "sed=1", "++model=fnn"])
def test_the_same_errors_as_hydra(loader, sweeper, override):
    with pytest.raises(HydraException) as expected:
        as_hydra(loader, sweeper, ["seed=1", override])
    with pytest.raises(HydraException) as received:
        sweeper.jobs.compose(["seed=1", override])
    assert str(received.value) == str(expected.value)


# --- what was planned and what its launcher has trained


@pytest.fixture
def planned_and_trained(loader, digits, monkeypatch):
    """From words to the names and run keys that are planned, and to those that Hydra's own launcher has trained."""
    trained = []

    def asked(config, key):
        return config.tracking.experiment_name, config.export, config.seed, key

    def run_job(config, overrides):
        trained.append(asked(check(config), Job.of(check(config)).run_key))

    monkeypatch.setattr("eyechart.sweeps.job.run_job", run_job)

    def both(*typed, skip=0):
        trained.clear()
        sweeper = sweeper_of(loader, "dataset=digits", *typed)
        overrides = OmegaConf.to_container(sweeper.config.hydra.overrides.task, resolve=False)
        plan = make_plan(sweeper.jobs_of(overrides), sweeper.jobs.configure)
        left = plan.jobs[skip:]  # of which those before are finished
        assert sweeper._launch(left) == []
        return [asked(job.config, job.run_key) for job in left], trained

    return both


WORDS = [
    "trainer.epochs=1",
    "++trainer.epochs=2,3",
    "trainer.epochs=4",
    "trainer={epochs:5}",
    "model=fnn,lenet",
    "model=cnn",
    "seed=choice(0,1)",
    "++seed=${hydra:job.num}",
    "seed=range(3,5)",
    "seed=7",
    "~debug",
    "limit=[64,32]",
    "optimizer.learning_rate=1e-2,0.01",
    "export='${hydra:job.name} of ${model.name}'",
    "export=${hydra:runtime.output_dir}/${hydra:job.num}",
    "tracking.experiment_name='a, \"b\"','=c'",
    "tracking.experiment_name=${hydra:sweep.subdir}${hydra:job.id}",
    "++hydra.job.env_set.KERAS_BACKEND=jax",
    "hydra.sweep.subdir=${hydra.job.num}",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
@given(st.lists(st.sampled_from(WORDS), max_size=4), st.integers(0, 2))
@example(["trainer.epochs=1", "++trainer.epochs=2", "seed=0,1"], 0)
@example(["model=fnn,lenet", "seed=${hydra:job.num}"], 1)
@example(
    ["seed=0,1", "export=${hydra:job.override_dirname}", "hydra.job.config.override_dirname.exclude_keys=[export]"], 1
)
@example(["seed=0,1", "tracking.experiment_name=${now:%f}"], 0)
@example(["model=fnn", "++hydra.job.env_set.KERAS_BACKEND=jax", "seed=0,1"], 0)
def test_what_is_planned_is_trained(planned_and_trained, typed, skip):
    planned, trained = planned_and_trained(*typed, skip=skip)
    assert planned == trained
    assert os.environ.get("KERAS_BACKEND") is None


def test_the_time_is_the_same_for_all_jobs(planned_and_trained):
    planned, _ = planned_and_trained("seed=0,1,2", "tracking.experiment_name=${now:%f}")
    assert len({name for name, *_ in planned}) == 1


# --- options that bring sweeps of their own


def jobs_of(loader, *typed):
    """The words of each job of a grid."""
    return [" ".join(job) for job in sweeper_of(loader, *typed).jobs_of(typed)]


def test_each_experiment_brings_its_own_sweep(loader):
    one, other = (jobs_of(loader, word) for word in (BATCHNORM, DIRECTION))
    assert (len(one), len(other)) == (10, 9)
    both = jobs_of(loader, f"{BATCHNORM},compare/reading_direction")
    assert [sorted(job.split()) for job in both] == [sorted(job.split()) for job in one + other]
    alone = jobs_of(loader, f"{BATCHNORM},doc001/fnn_mnist", "trainer.epochs=1,2")
    assert len(alone) == 10 * 2 + 2
    assert alone[-1] == "experiment=doc001/fnn_mnist trainer.epochs=2"


def test_what_is_typed_wins_over_what_an_experiment_brings(loader):
    for seed in ("seed=3", "++seed=3"):
        assert jobs_of(loader, f"{BATCHNORM},compare/reading_direction", seed) == [
            *(f"{BATCHNORM} model={model} {seed}" for model in ("cnn_small", "cnn_small_bn")),
            *(f"{DIRECTION} model.directions={which} {seed}" for which in ("rows", "columns", "both")),
        ]
    assert len(jobs_of(loader, f"{BATCHNORM},compare/reading_direction", "seed=7,8")) == 5 * 2


def test_an_added_experiment_brings_its_own_sweep_too(loader):
    assert len(jobs_of(loader, "+experiment@_global_=compare/batchnorm,compare/reading_direction")) == 19


def test_a_dataset_that_is_swept_by_an_experiment_is_no_sweep_of_its_own(loader):
    assert len(jobs_of(loader, "experiment=scan/background,compare/batchnorm", "seed=0")) == 3 + 2


@pytest.mark.parametrize(("part", "value"), [("launcher", "n_jobs: 3"), ("sweeper", "n_trials: 3")])
def test_an_experiment_with_a_launcher_or_sweeper_of_its_own_is_refused(loader, tmp_path, part, value):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "own.yaml").write_text(f"# @package _global_\nhydra:\n  {part}:\n    {value}\n")
    place = [f"hydra.searchpath=[file://{tmp_path}]", "hydra/launcher=joblib"]
    sweeper = sweeper_of(loader, *place, "experiment=own,doc001/fnn_mnist")
    with pytest.raises(ConfigError, match=rf"experiment=own sets hydra\.{part}, and a sweep has one for all its runs"):
        sweeper.jobs_of(["experiment=own,doc001/fnn_mnist"])


def test_a_value_whose_key_only_the_swept_options_have(digits, program):
    done = program("train", "-m", "dataset=digits", "model=birnn,birnn", "model.cell=gru", "seed=0,1", "plan=true")
    assert done.stderr == ""
    assert [line.partition("  ")[2] for line in done.stdout.splitlines()[:-1]] == ["seed=0  new", "seed=1  new"]
    done = program("train", "-m", "dataset=digits", "model=birnn,rnn", "model.cell=gru", "plan=true")
    assert error_line(done).startswith("error: there is no configuration key 'model.cell' in the model that was chosen")
