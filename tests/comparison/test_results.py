"""Finished runs as rows, from their journals."""

from __future__ import annotations

import pytest

from eyechart.comparison import load_results
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.core.files import write_json
from eyechart.runs import journal
from eyechart.runs.journal import Journal
from eyechart.runs.run import Run


def keys(table) -> str:
    return "".join(table["run_key"])


def test_a_row_per_finished_run(write_run):
    write_run("a", test=0.75, limit=[10, 5])
    write_run("b", status="FAILED")
    write_run("c", status="KILLED")
    (paths.runs() / "d").mkdir()  # one that has not begun
    found = load_results()
    assert keys(found) == "a"
    (row,) = found.to_dict(orient="records")
    assert row["test/accuracy"] == 0.75
    assert row["model"] == "fnn"
    assert row["limit"] == [10, 5]
    assert row["data_digest"] == "d"
    assert row["experiment_name"] == "eyechart"
    assert row["training_version"] == 1


@pytest.mark.parametrize("ended", [True, False])
def test_a_run_that_was_begun_anew_is_not_finished(write_run, ended):
    write_run("a")
    assert Run("a").result["test/accuracy"] == 0.5
    again = Journal(paths.runs() / "a")
    again.append("start", name="again", experiment_name="eyechart", identity=["", ""])
    if ended:
        again.append("end", status="FAILED", message="")
    again.close()
    assert load_results().empty
    with pytest.raises(EyechartError, match="run a is not finished"):
        _ = Run("a").result


def test_nothing_at_all(root):
    assert load_results().empty
    assert load_results(experiment_name="eyechart").empty


def test_of_one_mlflow_experiment(write_run):
    write_run("a")
    write_run("b", experiment="other")
    assert keys(load_results(experiment_name="other")) == "b"
    assert load_results(experiment_name="third").empty


def test_of_one_sweep(write_run):
    for key in "abc":
        write_run(key)
    for sweep, covered in (("20250101-000000-aaaaaa", "ab"), ("20250102-000000-aaaaaa", "ca")):
        write_json(paths.sweeps() / sweep / "manifest.json", {"jobs": [{"run_key": key} for key in covered]})
    assert keys(load_results("last")) == "ca"
    assert keys(load_results("20250101-000000-aaaaaa")) == "ab"
    with pytest.raises(EyechartError, match=r"there is no sweep 'x': expected last, .*20250102-000000-aaaaaa"):
        load_results("x")


def test_a_journal_is_read_once_as_long_as_it_stays_the_same(write_run, monkeypatch):
    write_run("a")
    first = load_results()
    monkeypatch.setattr(journal, "_records", lambda path, offset: pytest.fail(f"{path} was read again"))
    again = load_results()
    assert again.equals(first)
    assert Run("a").result is not Run("a").result  # nobody changes what others are told


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"seed": 1}, True),
        ({"seed": 1, "dataset": "digits_too"}, True),  # the digest stands for the data
        ({"experiment": "other"}, True),
        ({"version": 1}, True),
        ({"model.dropout": 0.0}, True),  # as it was before it could be chosen
        ({"augmentation.flip": False, "augmentation.shift": 0}, True),
        ({"model.dropout": 0.5}, False),
        ({"augmentation.shift": 2}, False),
        ({"version": 2}, False),
        ({"digest": "e"}, False),
        ({"limit": [10, 5]}, False),
        ({"model": "cnn"}, False),
        ({"backend": "jax"}, False),
        ({"something_new": 1}, False),
    ],
)
def test_a_group_is_of_runs_that_differ_in_their_seed_alone(write_run, change, same):
    write_run("a")
    write_run("b", **change)
    assert (load_results()["group"].nunique() == 1) == same
