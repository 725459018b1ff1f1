"""Bad input, from outside: one line that says what is wrong, at once, and nothing left behind."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from support import HEAVY, REPOSITORY, compose, environment, error_line, files_below, forbid, run_program

from eyechart.core.cli import one_line, quoted

FAST = "model=fnn dataset=digits trainer.epochs=1 tracking=none"


@pytest.fixture
def light(tmp_path, program):
    """Run a program that must import nothing heavy."""
    forbidden = forbid(tmp_path / "forbidden", *HEAVY)

    def run(name: str, words: str = "", **environment: str):
        done = program(name, *shlex.split(words), env={**forbidden, **environment}, cwd=tmp_path)
        assert "imported after all" not in done.stdout + done.stderr
        return done

    return run


def nothing_is_left(root: Path, tmp_path: Path) -> None:
    assert files_below(root) == []
    assert not (root / ".eyechart/runs").exists()
    assert not (root / ".eyechart/sweeps").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"root", "forbidden"}  # the working folder stays as it was


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("trainer.epoch=3", "there is no configuration key 'trainer.epoch'. Did you mean 'trainer.epochs'?"),
        ("model=lenet model.droput=0.1", "Did you mean 'model.dropout'?"),
        ("modle=cnn", "Did you mean 'model'?"),
        ("dataset=digits dataset.origin=x", "or type +dataset.origin= to add it"),
        ("experiment_name=x", "Did you mean 'tracking.experiment_name'?"),
        (
            "model=fnn model.filters=[8]",
            "there is no configuration key 'model.filters' in the model that was chosen: "
            "type model= and one that has it (cnn, cnn_rnn, cnn_small, cnn_small_bn, cnn_strided, lenet)",
        ),
        ("model.defaults=1", "there is no configuration key 'model.defaults'."),
        (
            "-m hydra.sweeper.n_trials=5 seed=0,1",
            "there is no configuration key 'hydra.sweeper.n_trials' in the hydra/sweeper that was chosen: "
            "type hydra/sweeper= and one that has it (optuna)",
        ),
        ("-m hydra.launcher.n_jobs=2 seed=0,1", "type hydra/launcher= and one that has it (joblib)"),
        ("-m hydra.launcher.n_job=2 seed=0,1", "there is no configuration key 'hydra.launcher.n_job'."),
        ("model=lennet", "model has no option 'lennet'. Did you mean 'lenet'?"),
        ("experiment=cnn_mnist", "Did you mean 'doc003/cnn_mnist'?"),
        ("experiment=doc001/nothing", "experiment has no option 'doc001/nothing'."),
        ("hydra/launcher=nothing", "nothing"),
        ("trainer.epochs=many", "trainer.epochs"),
        ("+unknown.key=1", "there is no configuration key 'unknown'"),
        ("+model.foo=1", "there is no configuration key 'model.foo'. Known here: "),
        ("model=null", "model=null"),
        ("optimizer.learning_rate=-0.1", "optimizer.learning_rate must be above 0, received -0.1"),
        ("trainer.batch_size=0", "trainer.batch_size must be 1 or more, received 0"),
        ("trainer.epochs", "trainer.epochs"),
        ("'model.units=[1'", "[1"),
        ("seed=1,2", "seed"),
        ("tracking=server tracking.uri=http://host:port", "tracking.uri must be an address"),
        ("", "data set 'fashion_mnist' is not prepared"),
        ("-m trainer.epoch=1,2", "Did you mean 'trainer.epochs'?"),
    ],
)
def test_train(light, root, tmp_path, words, expected):
    line = error_line(light("train", words))
    assert expected in line
    nothing_is_left(root, tmp_path)


def test_what_has_to_be_typed_next_stands_in_the_error(light):
    assert "python pipelines/fetch.py dataset=digits" in error_line(light("train", "dataset=digits"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("model=cnn model.filters=[8,8,8,8]", "CNN needs images of at least 46x46 pixels, received 16x16"),
        ("-m model=cnn model.filters=[8],[8,8,8,8]", "(in the job model.filters=[8,8,8,8])"),
        ("-m seed=0,-1", "seed must be 0 or more, received -1 (in the job seed=-1)"),
        ("-m model=fnn,lennet", "Did you mean 'lenet'?"),
        ("limit=1", "leaves"),
        ("trainer.validation_fraction=0.0001", "leaves"),
    ],
)
def test_what_only_the_data_can_tell(light, digits, words, expected):
    assert expected in error_line(light("train", f"{words} dataset=digits tracking=none"))
    assert files_below(digits) == []


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("compare", "", "there is no finished run to compare: type python pipelines/train.py"),
        ("compare", "experiment_name=mine", "there is no finished run in the MLflow experiment 'mine' to compare"),
        ("compare", "sweep=last", "there is no sweep yet"),
        ("compare", "swep=last", "Did you mean 'sweep'?"),
        ("compare", "+top=3", "there is no configuration key 'top'"),
        ("compare", "picture=boards.png", "expected a name that ends in .svg, received picture=boards.png"),
        ("evaluate", "", "there is no run in"),
        ("evaluate", "run=0123456789", "there is no run '0123456789'"),
        ("evaluate", "ru=0123456789", "Did you mean 'run'?"),
        ("preprocess", "dataset=digits", "python pipelines/fetch.py dataset=digits"),
        ("fetch", "dataset=diggits", "Did you mean 'digits'?"),
    ],
)
def test_other_programs(light, root, tmp_path, name, words, expected):
    assert expected in error_line(light(name, words))
    nothing_is_left(root, tmp_path)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("export=", "expected a name, received an empty one: type export=results/NAME, or leave export= out"),
        ("export=''", "expected a name, received an empty one: type export=results/NAME, or leave export= out"),
        ("export=.", "received {root}, which is or holds the project: type export=NEW"),
        ("export=..", "received {root.parent}, which is or holds the project: type export=NEW"),
        ("export=mine", "what an earlier train.py left, received a folder with precious.txt: type export=NEW"),
        ("export=data/prepared/digits", "received a folder with dataset.json, permutation.npy, samples.png and 4 more"),
        ("-m seed=0,1 export=mine", "received a folder with precious.txt: type export=NEW (in the job seed=0)"),
        ("plan=true export=mine", "received a folder with precious.txt: type export=NEW"),
    ],
)
def test_nothing_of_a_person_is_replaced_by_an_export(light, digits, words, expected):
    (digits / "mine").mkdir()
    (digits / "mine" / "precious.txt").touch()
    line = error_line(light("train", f"{words} dataset=digits tracking=none"))
    assert line.endswith(expected.format(root=digits)) or expected in line
    assert files_below(digits) == ["mine/precious.txt"]
    assert (digits / "data/prepared/digits/dataset.json").is_file()


@pytest.mark.parametrize("name", ["evaluate", "predict images=a.png", "scan", "detect", "explain"])
def test_an_empty_destination_is_refused(light, root, tmp_path, name):
    program, _, words = name.partition(" ")
    line = error_line(light(program, f"{words} to="))
    assert line == "error: expected a name, received an empty one: type to=results/NAME, or leave to= out"
    nothing_is_left(root, tmp_path)


def test_evaluate_replaces_nothing_but_its_own(light, root):
    (root / "mine").mkdir()
    (root / "mine" / "precious.txt").touch()
    line = error_line(light("evaluate", "to=mine"))
    expected = "expected no folder, or one with what an earlier evaluate.py left, received a folder with precious.txt"
    assert line == f"error: {expected}: type to=NEW"
    assert files_below(root) == ["mine/precious.txt"]


def test_started_with_a_whole_trainings_configuration_a_program_reads_its_part(light, root, tmp_path):
    """As DVC starts them; params.yaml was composed before `mirrors` came, and has keys that only a training knows."""
    config = OmegaConf.to_container(compose("dataset=digits"))
    del config["mirrors"]
    folder = tmp_path / "composed"
    folder.mkdir()
    OmegaConf.save(config, folder / "params.yaml")
    composed = (
        f"--config-path={folder} --config-name=params hydra.run.dir=. hydra.output_subdir=null "
        "hydra/job_logging=none hydra/hydra_logging=none"
    )
    assert "digits fetched from package:sklearn" in light("fetch", composed).stdout
    assert error_line(light("evaluate", composed)).startswith(f"error: there is no run in {root}/results/train")
    assert "data set 'digits' is not prepared" in error_line(light("train", composed))
    assert "there is no configuration key 'seeed'. Did you mean 'seed'?" in (
        error_line(light("train", f"{composed} +seeed=1"))
    )


def test_a_traceback_for_those_who_ask(light):
    done = light("train", "trainer.batch_size=0", HYDRA_FULL_ERROR="1")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "eyechart.core.errors.ConfigError: trainer.batch_size must be 1 or more" in done.stderr


@pytest.mark.parametrize(
    "name", ["train", "fetch", "preprocess", "evaluate", "compare", "explain", "replicate", "scan"]
)
def test_help(light, root, tmp_path, name):
    done = light(name, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.strip()
    nothing_is_left(root, tmp_path)


def test_help_names_the_choices(light):
    words = light("train", "--help").stdout.split()
    assert {"birnn,", "cnn,", "fnn,", "lenet,", "rnn_per_step"} <= set(words)


def test_the_configuration_can_be_read_without_training(light, root, tmp_path):
    done = light("train", "--cfg job model=lenet optimizer.learning_rate=0.5")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "  dropout: 0.5\n" in done.stdout
    assert "  learning_rate: 0.5\n" in done.stdout
    nothing_is_left(root, tmp_path)


def test_a_notice_of_the_environment_comes_before_the_error(light, root):
    done = light("train", KERAS_BACKEND="jax", MLFLOW_TRACKING_URI="http://me:secret@127.0.0.1:1")
    notices = [line for line in done.stderr.splitlines() if line.startswith("notice: ")]
    assert "KERAS_BACKEND=jax" in notices[0]
    assert "MLFLOW_TRACKING_URI" in notices[1]
    assert "secret" not in done.stderr
    assert "fashion_mnist" in error_line(done)


def test_a_full_disk_is_one_line(digits, tmp_path):
    """A file stands where the state of the runs would be."""
    (digits / ".eyechart").write_text("")
    forbidden = forbid(tmp_path / "forbidden", *HEAVY)
    assert str(digits / ".eyechart") in error_line(run_program(digits, "train", *FAST.split(), env=forbidden))


def test_the_tests_environment_lets_nothing_through(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_RUN_ID", "x")
    monkeypatch.setenv("EYECHART_SWEEP", "x")
    assert not {"MLFLOW_RUN_ID", "EYECHART_SWEEP"} & set(environment(tmp_path))


@pytest.mark.parametrize(("launcher", "extra"), [("ray", "ray"), ("submitit_local", "slurm")])
def test_a_launcher_whose_package_is_missing(launcher, extra):
    error = HydraException(f"In 'hydra/launcher/{launcher}': Could not find 'hydra/launcher/{launcher}_plugin'")
    told = one_line(error, REPOSITORY / "conf", "config")
    assert told.startswith(f"hydra/launcher={launcher} needs a package")
    assert told.endswith(f"pip install 'eyechart[{extra}]'")


# --- values that are text


def read(word: str) -> str:
    """The value that Hydra reads."""
    return OverridesParser.create().parse_override(quoted(word, TEXTS)).value()


TEXTS = ("a", "images")


@pytest.mark.parametrize("key", TEXTS)
@pytest.mark.parametrize(
    "value",
    [
        "cnn",
        "1",
        "model=cnn",
        "cnn optimizer.learning_rate=1e-2",
        "123e45",
        "012345",
        "model.units=[32, 16]",
        "it's",
        "x{y",
        "back\\slash",
        "ends with \\",
    ],
)
def test_a_text_is_read_as_it_was_typed(key, value):
    assert read(f"{key}={value}") == value


@given(st.text("0123456789abcdef", min_size=1, max_size=20))
def test_every_run_key_is_read_as_text(run_key):
    assert read(f"a={run_key}") == run_key


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1))
def test_any_text_can_be_typed(text):
    if text in ("null", "") or text[0] in "'\"[" or "$" in text:
        return
    assert read(f"images={text}") == text


@pytest.mark.parametrize(
    "word", ["a=null", "a=", "a='cnn'", 'a="cnn"', "images=[a.png,b.png]", "sweep=last", "-m", "--help", "picture=a=b"]
)
def test_other_words_are_left_to_hydra(word):
    assert quoted(word, TEXTS) == word
