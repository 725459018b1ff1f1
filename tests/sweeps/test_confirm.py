"""What a sweep chose is asked again with new seeds: which, how often, and never twice."""

from __future__ import annotations

import dataclasses
import functools
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from support import compose, files_below, forbid, link_data, mlflow_runs, run_program

from eyechart.comparison.answers import correctness
from eyechart.comparison.leaderboard import Leaderboard, columns, notes
from eyechart.comparison.promotion import candidate_of
from eyechart.comparison.question import compare_sides
from eyechart.comparison.results import load_results
from eyechart.config import TRAINING_VERSION, check
from eyechart.core import paths
from eyechart.core.errors import ConfigError, EyechartError
from eyechart.evaluation import predictions
from eyechart.evaluation.rows import Rows
from eyechart.evaluation.significance import difference, estimates, p_in_words
from eyechart.runs.journal import Journal
from eyechart.runs.run import Run
from eyechart.runs.sweep import Sweep
from eyechart.runs.tags import CONFIRMS
from eyechart.sweeps.drive import run_sweep
from eyechart.sweeps.job import run_job
from eyechart.sweeps.plan import make_plan

BASE = ("dataset=digits", "model=fnn", "tracking=none")


@functools.cache
def composed(*words):
    return check(compose(*words))


class Lab:
    """Types sweeps over the units and the seed of a dense net, none of which is trained: they are as good as is said.

    Attributes:
        skill: of a row, by the number of its units.
        trained: the units and the seed of each run, in the order in which they were asked for.
        left: how many runs may be trained before Ctrl-C.
        broken: the seed whose runs fail.
        diverging: the units whose runs diverge.
    """

    def __init__(self) -> None:
        self.skill = {8: 0.9, 4: 0.8, 2: 0.6}
        self.trained: list[tuple[int, int]] = []
        self.left, self.broken, self.diverging = 1000, -1, 0

    def type(self, *words, units=(8, 4, 2), seeds=(0, 1), data=((),)):
        """Type a sweep; the units and seeds of what it trained."""
        self.trained = []
        typed = [
            [*BASE, *more, f"model.units=[{u}]", f"seed={s}", *words] for more in data for u in units for s in seeds
        ]
        run_sweep(make_plan(typed, self.configure), "train.py -m", self.configure, self.launch)
        return self.trained

    def configure(self, words, number=0):
        said = dict(word.split("=", 1) for word in words)
        config = composed(*(word for word in words if word.partition("=")[0] not in ("seed", "model.units")))
        model = dataclasses.replace(config.model, units=json.loads(said["model.units"]))
        return dataclasses.replace(config, seed=int(said["seed"]), model=model)

    def launch(self, jobs):
        failed = []
        for job in jobs:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            (units,), seed = job.config.model.units, job.config.seed
            self.trained.append((units, seed))
            if seed == self.broken:
                failed.append(f"{job.name}: broken")
            else:
                self.finish(job, units, seed)
        return failed

    def finish(self, job, units, seed):
        skill, random = self.skill[units], np.random.default_rng(1000 * units + seed)
        journal = Journal(job.run.folder)
        journal.append("start", name=job.name, experiment_name="eyechart", identity=["", ""])
        tags = {"eyechart.data_digest": job.digest, "eyechart.training_version": TRAINING_VERSION}
        journal.append("tags", values=tags | ({CONFIRMS: job.confirms} if job.confirms else {}))
        journal.append("params", values=job.config.parameters())
        labels = np.arange(200) % 10
        given = np.where(random.random(200) < skill, labels, (labels + 1) % 10)
        held_back = (np.arange(3), np.zeros(3, dtype=int), np.ones((3, 10), dtype=np.float32) / 10)
        tested = (np.arange(200), labels, np.eye(10, dtype=np.float32)[given])
        table = predictions.make_table({"validation": held_back, "test": tested})
        predictions.write(table, job.run.folder / "artifacts" / "predictions.parquet")
        result = {"monitor": "validation/accuracy", "epochs": 1, "best_epoch": 1, "parameters": 1, "seconds": 1.0}
        result |= {"train/accuracy": skill, "validation/accuracy": skill + seed / 1e4, "validation/loss": 1 - skill}
        result["test/accuracy"] = float((given == labels).mean())
        more = {"diverged": 1} if units == self.diverging else {}
        journal.append("end", status="FINISHED", result=result, **more)
        journal.close()


@pytest.fixture
def lab(digits):
    return Lab()


def runs(units, seeds):
    return [(u, s) for u in units for s in seeds]


def board(sweep="last"):
    """The only board, and what is known of it."""
    (found,) = Leaderboard.of(load_results(sweep)).boards
    return found


def choice():
    """The only choice of the newest sweep."""
    (found,) = Sweep.find("last").choices
    return found


# --- which rows, which seeds


