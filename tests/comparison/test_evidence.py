"""What the predictions of runs say of the rows of a board, and what is said where they are not there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eyechart.comparison import load_results
from eyechart.comparison.answers import correctness
from eyechart.comparison.evidence import weigh
from eyechart.comparison.groups import boards
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.evaluation.rows import Rows
from eyechart.evaluation.significance import estimates

IMAGES = 400


def right(share: float, seed: int = 0) -> np.ndarray:
    """Which of the images a network of this accuracy classifies right: the same hard ones, nearly."""
    return np.arange(IMAGES) + np.random.default_rng(seed).integers(0, 8, IMAGES) < share * IMAGES


def board():
    (found,) = boards(load_results())
    return found


def predictions(key: str):
    return paths.runs() / key / "artifacts" / "predictions.parquet"


@pytest.fixture
def three_rows(write_run):
    """Two seeds each: the first and second row are alike, and the third is far below."""
    for number, (model, share) in enumerate((("good", 0.9), ("alike", 0.9), ("bad", 0.5))):
        for seed in range(2):
            write_run(
                f"{model}{seed}",
                model=model,
                seed=seed,
                validation=0.9 - number / 10,
                correct=right(share, 10 * number + seed),
            )


def test_rows_are_compared_with_the_first(three_rows):
    found = weigh(board())
    assert found.problem == ""
    alike, bad = found.comparisons.with_first
    assert (alike.apart, bad.apart) == (False, True)
    assert alike.difference.over_seeds
    assert bad.difference.over_seeds
    assert bad.difference.mean > 0.3
    answers = [[right(share, 10 * number + seed) for seed in range(2)] for number, share in enumerate((0.9, 0.9, 0.5))]
    assert found.estimates == estimates(Rows.of([np.stack(row) for row in answers]))


def test_a_board_says_the_same_whenever_it_is_asked(three_rows):
    first, again = weigh(board()).comparisons, weigh(board()).comparisons
    assert again.with_first == first.with_first
    assert again.pair(1, 2) == first.pair(1, 2)
    assert (again.chances == first.chances).all()


def test_how_the_first_row_was_chosen_is_read_from_the_images_that_all_held_back(write_run):
    rng = np.random.default_rng(0)
    for number in range(4):
        held_back = dict(enumerate((rng.random(100) < 0.9).tolist()))
        write_run(f"row{number}", model=f"m{number}", validation=0.9, correct=right(0.9, number), held_back=held_back)
    assert weigh(board()).comparisons._validation.images == 100
    write_run("other", model="other", validation=0.5, correct=right(0.5), held_back={1000: True})
    assert weigh(board()).comparisons._validation is None


def test_the_order_of_a_table_does_not_matter(write_run):
    correct, shuffled = right(0.7), np.random.default_rng(0).permutation(IMAGES)
    write_run("a", correct=correct)
    write_run("b", correct=correct[shuffled], images=shuffled)
    found = correctness(["a", "b"])
    assert found.correct.shape == found.predictions.shape == (2, IMAGES)
    assert (found.correct == correct).all()
    assert (found.labels == np.arange(IMAGES) % 10).all()
    assert ((found.predictions == found.labels) == found.correct).all()
    assert found.labels.dtype == found.predictions.dtype == np.uint8


def missing(key):
    predictions(key).unlink()


def broken(key):
    predictions(key).write_text("nothing")


def of_something_else(key):
    import pandas as pd

    pd.DataFrame({"x": [1]}).to_parquet(predictions(key))


def without_test(key):
    import pandas as pd

    table = pd.read_parquet(predictions(key))
    table[table["part"] != "test"].to_parquet(predictions(key))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (missing, "run alike1 has lost its predictions.parquet: .*train the run anew"),
        (broken, r"predictions.parquet is not a predictions table \(.*train the run again"),
        (of_something_else, r"predictions.parquet is not a predictions table \("),
        (without_test, "has no rows of the part 'test'"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(three_rows, spoil, told):
    spoil("alike1")
    found = weigh(board())
    assert found.comparisons is None
    assert found.problem.startswith("the rows are not compared: alike: ")
    assert "\n" not in found.problem
    assert [known is not None for known in found.estimates] == [True, False, True]
    with pytest.raises(EyechartError, match=told):
        correctness(["alike1"])
    spoil("bad0")
    assert weigh(board()).problem.endswith("(and the like of 1 more)")


def test_other_images_are_told(three_rows, write_run):
    write_run("other", model="other", correct=right(0.5), images=np.arange(IMAGES) + 1)
    found = weigh(board())
    assert found.comparisons is None
    assert found.problem == "the rows are not compared: other was not tested on the images of good"
    assert all(found.estimates)


def test_other_images_within_a_row_are_told(write_run):
    write_run("a", correct=right(0.5))
    write_run("b", seed=1, correct=right(0.5)[1:])
    found = weigh(board())
    assert found.problem == "no interval: fnn: the runs a and b were not tested on the same images"


def test_one_row_is_compared_with_none(write_run):
    write_run("a", correct=right(0.5))
    found = weigh(board())
    assert (found.comparisons, found.problem) == (None, "")
    assert found.estimates[0] is not None


@pytest.mark.parametrize("column", ["label", "prediction"])
def test_a_table_with_classes_that_it_does_not_have(write_run, column):
    write_run("a", correct=[True, False])
    path = paths.runs() / "a/artifacts/predictions.parquet"
    table = pd.read_parquet(path)
    table[column] += 10
    table.to_parquet(path, index=False)
    with pytest.raises(EyechartError, match=r"not a predictions table \(classes beyond its 10\)"):
        correctness(["a"])


def test_groups_are_those_of_the_images_in_their_order(write_run):
    shuffled = np.random.default_rng(0).permutation(IMAGES)
    for seed in range(2):
        write_run(f"{seed}", seed=seed, correct=right(0.7)[shuffled], images=shuffled, groups=shuffled // 40)
    found = correctness(["0", "1"])
    assert found.groups is not None
    assert found.groups.tolist() == (np.arange(IMAGES) // 40).tolist()
    assert len(found.counts[0].support) == 10
    write_run("alone", correct=right(0.7))
    assert correctness(["alone"]).groups is None


def test_rows_with_other_groups_are_not_compared(write_run):
    write_run("a", model="a", correct=right(0.7), groups=np.arange(IMAGES) // 40)
    write_run("b", model="b", correct=right(0.7), groups=np.arange(IMAGES) // 20)
    write_run("c", model="c", correct=right(0.7), seed=1)
    assert "was not tested on the images of" in weigh(board()).problem
    with pytest.raises(EyechartError, match="the runs a and c were not tested on the same images"):
        correctness(["a", "c"])
