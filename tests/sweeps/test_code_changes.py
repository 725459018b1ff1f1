"""A network that somebody edits is trained anew, and everything that shows results keeps old and new apart."""

from __future__ import annotations

import json
import re

import pytest
from support import link_data, mlflow_runs, run_program

WORDS = (
    "model=fnn",
    "model._target_=nets.Narrow",
    "model.units=[4]",
    "dataset=digits",
    "trainer.epochs=1",
    "limit=[200,100]",
)
NETS = """
from dataclasses import dataclass
from eyechart.models import Architecture
from helpers import hidden

@dataclass(frozen=True)
class Narrow(Architecture):
    units: list[int]
    activation: str = "relu"

    def layers(self, pixels, image_shape):
        from keras import layers
        x = layers.Flatten()(pixels)
        return hidden(x, self.units[0], self.activation)
"""
HELPERS = """
def hidden(x, units, activation):
    from keras import layers
    return layers.Dense(units, activation=activation)(x)
"""
SECOND = '''
# another one
@dataclass(frozen=True)
class Wide(Narrow):
    """Not used."""
'''


@pytest.fixture(scope="module")
def edited(digits_root, tmp_path_factory):
    """A network of a person's own, trained before and after an edit of its helper, and what was said."""
    root = link_data(digits_root, tmp_path_factory.mktemp("edited") / "root")
    own = tmp_path_factory.mktemp("own")
    said = {}

    def run(name, *words, code=0):
        done = run_program(root, name, *words, env={"PYTHONPATH": str(own)})
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    (own / "nets.py").write_text(NETS)
    (own / "helpers.py").write_text(HELPERS)
    said["first"] = run("train", *WORDS)
    (own / "nets.py").write_text(NETS + SECOND)
    said["second network"] = run("train", *WORDS)
    (own / "helpers.py").write_text(HELPERS.replace("activation=activation", "activation='sigmoid'"))
    said["plan"] = run("train", *WORDS, "plan=true")
    said["edited"] = run("train", *WORDS)
    said["again"] = run("train", *WORDS)
    said["board"] = run("compare")
    keys = [re.search(r"run key (\w{20})", said[name])[1] for name in ("first", "edited")]
    said["reproduce"] = run("reproduce", f"run={keys[0]}", code=1)
    said["code"] = run("identify", *WORDS)
    return root, keys, said


def test_a_second_network_and_a_comment_train_nothing(edited):
    _, _, said = edited
    assert "finished before, not trained again" in said["second network"]


def test_an_edited_helper_in_a_second_file_trains_anew_and_the_plan_says_why(edited):
    _, keys, said = edited
    for name in ("plan", "edited"):
        assert "helpers.py changed since: 1 run will be trained anew" in said[name]
    assert "finished before" not in said["edited"]
    assert keys[0] != keys[1]
    assert "finished before, not trained again" in said["again"]
    assert "changed since" not in said["again"]


def test_old_and_new_code_have_rows_of_their_own(edited):
    root, keys, said = edited
    assert len(set(re.findall(r"code\.model=[0-9a-f]{12}", " ".join(said["board"].split())))) == 2
    assert "same choices and seed" not in said["board"]
    runs = {run.data.tags["eyechart.run_key"]: run for run in mlflow_runs(root)}
    tokens = [runs[key].data.params["code.model"] for key in keys]
    assert tokens[0] != tokens[1]
    assert "keras" in runs[keys[0]].data.tags["eyechart.versions"]
    assert runs[keys[0]].data.tags["eyechart.kernels"] in ("oneDNN", "Eigen")


def test_what_a_run_was_trained_with_is_kept(edited):
    root, keys, said = edited
    kept = [json.loads((root / ".eyechart/runs" / key / "artifacts/code.json").read_text()) for key in keys]
    assert kept[0]["files"]["nets.py"] == kept[1]["files"]["nets.py"]
    assert kept[0]["files"]["helpers.py"] != kept[1]["files"]["helpers.py"]
    assert (
        f"model            {kept[1]['tokens']['model']}" in said["code"] or kept[1]["tokens"]["model"] in said["code"]
    )


def test_reproduce_names_the_changed_file(edited):
    _, keys, said = edited
    assert f"helpers.py changed since run {keys[0]} was trained" in said["reproduce"]