def test_the_first_two_rows_get_the_lowest_seeds_that_no_run_of_theirs_had(lab):
    lab.type(units=(4,), seeds=(3, 5))
    assert lab.type("confirm=3") == runs((8, 4, 2), (0, 1)) + runs((8, 4), (2, 4, 6))
    assert choice().seeds == (2, 4, 6)
    assert [row.name for row in choice().rows] == ["fnn model.units=[8]", "fnn model.units=[4]"]
    for row in choice().rows:
        assert [Run(key).tags[CONFIRMS] for key in row.confirmed_by] == [Sweep.find("last").id] * 3
        assert not any(CONFIRMS in Run(key).tags for key in row.chosen_by)


def test_typed_again_it_trains_nothing_whatever_was_trained_meanwhile(lab, capsys):
    lab.type("confirm=2")
    first = choice()
    lab.type(units=(8, 4), seeds=(7, 8))
    before = files_below(paths.runs())
    capsys.readouterr()
    assert lab.type("confirm=2") == []
    assert capsys.readouterr().out.startswith(
        "6 runs: 6 finished, 0 to train\nthen confirm: 2 rows x 2 seeds, 4 finished"
    )
    assert lab.type() == []  # without confirm it shows what was confirmed
    assert "confirmed with" in capsys.readouterr().out
    assert (choice(), files_below(paths.runs())) == (first, before)


def test_after_ctrl_c_it_goes_on_with_the_same_rows_and_seeds(lab):
    lab.left = 7
    with pytest.raises(KeyboardInterrupt):
        lab.type("confirm=2")
    first = choice()
    lab.left = 1000
    lab.type(units=(8,), seeds=(4,))
    assert lab.type("confirm=2") == [(8, 3), (4, 2), (4, 3)]
    assert choice() == first


def test_nothing_is_said_before_all_are_finished(lab):
    lab.left = 7
    with pytest.raises(KeyboardInterrupt):
        lab.type("confirm=2")
    key, said = choice().rows[0].confirmed_by[0], "\n".join(notes(*board()))
    assert f"1 of the 4 runs that confirm a choice of sweep {Sweep.find('last').id} stand in no row ({key})" in said
    assert "is too good, on average" in said
    assert "new seeds of each" not in said
    assert list(board()[0].rows["seeds"]) == [2, 2, 2]


def test_a_run_that_was_trained_by_hand_meanwhile_confirms_too(lab):
    lab.left = 7
    with pytest.raises(KeyboardInterrupt):
        lab.type("confirm=2")
    lab.left = 1000
    lab.type(units=(8,), seeds=(3,))
    assert CONFIRMS not in Run(choice_before := Sweep.find("last").run_keys[0]).tags
    assert lab.type("confirm=2") == runs((4,), (2, 3))
    assert Run(choice_before).tags[CONFIRMS] == Sweep.find("last").id
    assert list(board()[0].rows["seeds"]) == [2, 2, 2]


def test_where_a_run_fails_nothing_is_confirmed(lab, capsys):
    lab.broken = 1
    with pytest.raises(EyechartError, match="3 of 6 runs failed"):
        lab.type("confirm=2")
    assert "nothing is confirmed, because runs failed: type the same again" in capsys.readouterr().out
    lab.broken = 3
    with pytest.raises(EyechartError, match=r"2 of 10 runs failed: model.units=\[8\] seed=3, confirming: broken"):
        lab.type("confirm=2")
    lab.broken = -1
    assert lab.type("confirm=2") == runs((8, 4), (3,))


def test_more_seeds_are_added_to_those_there_are_and_that_is_said(lab):
    lab.type("confirm=2")
    assert lab.type("confirm=4") == runs((8, 4), (4, 5))
    assert (choice().seeds, choice().seen) == ((2, 3, 4, 5), (2,))
    assert any("seeds were added after a look at the board (2, then 4 seeds)" in line for line in notes(*board()))
    assert lab.type("confirm=3") == []


def test_one_row_and_one_seed_each(lab):
    assert lab.type("confirm=2", units=(8,)) == runs((8,), (0, 1, 2, 3))
    (said, *_) = notes(*board())
    assert said.startswith("2 new seeds of 'fnn', which had no part in its choice")
    lab.type("confirm=2", seeds=(9,))
    assert choice().seeds == (4, 5)  # lower than those that chose, and new to both


def test_each_board_has_its_own(lab):
    limits = (("limit=[100,60]",), ("limit=[90,50]",))
    lab.type("confirm=2", data=limits, seeds=(0,))
    assert [found.seeds for found in Sweep.find("last").choices] == [(1, 2), (1, 2)]
    shown = Leaderboard.of(load_results("last")).boards
    assert [len(evidence.confirmed) for _, evidence in shown] == [1, 1]
    assert lab.type("confirm=2", data=limits, seeds=(0,)) == []


