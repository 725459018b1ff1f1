from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyechart import paths
from eyechart.comparison import leaderboard, load_results
from eyechart.comparison.leaderboard import boards
from eyechart.errors import EyechartError
from eyechart.files import write_json
from eyechart.tracking import Journal

pytestmark = pytest.mark.usefixtures("root")


def write_run(
    key: str,
    *,
    validation: float | None = 0.5,
    test: float = 0.5,
    train: float = 0.5,
    loss: float = 1.0,
    monitor: str = "validation/accuracy",
    digest: str = "d",
    limit: list[int] | None = None,
    status: str = "FINISHED",
    experiment: str = "eyechart",
) -> None:
    """The journal of a run, as far as a leaderboard reads it."""
    journal = Journal(paths.runs() / key)
    journal.append("start", name=f"model=fnn seed={key}", experiment_name=experiment, identity=["", ""])
    values: dict[str, Any] = {"model": "fnn", "dataset": "digits", "seed": 0}
    journal.append("params", values=values | ({"limit": limit} if limit else {}))
    journal.append("tags", values={"eyechart.data_digest": digest})
    result: dict[str, Any] = {
        "monitor": monitor if validation is not None else None,
        "best_epoch": 1,
        "parameters": 12345,
        "seconds": 1.0,
        "train/accuracy": train,
        "test/accuracy": test,
    }
    if validation is not None:
        result |= {"validation/accuracy": validation, "validation/loss": loss}
    journal.append("end", status=status, result=result if status == "FINISHED" else {})
    journal.close()


def order(rows: pd.DataFrame) -> str:
    return "".join(rows["run_key"])


def test_a_row_per_finished_run():
    write_run("a", test=0.75, limit=[10, 5])
    write_run("b", status="FAILED")
    write_run("c", status="KILLED")
    (paths.runs() / "d").mkdir()  # one that has not begun
    results = load_results()
    assert order(results) == "a"
    (row,) = results.to_dict(orient="records")
    assert row["test/accuracy"] == 0.75
    assert row["model"] == "fnn"
    assert row["limit"] == [10, 5]
    assert row["data_digest"] == "d"
    assert row["experiment_name"] == "eyechart"


def test_a_run_that_was_begun_anew_is_not_finished():
    write_run("a")
    journal = Journal(paths.runs() / "a")
    journal.append("start", name="again", experiment_name="eyechart", identity=["", ""])
    journal.append("end", status="FAILED", message="")
    journal.close()
    assert load_results().empty
    with pytest.raises(EyechartError, match="run a is not finished"):
        leaderboard.result("a")


def test_nothing_at_all():
    assert load_results().empty
    assert leaderboard.write(paths.state(), []) == []


def test_of_one_mlflow_experiment():
    write_run("a")
    write_run("b", experiment="other")
    assert order(load_results(experiment_name="other")) == "b"
    assert load_results(experiment_name="third").empty


def test_of_one_sweep():
    for key in "abc":
        write_run(key)
    for sweep, keys in (("20250101-000000-aaaaaa", "ab"), ("20250102-000000-aaaaaa", "ca")):
        write_json(paths.sweeps() / sweep / "manifest.json", {"jobs": [{"run_key": key} for key in keys]})
    assert order(load_results("last")) == "ca"
    assert order(load_results("20250101-000000-aaaaaa")) == "ab"
    with pytest.raises(EyechartError, match=r"there is no sweep 'x': expected last, .*20250102-000000-aaaaaa"):
        load_results("x")


def test_best_first_by_validation_and_never_by_test():
    write_run("a", validation=0.7, test=0.9, train=0.9)
    write_run("b", validation=0.9, test=0.7, train=0.7)
    write_run("c", validation=0.8, test=0.8, train=0.8)
    ((dataset, note, rows),) = boards(load_results())
    assert (dataset, note, order(rows)) == ("digits", "best first by validation/accuracy", "bca")


def test_runs_chosen_by_their_loss_are_ordered_by_it():
    write_run("a", validation=0.9, loss=0.9, monitor="validation/loss")
    write_run("b", validation=0.8, loss=0.1, monitor="validation/loss")
    ((_, note, rows),) = boards(load_results())
    assert (note, order(rows)) == ("best first by validation/loss", "ba")
    write_run("c", validation=0.85, loss=0.5)
    ((_, note, rows),) = boards(load_results())
    assert (note, order(rows)) == ("best first by validation/accuracy", "acb")


def test_where_nothing_was_held_back_the_board_says_so():
    write_run("a", validation=None, train=0.7, test=0.9)
    write_run("b", validation=None, train=0.9, test=0.7)
    ((_, note, rows),) = boards(load_results())
    assert note.startswith("nothing was held back, so no run is chosen")
    assert order(rows) == "ba"
    write_run("c", train=0.8, validation=1.0)
    ((_, note, rows),) = boards(load_results())
    assert note.startswith("nothing was held back for some runs")
    assert order(rows) == "bca"


LIMITS = st.sampled_from([None, [64, 32], [64, 16]])
RUNS = st.lists(st.tuples(st.sampled_from("de"), LIMITS, st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12)


@settings(deadline=None, max_examples=40)
@given(RUNS)
def test_what_cannot_be_compared_never_shares_a_board(runs):
    rows = [
        {
            "run_key": str(number),
            "name": f"run {number}",
            "dataset": "digits",
            "data_digest": digest,
            "monitor": "validation/accuracy",
            "validation/accuracy": validation / 3,
            "test/accuracy": test / 3,
            **({"limit": limit} if limit else {}),
        }
        for number, (digest, limit, validation, test) in enumerate(runs)
    ]
    found = boards(pd.DataFrame(rows))
    assert sorted(key for *_, board in found for key in board["run_key"]) == sorted(row["run_key"] for row in rows)
    assert len(found) == len({(digest, str(limit)) for digest, limit, *_ in runs})
    for title, _, board in found:
        kinds = {(runs[int(key)][0], str(runs[int(key)][1])) for key in board["run_key"]}
        ((_, limit),) = kinds
        assert title == ("digits" if limit == "None" else f"digits, limit={limit}")
        assert board["validation/accuracy"].is_monotonic_decreasing


def test_equal_runs_keep_one_order():
    for key in "bca":
        write_run(key)
    ((_, _, rows),) = boards(load_results().sample(frac=1, random_state=0))
    assert order(rows) == "abc"


def test_the_files_of_a_board(tmp_path: Path):
    write_run("a", validation=0.25, test=0.125)
    write_run("b", validation=None)
    write_run("c", digest="e")
    folder = tmp_path / "board"
    assert leaderboard.write(folder, ["a", "b", "c", "unknown"]) == ["leaderboard.csv", "leaderboard.md"]
    table = pd.read_csv(folder / "leaderboard.csv")
    assert sorted(table["run_key"]) == ["a", "b", "c"]
    assert table.set_index("run_key")["test/accuracy"]["a"] == 0.125
    text = (folder / "leaderboard.md").read_text()
    assert text.count("## digits") == 2
    assert "nothing was held back for some runs" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1  # a table in Markdown
    (row,) = [line for line in lines if "0.2500" in line]
    assert "0.1250" in row
    assert "12,345" in row


def test_a_board_in_a_log(capsys):
    write_run("a", validation=0.25, test=0.125)
    leaderboard.show(["a", "unknown"])
    told = capsys.readouterr().out
    assert "digits (best first by validation/accuracy)" in told
    assert "0.2500" in told
    assert "0.1250" in told
