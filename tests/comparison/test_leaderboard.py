"""The boards as they are printed, drawn and written."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from eyechart.comparison import answers, evidence, leaderboard, load_results, verdicts
from eyechart.comparison.evidence import weigh
from eyechart.comparison.groups import boards
from eyechart.comparison.leaderboard import Leaderboard
from eyechart.comparison.results import results_of
from eyechart.core import paths
from eyechart.runs.run import Run

LONG = {"optimizer": "adam", "optimizer.learning_rate": 0.001, "trainer.epochs": 5}


def right(share: float, seed: int) -> np.ndarray:
    return np.arange(1000) + np.random.default_rng(seed).integers(0, 8, 1000) < share * 1000


@pytest.fixture
def seeds(write_run):
    """Three rows with two seeds each."""
    for number, (units, share) in enumerate((([64], 0.9), ([32], 0.897), ([8], 0.5))):
        for seed in range(2):
            write_run(
                f"{number}{seed}",
                seed=seed,
                validation=0.9 - number / 100,
                correct=right(share, 10 * number + seed),
                **LONG,
                **{"model.units": units},
            )


@pytest.fixture
def one_seed(write_run):
    for number, (model, share) in enumerate((("cnn", 0.9), ("fnn", 0.5))):
        write_run(model, model=model, validation=0.9 - number / 10, correct=right(share, number))


def columns() -> dict[str, list[str]]:
    """Title and cells of the only board."""
    (board,) = boards(load_results())
    return {column.title.replace("\n", " "): column.cells for column in leaderboard.columns(board, weigh(board))}


def notes() -> list[str]:
    """Of the only board, but for what every board of several rows says of its first."""
    (board,) = boards(load_results())
    lines = leaderboard.notes(board, weigh(board))
    return [line for line in lines if not line.startswith("for other seeds the test accuracy of row 1 is too good")]


def printed(width: int) -> str:
    canvas = Console(file=io.StringIO(), width=width)
    leaderboard._print([(board, weigh(board)) for board in boards(load_results())], canvas)
    return canvas.file.getvalue()


def test_the_columns_of_a_board_with_seeds(seeds):
    found = columns()
    assert list(found) == [
        "#", "run", "seeds", "validation", "test ± std", "95% interval", "against row 1", "P(best)",
        "balanced accuracy", "macro F1", "worst-best", "best epoch", "parameters", "seconds",
    ]  # fmt: skip
    assert found["run"] == ["fnn model.units=[64]", "fnn model.units=[32]", "fnn model.units=[8]"]
    assert found["seeds"] == ["2", "2", "2"]
    assert found["validation"] == ["0.9000", "0.8900", "0.8800"]
    accuracies = [right(0.9, seed).mean() for seed in (0, 1)]
    assert found["test ± std"][0] == f"{np.mean(accuracies):.4f} ± {np.std(accuracies, ddof=1):.4f}"
    assert found["worst-best"][0] == f"{min(accuracies):.4f}-{max(accuracies):.4f}"
    assert found["parameters"][0] == "12,345"
    chances = [float(cell.strip("<>%")) for cell in found["P(best)"]]
    assert chances[0] > chances[1] > chances[2]
    assert found["P(best)"][2] == "<1%"
    assert found["against row 1"] == ["chosen", "?", "lower"]
    lower, untold, best, assumed, failures = notes()
    assert lower == (
        "lower: told apart from row 1 at 5%, seeds and test images both counted, "
        "corrected for 2 comparisons and for how row 1 was chosen"
    )
    assert untold.startswith("?: cannot be told from row 1 yet at 5%: a ")
    assert best == verdicts.P_BEST
    assert assumed.startswith("with as few as 2 seeds a row, all this holds only if")
    assert failures.startswith("no seed failed, and 2 good seeds leave open that up to 78% of trainings do")


def test_the_columns_of_a_board_with_one_seed_each(one_seed):
    found = columns()
    assert "worst-best" not in found
    assert found["test"] == [f"{right(share, n).mean():.4f}" for n, share in enumerate((0.9, 0.5))]
    low, high = found["95% interval"][0].split("-")
    assert float(low) < right(0.9, 0).mean() < float(high)
    assert found["against row 1"] == ["chosen", "lower"]
    mark, best, alone = notes()
    assert mark == "lower: told apart from row 1 at 5%, test images counted"  # one comparison: nothing to correct
    assert best.startswith("P(best): ")
    assert alone.startswith("one seed: what is said of it holds for the trained network")


def test_classes_of_unequal_size(write_run):
    """One row knows the common class alone, the other both; journals of before know nothing of it."""
    labels = np.repeat([0, 1], [950, 50])
    for seed in range(2):
        write_run(f"a{seed}", seed=seed, validation=0.9, correct=labels == 0, labels=labels)
        most = np.arange(1000) % (40 + seed) > 0
        write_run(f"b{seed}", seed=seed, validation=0.8, model="cnn", correct=most, labels=labels)
    names = ["common", "rare", *"23456789"]
    (paths.runs() / "a0/artifacts/per_class.json").write_text(json.dumps({"class": names}))
    found = columns()
    assert found["balanced accuracy"][0] == "0.5000"
    assert found["macro F1"][0] == f"{(2 * 950 / 1950 + 0) / 2:.4f}"
    assert float(found["balanced accuracy"][1]) > 0.9
    unequal, low, never = notes()[-3:]
    assert unequal.startswith("of 1,000 test images 950 are of class 'common' and none of '2'")
    assert low.startswith("not above the share of the largest class by more than the interval")
    assert low.endswith(": fnn (0.9500, 0.9347-0.9619, against 0.9500)")
    assert "cnn" not in low
    assert never == "classes that are never predicted: fnn: 'rare'"
    shown, _, left_out = printed(80).partition("left out for want of room: ")
    assert "balanced" in shown  # where it says more than the accuracy it stays
    assert "parameters" in left_out


def test_intervals_have_the_digits_that_they_need(write_run):
    """Of 100,000 test images one is wrong: with four digits 1.0000, and an interval that says nothing."""
    correct = np.arange(100_000) > 0
    write_run("a", correct=correct)
    found = columns()
    assert (found["test"], found["95% interval"]) == (["0.999990"], ["0.999943-0.999998"])
    write_run("b", model="cnn", correct=~correct)
    assert columns()["test"] == ["0.999990", "0.000010"]


def test_one_run_alone_is_compared_with_none(write_run):
    write_run("a", correct=right(0.5, 0))
    assert "against row 1" not in columns()
    assert "95% interval" in columns()
    (alone,) = notes()
    assert alone.startswith("one seed")


def test_a_run_that_does_not_count_is_told(write_run):
    for key in "abc":
        write_run(key)
    assert columns()["seeds"] == ["1"]
    assert notes()[0] == "not counted, because another run has the same choices and seed: b, c"


def test_a_row_with_one_seed_among_others(seeds, write_run):
    write_run("x", model="cnn", validation=0.1, correct=right(0.99, 0), **LONG, **{"model.units": 1})
    found = columns()
    assert (found["worst-best"][-1], found["seeds"][-1]) == ("-", "1")
    assert "±" not in found["test ± std"][-1]
    assert found["against row 1"][-1] == "higher"  # validation puts rows in order, and not the test
    assert len([note for note in notes() if note.startswith(("lower and higher: ", "?: ", "one seed: "))]) == 3
    assert "test images counted, and seeds where both rows have several" in notes()[0]


def test_a_row_that_is_higher_than_the_first_is_said_to_be_so(one_seed, write_run):
    for number, (model, share) in enumerate((("lenet", 0.99), ("rnn", 0.8))):
        write_run(model, model=model, validation=0.7 - number / 10, correct=right(share, number))
    assert columns()["against row 1"] == ["chosen", "lower", "higher", "lower"]
    told, higher, *_ = notes()
    assert told.startswith("lower and higher: told apart from row 1 at 5%, test images counted, corrected for 3 ")
    assert higher == "higher: better on the test images than the row that validation chose; they do not choose"


def test_without_predictions_the_board_is_shown_and_says_so(seeds, capsys):
    path = paths.runs() / "20" / "artifacts" / "predictions.parquet"
    path.unlink()
    found = columns()
    assert "against row 1" not in found
    assert found["95% interval"][-1] == "-"
    _, note, settings = notes()
    assert note.startswith("the rows are not compared: fnn model.units=[8]: run 20 has lost its predictions.parquet: ")
    assert settings.startswith("which images were held back is not known of 1 run without predictions (20)")
    Leaderboard.of(load_results()).print()
    assert "the rows are not compared" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fewer", "counted"),
    [
        (["11"], "test images counted, and seeds where both rows have several, corrected"),
        (["11", "21"], "test images counted, corrected"),
        (["01"], "test images counted, corrected"),
    ],
)
def test_what_is_counted_where_some_rows_have_one_seed(seeds, fewer, counted):
    for key in fewer:
        shutil.rmtree(paths.runs() / key)
    assert counted in notes()[0]


def test_runs_that_left_no_predictions_at_all(write_run):
    write_run("a", model="cnn")
    write_run("b")
    assert list(columns()) == ["#", "run", "seeds", "validation", "test", "best epoch", "parameters", "seconds"]


def test_where_nothing_was_held_back_no_row_is_the_best(write_run):
    for number, model in enumerate(("cnn", "fnn")):
        write_run(model, model=model, validation=None, train=0.9 - number / 10, correct=right(0.5, number))
    assert columns()["against row 1"] == ["first", "same"]
    assert notes()[0].startswith("same: practically the same as row 1, they differ by less than 0.5 percentage points")
    write_run("lenet", model="lenet", validation=None, train=0.5, correct=right(0.9, 2))
    assert columns()["against row 1"][-1] == "higher"
    assert notes()[0].endswith(", test images counted, corrected for 2 comparisons")  # nothing chose the first
    assert not any("chose" in note for note in notes())


def test_the_margin_of_what_is_practically_the_same(seeds):
    (board,) = boards(load_results())
    assert verdicts.marks(board, weigh(board, margin=0.02)) == ["chosen", "same", "lower"]
    assert verdicts.marks(board, weigh(board, margin=0.0)) == ["chosen", "?", "lower"]


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_a_board_fits_its_terminal_and_breaks_no_number(seeds, width):
    text = printed(width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    shown = [title for title, cells in columns().items() if any(cells[0] in line for line in lines) or title == "run"]
    assert {"validation", "test ± std", "95% interval", "against row 1"} <= set(shown)
    for word in ("fnn", "model.units=[64]", "0.9000"):
        assert word in text
    left_out = " ".join(text.partition("left out for want of room: ")[2].split()).split(", ")
    order = ["best epoch", "seconds", "macro F1", "balanced accuracy", "worst-best", "P(best)", "parameters"]
    assert left_out == {80: order, 100: order[:5], 120: order[:4], 200: [""]}[width]


def test_a_terminal_that_is_too_narrow_loses_no_digit(seeds):
    text = printed(30)
    for title in ("run", "test ± std", "95% interval"):
        assert all(cell.split(" ")[0] in text for cell in columns()[title])


def test_a_board_in_a_log(write_run, capsys):
    write_run("a", validation=0.25, test=0.125)
    Leaderboard.of(results_of([Run("a"), Run("unknown")])).print()
    told = capsys.readouterr().out
    assert "digits (best first by validation/accuracy)" in told
    assert "0.2500" in told
    assert "0.1250" in told
    Leaderboard.of(results_of([Run("unknown")])).print()
    assert capsys.readouterr().out == ""


def test_a_label_is_no_markup(write_run):
    write_run("a", model="[bold]", **{"model.units": [1]})
    assert "[bold]" in printed(120)


def test_a_picture(seeds, tmp_path: Path, capsys):
    Leaderboard.of(load_results()).print(tmp_path / "board.svg")
    svg = (tmp_path / "board.svg").read_text()
    assert "model.units=[64]" in svg
    assert "@font-face" not in svg


def test_the_files_of_a_board(tmp_path: Path, write_run):
    for seed, accuracy in enumerate((0.25, 0.75)):
        write_run(f"a{seed}", seed=seed, validation=accuracy, test=accuracy / 2)
    write_run("b", validation=None, model="cnn")
    write_run("c", digest="e")
    folder = tmp_path / "board"
    written = Leaderboard.of(results_of(map(Run, ("a0", "a1", "b", "c", "unknown")))).write(folder)
    assert written == ["leaderboard.csv", "leaderboard.md", "runs.csv"]
    assert sorted(path.name for path in folder.iterdir()) == written

    runs = pd.read_csv(folder / "runs.csv").set_index("run_key")
    assert sorted(runs.index) == ["a0", "a1", "b", "c"]
    assert runs["test/accuracy"]["a1"] == 0.375

    rows = pd.read_csv(folder / "leaderboard.csv").set_index("run_keys")
    assert sorted(rows.index) == ["a0 a1", "b", "c"]
    row = rows.loc["a0 a1"]
    assert (row["run"], row["seeds"], row["validation/accuracy"], row["test/accuracy"]) == ("fnn", 2, 0.5, 0.25)
    assert (row["test/worst"], row["test/best"]) == (0.125, 0.375)
    assert row["test/std"] == pytest.approx(0.1767767)

    text = (folder / "leaderboard.md").read_text()
    assert text.count("## digits") == 2
    assert "nothing was held back for some runs" in text
    assert "12,345" in text
    assert "0.2500 ± 0.1768" in text
    for section in text.split("## ")[1:]:
        lines = [line for line in section.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) == 1  # a table in Markdown


def test_a_leaderboard_is_computed_once(seeds, tmp_path, monkeypatch, capsys):
    made = Leaderboard.of(load_results())
    for module, name in ((evidence, "weigh"), (evidence, "estimates"), (evidence, "estimate"), (answers, "_columns")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("computed again"))
    made.print()
    shown = capsys.readouterr().out
    made.write(tmp_path)
    made.print()
    assert capsys.readouterr().out == shown
    assert made.markdown() == (tmp_path / "leaderboard.md").read_text()


def test_the_files_tell_of_intervals_and_marks(seeds, tmp_path: Path):
    Leaderboard.of(load_results()).write(tmp_path)
    rows = pd.read_csv(tmp_path / "leaderboard.csv")
    assert (rows["test/low"] < rows["test/accuracy"]).all()
    assert rows["test/balanced_accuracy"].tolist() == pytest.approx(rows["test/accuracy"].tolist())
    assert (abs(rows["test/macro_f1"] - rows["test/accuracy"]) < 0.01).all()
    for score in ("balanced_accuracy", "macro_f1"):
        assert (rows[f"test/{score}_low"] < rows[f"test/{score}"]).all()
        assert (rows[f"test/{score}"] < rows[f"test/{score}_high"]).all()
    assert (rows["test/accuracy"] < rows["test/high"]).all()
    assert list(rows["against_the_first"]) == ["chosen", "?", "lower"]
    assert rows["p_best"].sum() == pytest.approx(1)
    assert list(rows["first_minus_row/p_value"] < 0.05) == [False, False, True]
    assert (rows["first_minus_row/p_value_alone"] <= rows["first_minus_row/p_value"])[1:].all()
    assert (rows["first_minus_row/found_in_half"] < rows["first_minus_row/found_in_four_of_five"])[1:].all()
    assert rows["first_minus_row/more_seeds"].tolist()[2] == 0
    difference = rows["first_minus_row/mean"]
    assert (rows["first_minus_row/low"] < difference)[1:].all()
    assert difference.tolist()[1:] == pytest.approx((rows["test/accuracy"][0] - rows["test/accuracy"][1:]).tolist())
    text = (tmp_path / "leaderboard.md").read_text()
    assert "?: cannot be told from row 1 yet" in text
    assert "lower: told apart from row 1" in text


def test_the_files_tell_what_is_known_of_a_row_without_predictions(seeds, tmp_path: Path):
    (paths.runs() / "20" / "artifacts" / "predictions.parquet").unlink()
    Leaderboard.of(load_results()).write(tmp_path)
    rows = pd.read_csv(tmp_path / "leaderboard.csv")
    for name in ("test/macro_f1", "test/macro_f1_low", "test/balanced_accuracy_high"):
        assert list(rows[name].isna()) == [False, False, True]


def test_no_files_of_nothing(root):
    nothing = Leaderboard.of(results_of([]))
    assert (bool(nothing), len(nothing)) == (False, 0)
    assert nothing.write(paths.state()) == []
    assert not paths.state().exists()


def test_a_row_of_several_versions_is_named(write_run):
    for seed, (versions, kernels) in enumerate(
        [("keras 3.14.0, numpy 2.4.0", "Eigen"), ("keras 3.15.1, numpy 2.4.0", "oneDNN")]
    ):
        tags = {"eyechart.versions": versions, "eyechart.kernels": kernels}
        write_run(f"mixed{seed}", seed=seed, tags=tags, **LONG)
        write_run(f"other{seed}", seed=seed, model="cnn", tags={"eyechart.versions": "keras 3.15.1"}, **LONG)
    write_run("old", seed=3, model="cnn", **LONG)
    said = [note for note in notes() if "computed by" in note]
    assert said == ["fnn: runs computed by keras 3.14.0, Eigen and by keras 3.15.1, oneDNN"]


def test_old_and_new_code_are_rows_of_their_own(write_run):
    for seed in range(2):
        write_run(f"old{seed}", seed=seed, **LONG)
        write_run(f"new{seed}", seed=seed, **LONG, **{"code.model": "0123456789ab"})
    assert sorted(columns()["run"]) == ["fnn code.model=0123456789ab", "fnn code.model=null"]


def test_a_row_with_a_run_that_diverged_is_marked(seeds, write_run):
    write_run("02", seed=2, validation=0.1, correct=right(0.1, 2), diverged=3, **LONG, **{"model.units": [64]})
    found = columns()
    at = found["run"].index("fnn model.units=[64]")
    assert found["seeds"] == ["3†‡" if row == at else "2" for row in range(3)]
    accuracies = [right(*choice).mean() for choice in ((0.9, 0), (0.9, 1), (0.1, 2))]
    assert found["test ± std"][at].startswith(f"{np.mean(accuracies):.4f} ± ")
    (note,) = [line for line in notes() if line.startswith("†")]
    assert note.endswith(": 02 in epoch 3")
    (board,) = boards(load_results())
    assert list(board.rows["diverged"]) == [1 if row == at else 0 for row in range(3)]


def test_without_one_that_diverged_no_row_is_marked(seeds):
    assert "†" not in printed(200)
