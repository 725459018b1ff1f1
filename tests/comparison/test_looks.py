"""Seeds that were added after somebody had looked at the board."""

from __future__ import annotations

import json
import time

import pytest

from eyechart.comparison import load_results
from eyechart.comparison.leaderboard import Leaderboard, notes
from eyechart.comparison.question import compare_sides
from eyechart.core import paths
from eyechart.runs.journal import Journal
from eyechart.runs.sweep import Sweep


@pytest.fixture
def shown():
    """A sweep that covers runs, and whose leaderboard was shown now: as `sweeps` record it, or as early versions."""

    def make(name: str, *keys: str, status: str = "FINISHED", recorded: bool = True) -> None:
        folder = paths.sweeps() / name
        journal = Journal(folder)
        journal.append("start", name="sweep", experiment_name="eyechart", identity=["", ""])
        if recorded and status != "KILLED":
            journal.append("artifact", path="leaderboard.csv")
        journal.append("end", status=status)
        journal.close()
        jobs = [{"run_key": key, "name": key, "overrides": []} for key in keys]
        (folder / "manifest.json").write_text(json.dumps({"identity": name, "command": "", "jobs": jobs}))
        time.sleep(0.002)  # journals count in milliseconds

    return make


def looks() -> list[str]:
    found = Leaderboard.of(load_results())
    return [line for board, evidence in found.boards for line in notes(board, evidence) if "after a look" in line]


def train(write_run, *seeds: int, model: str = "fnn") -> list[str]:
    for seed in seeds:
        write_run(f"{model}{seed}", model=model, seed=seed)
    time.sleep(0.002)
    return [f"{model}{seed}" for seed in seeds]


@pytest.mark.parametrize("recorded", [True, False])
def test_one_seed_more_after_a_look(write_run, shown, recorded):
    first = train(write_run, 0, 1, 2)
    shown("a", *first, recorded=recorded)
    assert looks() == []
    shown("b", *first, *train(write_run, 3), recorded=recorded)
    said = (
        "seeds were added after a look at the board (3, then 4 seeds): with that many chances to stop, "
        "p = 0.05 is worth about 0.07 at the worst"
    )
    assert looks() == [said]  # also while the second is not yet shown
    shown("c", "fnn3")
    assert looks() == [said]


def test_the_answer_about_two_rows_says_it_too(write_run, shown):
    right = [True] * 8 + [False] * 2
    for seed in range(4):
        for model in ("fnn", "cnn"):
            write_run(f"{model}{seed}", model=model, seed=seed, correct=right)
        if seed == 2:
            time.sleep(0.002)
            shown("a", *(f"fnn{at}" for at in range(3)))
    asked = compare_sides(load_results(), "cnn", "fnn")
    assert asked[-1].startswith("seeds were added after a look at the board (3, then 4 seeds)")
    assert "after a look" not in "".join(compare_sides(load_results(), "cnn seed=0", "fnn seed=0"))


def test_new_seeds_alone_are_added_to_the_row_too(write_run, shown):
    shown("a", *train(write_run, 0, 1, 2))
    shown("b", *train(write_run, 3, 4))
    train(write_run, *range(5, 10))
    (said,) = looks()
    assert "(3, 5, then 10 seeds)" in said
    assert said.endswith("worth about 0.11 at the worst")


def test_what_is_no_look(write_run, shown):
    """A sweep that was killed showed nothing, one seed says nothing of seeds, and other rows add no seed."""
    shown("a", *train(write_run, 0))
    shown("b", *train(write_run, 1, 2), status="KILLED")
    shown("c", *train(write_run, 0, 1, 2, model="cnn"))
    shown("d", "fnn0", "fnn1", "fnn2")
    assert looks() == []


def test_what_was_finished_only_later_was_not_seen(write_run, shown):
    first = train(write_run, 0, 1)
    shown("a", *first, "fnn2", "fnn3", status="FAILED")
    shown("b", *first, *train(write_run, 2, 3))
    assert "(2, then 4 seeds)" in looks()[0]


def test_manifests_are_read_once(write_run, shown, monkeypatch):
    for model in ("fnn", "cnn"):
        shown(model, *train(write_run, 0, 1, 2, model=model))
    asked, known = [], Sweep.run_keys
    monkeypatch.setattr(Sweep, "run_keys", property(lambda sweep: asked.append(sweep.id) or known.fget(sweep)))
    looks()
    assert sorted(asked) == ["cnn", "fnn"]


def test_a_broken_sweep_is_passed_over(write_run, shown, capsys):
    shown("a", *train(write_run, 0, 1, 2))
    (paths.sweeps() / "a" / "manifest.json").write_text("nothing")
    assert looks() == []
    assert "passed over" in capsys.readouterr().err
