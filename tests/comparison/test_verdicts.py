"""What comparisons say in words, and that no two places say different things of one pair."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from compared import alone, differing

from eyechart.comparison import load_results, verdicts
from eyechart.comparison.evidence import Evidence
from eyechart.comparison.groups import Board
from eyechart.comparison.leaderboard import Leaderboard
from eyechart.comparison.question import compare_sides
from eyechart.comparison.report import pairs
from eyechart.comparison.report.gathering import gather
from eyechart.comparison.verdicts import answer
from eyechart.core import paths
from eyechart.evaluation.multiple import Compared, Comparisons
from eyechart.evaluation.rows import Rows
from eyechart.evaluation.significance import Difference

TEN_THOUSAND = Rows.of([np.ones((5, 10_000), bool)] * 2)


def picked(found: Difference, *, among: int = 45, with_first: bool = False) -> Compared:
    """As the largest of so many."""
    p_board = min(1.0, 10 * found.p_value)
    return Compared(found, p_board, 0.005, 0.01, among=among, with_first=with_first)


def said(
    compared: Compared, seeds: tuple[int, int] = (5, 5), rows: Rows = TEN_THOUSAND, margin: float = 0.005
) -> list[str]:
    return answer(("A", "B"), compared, seeds=seeds, rows=rows, margin=margin)


# --- an answer


def test_better():
    numbers, sentence = said(alone(differing(0.012, 0.004)))
    assert numbers == "a minus b: +1.20 percentage points, 95% interval +0.37 to +2.03, p = 0.0071"
    assert sentence == (
        "'A' is better than 'B': by 1.20 percentage points (95% interval 0.37 to 2.03), "
        "counting both the 5 seeds and the 10,000 test images."
    )


def test_worse_is_said_as_better_of_the_other():
    one_image = Rows.of([np.ones((2, 1), bool), np.ones((3, 1), bool)])
    numbers, sentence = said(alone(differing(-0.012, 0.001)), (2, 3), one_image)
    assert numbers == "a minus b: -1.20 percentage points, 95% interval -1.41 to -0.99, p < 0.0001"
    assert sentence == (
        "'B' is better than 'A': by 1.20 percentage points (95% interval 0.99 to 1.41), "
        "counting both the seeds (2 and 3) and the 1 test image."
    )


def test_a_small_difference_has_the_digits_that_it_needs():
    """With two, +0.00 to +0.00."""
    numbers, sentence = said(alone(differing(0.00002, 0.000005)))
    assert numbers == "a minus b: +0.0020 percentage points, 95% interval +0.0010 to +0.0030, p = 0.0007"
    assert sentence.startswith("'A' is better than 'B': by 0.0020 percentage points (95% interval 0.0010 to 0.0030)")
    _, sentence = said(alone(differing(0.000002, 0.000005)), margin=0.0)
    assert re.search(r"a true difference of 0\.00\d\d percentage points is found in half of such comparisons", sentence)


def test_practically_the_same():
    _, sentence = said(alone(differing(0.001, 0.002)))
    assert sentence == (
        "'A' and 'B' are practically the same: they differ by less than 0.5 percentage points (margin=0.5), with an "
        "error of 5%, counting both the 5 seeds and the 10,000 test images."
    )
    _, wider = said(alone(differing(0.001, 0.01)), margin=0.03)
    assert "by less than 3 percentage points (margin=3)" in wider


def test_not_told_apart_yet():
    found = alone(differing(0.004, 0.003, 8.0))
    _, sentence = said(found)
    half, most = (100 * found.difference.found(share) for share in (0.5, 0.8))
    assert half < most
    start, more = sentence.split(" If the difference is what it seems, about ")
    assert start.startswith(
        "It cannot be told yet which of 'A' and 'B' is better, counting both the 5 seeds and the 10,000 test images: a "
    )
    assert f"difference of {half:.2f} percentage points is found in half of such comparisons" in start
    assert f"one of {most:.2f} in four of five" in start
    assert int(more.split()[0]) > 0
    assert more.endswith(" of each would do.")


def test_where_seeds_are_the_limit_it_asks_for_many():
    _, sentence = said(alone(differing(0.0001, 0.05, 3.0, lasting=0.0)), margin=0.001)
    assert sentence.endswith("more than 100 more seeds of each would be needed.")


def test_where_images_are_the_limit_it_says_so():
    _, sentence = said(alone(differing(0.002, 0.004, 50.0, lasting=0.0039**2)))
    assert sentence.endswith(
        "If the difference is what it seems, more seeds would not tell: the test images are too few."
    )


def test_a_pair_that_was_picked_says_both_p_values():
    found = differing(-0.012, 0.005)
    numbers, sentence = said(picked(found))
    assert numbers == (
        "a minus b: -1.20 percentage points; for a pair named before looking 95% interval -2.24 to -0.16, p = 0.026; "
        "among the board's 45 pairs p = 0.26"
    )
    assert sentence == (
        "'B' looks better than 'A', but picked from the board's 45 pairs it may be luck: only if this pair was named "
        "before looking is it told apart at 5%, counting both the 5 seeds and the 10,000 test images."
    )
    numbers, sentence = said(picked(found, among=9, with_first=True))
    assert numbers.endswith("among the board's 9 comparisons with row 1 p = 0.26")
    assert "picked from the board's 9 comparisons with row 1 it may be luck" in sentence
    numbers, sentence = said(replace(picked(differing(0.03, 0.005)), p_board=0.0004))
    assert "among the board's 45 pairs p < 0.001" in numbers  # no simulation says less
    assert sentence.startswith("'A' is better than 'B': by 3.00 percentage points (corrected 95% interval ")


@pytest.mark.parametrize(("seeds", "who"), [((1, 1), "these two trained networks"), ((3, 1), "the networks that were")])
@pytest.mark.parametrize("error", [0.005, 0.02])
def test_with_one_seed_it_speaks_of_the_networks(seeds, who, error):
    _, sentence = said(alone(differing(0.012, error, over_seeds=False)), seeds)
    assert "seeds and" not in sentence
    assert "counting the 10,000 test images" in sentence
    assert f" It speaks only of {who}" in sentence
    assert "more seeds of each" not in sentence
    assert "too few" not in sentence


def test_where_p_value_and_interval_disagree_it_says_which_to_go_by():
    agreeing = replace(differing(0.012, 0.005, over_seeds=False), p_value=0.04)
    assert agreeing.low > 0
    assert "go by the p-value" not in said(alone(agreeing), (1, 1))[1]
    found = alone(replace(agreeing, p_value=0.06))
    assert said(found, (1, 1))[1].startswith("It cannot be told yet which of 'A' and 'B' is better")
    assert "go by the p-value" in said(found, (1, 1))[1]


def test_groups_of_images_are_counted_as_such():
    rows = Rows.of([np.ones((5, 1000), bool)] * 2, np.arange(1000) % 40)
    assert (
        "both the 5 seeds and the 1,000 test images in 40 groups" in said(alone(differing(0.02, 0.001)), rows=rows)[1]
    )
    few = replace(alone(differing(0.02, 0.001)), p_board=None)
    assert said(few, rows=rows)[1] == (
        "Which of 'A' and 'B' is better cannot be told: there are too few groups of test images."
    )


# --- a board


def board(*seeds: int, chosen: bool = True) -> Board:
    rows = {"run": [f"model{number}" for number in range(len(seeds))], "seeds": seeds}
    return Board("digits", "best first by validation/accuracy", chosen, pd.DataFrame(rows), pd.DataFrame())


def weighed(*compared: Compared, groups: np.ndarray | None = None) -> Evidence:
    """Of the first row with each other one."""
    comparisons = Comparisons(Rows.of([np.ones((5, 1000), bool)] * (len(compared) + 1), groups))
    among = len(compared)
    comparisons.with_first = [replace(each, among=among) for each in compared]  # type: ignore[misc]
    return Evidence([None] * (len(compared) + 1), comparisons)


BETTER, WORSE, SAME, OPEN = (
    alone(differing(mean, error, 8.0))
    for mean, error in ((0.02, 0.003), (-0.02, 0.003), (0.001, 0.002), (0.004, 0.003))
)


def test_the_marks_of_a_board():
    found = weighed(BETTER, WORSE, SAME, OPEN)
    assert verdicts.marks(board(5, 5, 5, 5, 5), found) == ["chosen", "lower", "higher", "same", "?"]
    assert verdicts.marks(board(5, 5, 5, 5, 5, chosen=False), found)[0] == "first"
    lines = verdicts.notes(board(5, 5, 5, 5, 5), found)
    assert lines[:3] == [
        "lower and higher: told apart from row 1 at 5%, seeds and test images both counted, "
        "corrected for 4 comparisons and for how row 1 was chosen",
        "higher: better on the test images than the row that validation chose; they do not choose",
        "same: practically the same as row 1, they differ by less than 0.5 percentage points (margin=0.5), with an "
        "error of 5%",
    ]
    assert lines[3].startswith("?: cannot be told from row 1 yet at 5%: a ")
    assert " for row 5" in lines[3]
    assert lines[4] == verdicts.P_BEST


def test_of_single_networks_p_best_speaks_of_them():
    for seeds in ((1, 1), (5, 1)):
        (told,) = (line for line in verdicts.notes(board(*seeds), weighed(OPEN)) if line.startswith("P(best): "))
        assert told == f"{verdicts.P_BEST}; of a row with one seed, that trained network"


def test_what_has_no_mark_is_not_explained():
    lines = verdicts.notes(board(5, 5), weighed(BETTER))
    assert lines[0] == "lower: told apart from row 1 at 5%, seeds and test images both counted"
    assert not any(line.startswith(("?", "same", "higher")) for line in lines)
    (untold,) = (line for line in verdicts.notes(board(5, 5), weighed(OPEN)) if line.startswith("?"))
    assert untold.startswith("?: cannot be told from row 1 yet at 5%, seeds and test images both counted: ")


def test_rows_that_no_seeds_would_tell_apart_are_named():
    limit = alone(differing(0.002, 0.004, 50.0, lasting=0.0039**2))
    (untold,) = (line for line in verdicts.notes(board(5, 5, 5), weighed(OPEN, limit)) if line.startswith("?"))
    assert " for row 2" in untold
    assert "for row 3 more seeds would not tell: the test images are too few" in untold


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        ((2, 2, 2), True),
        ((3, 3, 3), True),
        ((5, 5, 2), True),
        ((5, 1, 2), True),
        ((5, 5, 5), False),
        ((5, 1, 1), False),
        ((1, 1, 1), False),
    ],
)
def test_with_few_seeds_it_is_said_that_rows_are_taken_to_be_of_similar_spread(seeds, told):
    lines = verdicts.notes(board(*seeds), weighed(BETTER, OPEN))
    found = [
        line for line in lines if line.endswith(" all this holds only if the seeds of all rows scatter about alike")
    ]
    assert len(found) == told
    if told:
        assert found[0].startswith(f"with as few as {min(n for n in seeds if n > 1)} seeds a row")


def test_too_few_groups_are_told():
    found = weighed(*[replace(BETTER, p_board=None)] * 2, groups=np.arange(1000) % 9)
    assert verdicts.marks(board(5, 5, 5), found) == ["chosen", "?", "?"]
    lines = verdicts.notes(board(5, 5, 5), found)
    assert "? 9 groups of test images are too few to tell rows apart: 10 are needed at least" in lines
    assert not any("more seeds" in line for line in lines)


def test_groups_are_counted_on_a_board():
    lines = verdicts.notes(board(5, 5), weighed(BETTER, groups=np.arange(1000) % 40))
    assert lines[0].startswith("lower: told apart from row 1 at 5%, seeds and groups of test images both counted")


def test_the_numbers_of_a_board():
    found = weighed(BETTER, OPEN)
    numbers = verdicts.numbers(board(5, 5, 5), found)
    assert numbers["mean"] == [0.02, 0.004]
    assert numbers["p_value"] == [BETTER.p_board, OPEN.p_board]
    assert numbers["more_seeds"][0] == 0 < numbers["more_seeds"][1]
    assert {len(values) for values in numbers.values()} == {2}


# --- everywhere the same


@pytest.fixture(params=[1, 3])
def five_rows(request, write_run) -> None:
    """Of one seed each, or of three: some clearly apart, and some that only look so."""
    rng = np.random.default_rng(4)
    ease, held = rng.standard_normal(400), rng.standard_normal(200)
    for number, level in enumerate((1.5, 1.5, 1.35, 1.2, 0.5)):
        for seed in range(request.param):
            write_run(
                f"{number}{seed}aaaa",
                model=f"m{number}",
                seed=seed,
                validation=0.9 - number / 100,
                correct=ease + rng.standard_normal(400) > -level,
                held_back=dict(enumerate((held + rng.standard_normal(200) > -level).tolist())),
            )


def test_the_board_an_answer_and_the_report_say_the_same_of_every_pair(five_rows):
    results = load_results()
    ((found, evidence),) = Leaderboard.of(results).boards
    names, marks = list(found.rows["run"]), verdicts.marks(found, evidence)
    reported = pairs.verdicts(found, evidence, gather(found))
    seen = set()
    for i, j in combinations(range(5), 2):
        asked = compare_sides(results, str(i + 1), str(j + 1))[2:]
        back = compare_sides(results, names[j], names[i])[2:]
        assert reported[f"{i} {j}"] == asked[::-1]
        assert [line.partition(", p ")[2] for line in back] == [line.partition(", p ")[2] for line in asked]
        if "is better than" in asked[1] or "looks better" in asked[1]:
            assert back[1] == asked[1]
        if i == 0:  # as on the board, to the digit
            compared = evidence.comparisons.with_first[j - 1]
            outcome = verdicts.verdicts(found, evidence)[j - 1].outcome
            assert verdicts.MARKS[outcome] == marks[j]
            assert ("is better than" in asked[1]) == (marks[j] in ("lower", "higher"))
            seeds = (int(found.rows["seeds"][0]), int(found.rows["seeds"][j]))
            expected = answer(
                (names[0], names[j]), compared, seeds=seeds, rows=evidence.comparisons.rows, margin=evidence.margin
            )
            assert asked == expected
            assert "among the board's 4 comparisons with row 1" in asked[0]
        else:
            assert "among the board's 10 pairs" in asked[0]
        seen.add(asked[1].partition("' ")[2][:6] if asked[1].startswith("'") else asked[1][:6])
    assert len(seen) > 1  # not all say the same


def test_two_rows_of_a_board_that_lacks_predictions_are_compared_by_themselves(five_rows):
    (paths.runs() / "40aaaa" / "artifacts" / "predictions.parquet").unlink()
    results = load_results()
    ((found, evidence),) = Leaderboard.of(results).boards
    asked = compare_sides(results, "m0", "m1")
    assert asked[-1].startswith("compared by themselves: on the board, the rows are not compared: m4: run 40aaaa has")
    assert "among" not in asked[2]
    reported = pairs.verdicts(found, evidence, gather(found))
    assert reported["0 1"] == asked[2:4][::-1]