def test_a_row_that_diverged_is_not_confirmed(lab):
    lab.diverging = 4
    lab.type("confirm=2")
    assert [row.name for row in choice().rows] == ["fnn model.units=[8]", "fnn model.units=[2]"]


def test_a_sweep_that_is_trained_anew_chooses_anew(lab):
    lab.type("confirm=2")
    lab.skill[2] = 0.99
    assert lab.type("confirm=2", "force=true") == runs((8, 4, 2), (0, 1)) + runs((2, 8), (4, 5))
    assert [row.name for row in choice().rows] == ["fnn model.units=[2]", "fnn model.units=[8]"]


def test_a_seed_that_decides_more_is_refused(lab):
    plain = lab.configure
    lab.configure = lambda words, number=0: dataclasses.replace(
        config := plain(words, number), trainer=dataclasses.replace(config.trainer, batch_size=config.seed + 1)
    )
    with pytest.raises(
        EyechartError, match=r"cannot be confirmed: .* received others in trainer.batch_size; type conf"
    ):
        lab.type("confirm=2")


# --- what boards say


def test_new_seeds_stand_below_the_rows_that_they_confirm_and_alone_give_the_answer(lab):
    lab.type("confirm=5")
    first, second = (correctness(row.confirmed_by).correct for row in choice().rows)
    between, (score, _) = difference(first, second), estimates(Rows.of([first, second]))
    for sweep in ("last", None):
        found, evidence = board(sweep)
        said = notes(found, evidence)
        at = next(number for number, line in enumerate(said) if line.startswith("5 new seeds of"))
        assert (
            f"had no part in its choice, have a test accuracy of {score.mean:.4f} (95% interval {score.low:.4f}"
            in said[at]
        )
        better = f"'fnn model.units=[8]' is better than 'fnn model.units=[4]': by {100 * between.mean:.2f} percentage "
        assert said[at + 1].startswith("By 5 new seeds of each, 'fnn model.units=[8]' minus 'fnn model.units=[4]' is +")
        assert f"{p_in_words(between.p_value)}. It is not corrected" in said[at + 1]
        assert said[at + 2].startswith(better)
        assert not any("for other seeds" in line for line in said)
        shown = {column.title: column.cells for column in columns(found, evidence)}
        assert shown["#"] == ["1", "2", "3", "", ""]
        assert shown["seeds"] == ["2", "2", "2", "5", "5"]
        assert shown["run"][3:] == [f"fnn model.units=[{n}], confirmed with 5 new seeds" for n in (8, 4)]
        winner, runner_up, _, *below = shown["against\nrow 1"]
        assert (winner, runner_up, below) == ("chosen", "see below", ["", ""])
    asked = compare_sides(load_results("last"), "2", "1")
    assert asked[0].startswith("a: fnn model.units=[4], confirmed with 5 new seeds, test accuracy")
    assert p_in_words(between.p_value) in asked[2]
    assert compare_sides(load_results("last"), "1", "3")[0].startswith("a: fnn model.units=[8], test accuracy")
    assert CONFIRMS not in Run(candidate_of(load_results())["run_key"]).tags  # nor do they stand for election


def test_where_none_is_shown_to_be_better_that_is_said(lab):
    lab.skill[4] = 0.899
    lab.type("confirm=3")
    said = [line for line in notes(*board()) if line.startswith("It cannot be told yet which of")]
    assert len(said) == 1
    assert "'fnn model.units=[8]' and 'fnn model.units=[4]' is better, counting both the 3 seeds" in said[0]


def test_without_confirm_the_board_says_what_it_ignores(lab):
    lab.type()
    assert (
        "for other seeds the test accuracy of row 1 is too good, on average, because its own seeds chose it among 3 "
        "rows: a sweep's command with "
        "confirm=5 measures the first two rows of its boards with 5 new seeds"
    ) in notes(*board())
    lab.type(units=(8,))
    assert not any("for other seeds" in line for line in notes(*board()))


def test_tables_have_a_column_for_it(lab):
    lab.type("confirm=2")
    folder = Sweep.find("last").folder
    rows, each = pd.read_csv(folder / "leaderboard.csv"), pd.read_csv(folder / "runs.csv")
    assert list(rows["confirms"].fillna("")) == ["", "", ""] + [folder.name] * 2
    assert list(each["confirms"].fillna("")) == [""] * 6 + [folder.name] * 4
    assert list(rows["against_the_first"].fillna("")) == ["chosen", "see below", "lower", "chosen", "?"]
    assert list(rows["first_minus_row/mean"].notna()) == [False, False, True, False, True]


def test_seeds_that_are_typed_by_hand_never_join_the_row_that_they_confirm(lab):
    lab.type("confirm=2")
    sweep = Sweep.find("last").id
    assert lab.type(seeds=(0, 1, 2, 3)) == runs((2,), (2, 3))
    found, evidence = board()
    assert list(found.rows["seeds"]) == [2, 2, 4]
    assert any(
        line.startswith(f"4 of the 4 runs that confirm a choice of sweep {sweep}") or "new seeds" in line
        for line in notes(found, evidence)
    )
    lab.type(seeds=(2, 3))  # without those that chose: asked for by themselves, and not mixed with others
    found, evidence = board()
    assert [name.endswith(", confirming") for name in found.rows["run"]] == [True, True, False]
    assert any(
        line.startswith("these runs confirm a choice that was made before: fnn") for line in notes(found, evidence)
    )


# --- what is typed


def test_the_plan_says_what_comes_then(lab, capsys):
    assert lab.type("confirm=5", "plan=true") == []
    assert capsys.readouterr().out.splitlines()[-1] == "then confirm: 2 rows x 5 seeds"
    lab.type("confirm=5", "plan=true", units=(8,), data=((), ("limit=100",)))
    assert capsys.readouterr().out.splitlines()[-1] == "then confirm: 2 rows x 5 seeds"
    lab.type("confirm=5", "plan=true", units=(8,))
    assert capsys.readouterr().out.splitlines()[-1] == "then confirm: 1 row x 5 seeds"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["confirm=1"], "confirm must be 2 or more, received 1"),
        (
            ["confirm=2", "trainer.validation_fraction=0"],
            "what a sweep confirms is chosen by images that are held back",
        ),
    ],
)
def test_what_cannot_be_confirmed(words, why):
    with pytest.raises(ConfigError, match=why):
        check(compose(*BASE, *words))


def test_one_run_chooses_nothing(root):
    with pytest.raises(ConfigError, match="asks new seeds about what a sweep chose, and this is one run: expected -m"):
        run_job(compose(*BASE, "confirm=2"), [*BASE, "confirm=2"])


def test_it_is_not_in_the_run_key(lab):
    assert check(compose(*BASE, "confirm=2")).run_key("d") == check(compose(*BASE)).run_key("d")


@pytest.mark.parametrize("said", [[{}], [{"rows": [], "seeds": [1], "seen": []}], [3], {"rows": 1}])
def test_a_manifest_that_says_it_otherwise_is_broken(lab, said):
    lab.type(units=(8,))
    path = Sweep.find("last").folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"confirm": said}))
    with pytest.raises(EyechartError, match="is broken: move"):
        _ = Sweep.find("last").choices


# --- as a person types it


@pytest.fixture(scope="module")
def typed(digits_root, tmp_path_factory):
    root = link_data(digits_root, tmp_path_factory.mktemp("confirm") / "root")
    words = ["dataset=digits", "limit=[64,32]", "model=fnn", "model.units=[16],[2]", "seed=0,1", "trainer.epochs=1"]
    words = ["train", "-m", *words, "hydra/launcher=fused", "confirm=2"]
    done = run_program(root, *words)
    assert done.returncode == 0, done.stderr
    again = run_program(root, *words, env=forbid(root.parent / "forbidden", "tensorflow", "keras", "jax"))
    assert again.returncode == 0, again.stderr
    return SimpleNamespace(root=root, out=done.stdout, again=again.stdout, runs=mlflow_runs(root))


def test_a_sweep_confirms_what_it_chose_by_its_own_launcher(typed):
    assert typed.out.startswith("4 runs: 0 finished, 4 to train\nthen confirm: 2 rows x 2 seeds\n")
    assert "4 runs: 0 finished, 4 to train, about" in typed.out
    assert typed.out.count("2 runs of fnn on digits, as one program") == 4
    assert typed.out.count("confirming: test accuracy") == 4
    assert typed.out.count("confirmed with") == 2


def test_typed_again_it_shows_the_same_board(typed):
    assert typed.again.startswith("4 runs: 4 finished, 0 to train\nthen confirm: 2 rows x 2 seeds, 4 finished\n")
    boards = [text[text.index("digits, limit=[64, 32] (best first") :] for text in (typed.out, typed.again)]
    assert boards[0] == boards[1]


def test_mlflow_shows_which_runs_confirm_and_what_they_say(typed):
    (parent,) = [run for run in typed.runs if "eyechart.sweep" in run.data.tags]
    children = [run for run in typed.runs if run is not parent]
    confirming = [run for run in children if run.data.tags.get(CONFIRMS) == parent.data.tags["eyechart.sweep"]]
    assert (len(children), len(confirming)) == (8, 4)
    said = parent.data.tags["mlflow.note.content"].partition("Typed again")[0]
    assert "2 new seeds of 'fnn" in said
    assert "new seeds of each" in said
    assert not any("confirm=" in run.data.tags["mlflow.note.content"] for run in children)
